/* What is asked for: code for which target, and how. It says nothing of the network. */
#ifndef RIFFLE_BACKENDS_PROGRAM_COMPILATION_H
#define RIFFLE_BACKENDS_PROGRAM_COMPILATION_H

#include "backends/program/options.h"
#include "backends/target/target.h"

enum {
    /* Of a kernel's own buffers: rings, or what Winograd's algorithm works in. With 48 KiB fewer
     * layers pay as chains or by Winograd's algorithm. */
    MOST_LOCAL_BYTES = 96 * 1024,
    /* Of those on the stack; the others are scratch, see scratch.h. What else is in a frame fits
     * the 16 KiB that are left of 64: tests/consumers/test_stack.py looks at whole frames. */
    MOST_STACK_BYTES = 48 * 1024
};

/* Choices that were measured: see schedule/tuning.h. */
typedef struct Tuning Tuning;

/* What is 0 or NULL is the default. */
typedef struct Compilation {
    const Target *target;
    Tuning *tuning;   /* notes which of its choices were asked for; NULL: all are the model's */
    int weight_block; /* output channels that packed weights keep together; 0: those of a tile */
    LowerOptions options;
} Compilation;

/* Of a kernel's own buffers on the stack. */
static inline int64_t most_stack_bytes(const Compilation *compilation) {
    int64_t asked = compilation->options.stack_bytes;
    return asked > 0 ? asked : MOST_STACK_BYTES;
}

#endif
