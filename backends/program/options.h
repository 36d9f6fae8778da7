/* How a graph is to be lowered, and how its code is made. */
#ifndef RIFFLE_BACKENDS_PROGRAM_OPTIONS_H
#define RIFFLE_BACKENDS_PROGRAM_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

typedef enum LowerChains { CHAINS_BY_COST, CHAINS_NEVER, CHAINS_ALWAYS } LowerChains;

/* Winograd's algorithm for dense 3x3 convolutions: faster, and a little less exact. */
typedef enum LowerWinograd {
    WINOGRAD_BY_COST,
    WINOGRAD_NEVER,
    WINOGRAD_ALWAYS, /* and below: always, with tiles of that many outputs */
    WINOGRAD_2X2,
    WINOGRAD_4X4
} LowerWinograd;

/* How the values are spelled: "by-cost"; NULL behind the last. */
const char *lower_chains_name(int chains);
const char *lower_winograd_name(int winograd);

enum { MOST_LIBRARY_VARIANTS = 16 }; /* of a network, in one library */

typedef struct LowerOptions {
    bool copy_layout;   /* each layout op moves all its numbers, as in an engine that runs op by op:
                           no views, and no producer that writes to where its reader looks */
    LowerChains chains; /* which layers share a kernel, row by row; answers are the same */
    int64_t ring_bytes; /* most that a chain may keep in rings; 0: 96 KiB */
    int64_t stack_bytes;    /* most of a kernel's own buffers on the stack; 0: 48 KiB */
    LowerWinograd winograd; /* which convolutions it computes; GPU: none, always */
} LowerOptions;

/* What spells the kernels. */
typedef enum Backend {
    BACKEND_DEFAULT, /* LLVM where it is built in, else C */
    BACKEND_LLVM,
    BACKEND_C
} Backend;

Backend backend_default(void); /* one of the others */

/* A command that runs programs elsewhere: on another processor, or on a device. */
typedef struct Runner {
    const char *command;    /* with its first arguments: "qemu-aarch64 -cpu max", "adb -s SERIAL" */
    const char *c_compiler; /* that makes programs for there, likewise; NULL: the first known one */
    int threads;            /* that share each run out; at least 1 */
} Runner;

/* How NAME_run_parallel uses the caller's parallel_for: see parallel.h. */
typedef enum ParallelLoops {
    LOOP_PER_RUN, /* once */
    LOOP_PER_STEP /* once a step, with its items: for who looks at steps, or cuts them */
} ParallelLoops;

#endif
