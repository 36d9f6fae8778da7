/* Arithmetic that kernels of several ops share. */
#ifndef RIFFLE_BACKENDS_PROGRAM_MATH_H
#define RIFFLE_BACKENDS_PROGRAM_MATH_H

#include "ir/arena.h"
#include "ir/graph.h"
#include "ir/kernel.h"

/* a + b + ... of expressions, variadic, closed by NULL. */
const Expression *expression_sum(Arena *arena, ...) __attribute__((sentinel));

int emit_number(KernelBuilder *builder, int lanes, float constant);

/* The formula at the registers. Its result comes to lie in `home`, which may be one of them; the
 * others stay. */
void emit_formula(KernelBuilder *builder, const Formula *formula, const int *operands, int home);
/* Applies the formula to a register in place. */
void emit_activation(KernelBuilder *builder, const Formula *activation, int reg);

/* destination = exp(source), to about 2 units in the last place. */
void emit_exponential(KernelBuilder *builder, int destination, int source);
/* reg = log(reg) where it is from 1 to 2^40, as a softmax's sum is; NaN stays NaN. */
void emit_logarithm_of_sum(KernelBuilder *builder, int reg);
void emit_tanh(KernelBuilder *builder, int destination, int source);

#endif
