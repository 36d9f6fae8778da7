/* Small changes of kernels, which a test must notice. */
#ifndef RIFFLE_TESTS_KERNELS_MUTATE_KERNEL_H
#define RIFFLE_TESTS_KERNELS_MUTATE_KERNEL_H

#include "ir/kernel.h"

typedef struct Mutation {
    Statement *statement; /* that was changed; NULL: nothing was found to change */
    Statement before;
    const char *what;
} Mutation;

/* Changes an operand, an offset, a constant, an operation or a bound somewhere in the kernel, or
 * drops a barrier; the number says where and how. */
Mutation kernel_mutate(Kernel *kernel, uint64_t number, Arena *arena);
/* Drops the barrier of that number; nothing when there are not so many. */
Mutation kernel_drop_barrier(Kernel *kernel, int64_t index, Arena *arena);
void mutation_undo(const Mutation *mutation);

#endif
