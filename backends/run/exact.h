/* Runs programs on the pairs of proofs (ir/pair.h), in memory as it is planned: buffers of the
 * workspace lie over each other, and what nobody wrote is marked. */
#ifndef RIFFLE_BACKENDS_RUN_EXACT_H
#define RIFFLE_BACKENDS_RUN_EXACT_H

#include "backends/run/origins.h"
#include "ir/kernel_interpret.h"

/* In which order the items of a step are done. None may see what another does. */
typedef enum ExactOrder {
    EXACT_AT_ONCE,  /* in one call */
    EXACT_BACKWARD, /* each by itself, the last first */
    EXACT_SHUFFLED, /* each by itself */
    EXACT_ORDER_COUNT
} ExactOrder;

typedef struct ExactRun {
    Kernel *const *kernels; /* those of the program, or others in their place */
    const Pair *weights;    /* packed (packed_pairs) */
    int cell_bytes[BUFFER_KIND_COUNT];
    const Pair *const *inputs;
    Pair *const *outputs;
    ExactOrder order;
    uint64_t seed;      /* of the order */
    int64_t steps_left; /* statements and iterations of kernels that it may take */
} ExactRun;

/* The bytes of the smallest numbers in memory of each kind. */
void program_cell_bytes(const Program *program, int cell_bytes[BUFFER_KIND_COUNT]);
/* Runs it once. NULL, or what a step does wrong. */
const char *program_run_pairs(const Program *program, ExactRun *run, Arena *arena);

#endif
