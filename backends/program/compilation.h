/* What is asked for: code for which target, and how. It says nothing of the network. */
#ifndef RIFFLE_BACKENDS_PROGRAM_COMPILATION_H
#define RIFFLE_BACKENDS_PROGRAM_COMPILATION_H

#include "backends/program/options.h"
#include "backends/target/target.h"

/* Of what a kernel keeps on the stack: rings, or scratch. With 48 KiB fewer layers pay as chains or
 * by Winograd's algorithm; tests/consumers/test_stack.py looks at whole frames. */
enum { MOST_LOCAL_BYTES = 96 * 1024 };

/* Choices that were measured: see schedule/tuning.h. */
typedef struct Tuning Tuning;

/* What is 0 or NULL is the default. */
typedef struct Compilation {
    const Target *target;
    Tuning *tuning;   /* notes which of its choices were asked for; NULL: all are the model's */
    int weight_block; /* output channels that packed weights keep together; 0: those of a tile */
    LowerOptions options;
} Compilation;

#endif
