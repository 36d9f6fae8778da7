/* Formulas as kernel instructions; and what they are made of, ir/kernel_math.h. */
#ifndef RIFFLE_BACKENDS_PROGRAM_MATH_H
#define RIFFLE_BACKENDS_PROGRAM_MATH_H

#include "ir/arena.h"
#include "ir/graph.h"
#include "ir/kernel.h"
#include "ir/kernel_math.h"

/* The formula at the registers, all of one type, f32 or f16. Its result comes to lie in `home`,
 * which may be one of them; the others stay. What takes more than a few sums and products of f16 is
 * computed in f32. */
void emit_formula(KernelBuilder *builder, const Formula *formula, const int *operands, int home);
/* Applies the formula to a register in place. */
void emit_activation(KernelBuilder *builder, const Formula *activation, int reg);

#endif
