/* Instructions of kernels on pairs (ir/pair.h): whatever a lane holds is one, and rounding to f16
 * or bf16 is none. */
#ifndef RIFFLE_IR_KERNEL_PAIRS_H
#define RIFFLE_IR_KERNEL_PAIRS_H

#include "ir/kernel_compute.h"
#include "ir/pair.h"

static inline Pair *register_pairs(const RegisterFile *registers, int index) {
    return (Pair *)registers->lanes + registers->first[index];
}

void kernel_compute_pairs(
    const Kernel *kernel, const Instruction *instruction, const RegisterFile *registers);
/* Those that have to do with whole numbers (kernel_pairs_whole.c). */
void kernel_compute_whole_pairs(const Kernel *kernel, const Instruction *instruction,
    const Pair *const *sources, Pair *destination);

#endif
