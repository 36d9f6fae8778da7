/* What instructions make of lanes: the arithmetic of the interpreter of kernels. */
#ifndef RIFFLE_IR_KERNEL_COMPUTE_H
#define RIFFLE_IR_KERNEL_COMPUTE_H

#include "ir/kernel.h"
#include "ir/kernel_lanes.h"

/* A register: the bits of each lane, which has as many as its type, the rest zeros. */
typedef struct RegisterBits {
    uint32_t lanes[MOST_LANES];
} RegisterBits;

/* Gives the destination its value by those of the sources; for what accesses no memory. */
void kernel_compute(const Kernel *kernel, const Instruction *instruction, RegisterBits *registers);

#endif
