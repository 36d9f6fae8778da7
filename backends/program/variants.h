/* One library for several variants of a network, as sizes of an image: a program for each, and
 * packed weights that they share. */
#ifndef RIFFLE_BACKENDS_PROGRAM_VARIANTS_H
#define RIFFLE_BACKENDS_PROGRAM_VARIANTS_H

#include "backends/program/program.h"

/* Each program has a name of its own, which its functions begin with; the first owns the weights.
 * `graphs` are what they compute. */
struct ProgramVariants {
    const char *name; /* of the library, which the symbol of the weights begins with */
    Program *const *programs;
    const Graph *const *graphs;
    int count; /* at most MOST_LIBRARY_VARIANTS */
};

#endif
