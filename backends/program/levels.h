/* One library for several processors: a program for each, packed weights that they share, and code
 * that asks the processor which one to call. */
#ifndef RIFFLE_BACKENDS_PROGRAM_LEVELS_H
#define RIFFLE_BACKENDS_PROGRAM_LEVELS_H

#include "backends/program/program.h"
#include "backends/program/summary.h"
#include "backends/target/levels.h"

/* The programs of one library, from the lowest level to the highest. All have the largest workspace
 * of any; the first owns the packed weights, of the others they have the length alone. */
struct ProgramLevels {
    const TargetLevels *target;
    Program *programs[MOST_LEVELS];
    int count;
    bool bytes; /* the network computes with them */
};

/* Blocks of packed weights begin at a multiple of it, and as many bytes lie behind the last. */
enum { WEIGHTS_ALIGNMENT = 64 };

/* Releases the weights of all; the rest belongs to the arena. */
void program_levels_destroy(ProgramLevels *levels);

#endif
