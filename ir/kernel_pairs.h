/* Instructions of kernels on pairs (ir/pair.h): whatever a lane holds is one, and rounding to f16
 * or bf16 is none. */
#ifndef RIFFLE_IR_KERNEL_PAIRS_H
#define RIFFLE_IR_KERNEL_PAIRS_H

#include "ir/kernel_compute.h"
#include "ir/pair.h"

/* Whether all that the kernel does has a meaning for pairs; else *what is what has none. */
bool kernel_has_pairs(const Kernel *kernel, const char **what);

static inline Pair *register_pairs(const RegisterFile *registers, int index) {
    return (Pair *)registers->lanes + registers->first[index];
}

void kernel_compute_pairs(
    const Kernel *kernel, const Instruction *instruction, const RegisterFile *registers);

#endif
