/* What instructions make of lanes: the arithmetic of the interpreter of kernels. */
#ifndef RIFFLE_IR_KERNEL_COMPUTE_H
#define RIFFLE_IR_KERNEL_COMPUTE_H

#include "ir/kernel.h"
#include "ir/kernel_lanes.h"

/* The registers of one thread: the bits of each lane, which has as many as its type, the rest
 * zeros. */
typedef struct RegisterFile {
    const int *first; /* by register: where its lanes begin */
    void *lanes;      /* uint32_t; in proofs pairs (kernel_pairs.h) */
} RegisterFile;

static inline uint32_t *register_bits(const RegisterFile *registers, int index) {
    return (uint32_t *)registers->lanes + registers->first[index];
}

/* Gives the destination its value by those of the sources; for what accesses no memory. */
void kernel_compute(
    const Kernel *kernel, const Instruction *instruction, const RegisterFile *registers);

#endif
