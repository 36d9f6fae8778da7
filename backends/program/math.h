/* Arithmetic that kernels of several ops share. */
#ifndef RIFFLE_BACKENDS_PROGRAM_MATH_H
#define RIFFLE_BACKENDS_PROGRAM_MATH_H

#include "ir/arena.h"
#include "ir/graph.h"
#include "ir/kernel.h"

/* a + b + ... of expressions, variadic, closed by NULL. */
const Expression *expression_sum(Arena *arena, ...) __attribute__((sentinel));

int emit_number(KernelBuilder *builder, int lanes, float constant); /* of f32 */
int emit_typed_number(KernelBuilder *builder, LaneType type, int lanes, float constant);

/* The formula at the registers, all of one type, f32 or f16. Its result comes to lie in `home`,
 * which may be one of them; the others stay. What takes more than a few sums and products of f16 is
 * computed in f32. */
void emit_formula(KernelBuilder *builder, const Formula *formula, const int *operands, int home);
/* Applies the formula to a register in place. */
void emit_activation(KernelBuilder *builder, const Formula *activation, int reg);

/* coefficients[0] * x^(count-1) + ... + coefficients[count-1] */
void emit_polynomial(
    KernelBuilder *builder, int destination, int x, const float *coefficients, int count);
/* The source, of f32 or f16, but no less and no more than these; NaN stays. */
void emit_within(KernelBuilder *builder, int destination, int source, float least, float most);
/* -1, 0 or 1, NaN for NaN. */
void emit_sign(KernelBuilder *builder, int destination, int source);
/* The largest integer that is not greater, of any number. */
void emit_floor(KernelBuilder *builder, int destination, int source);
/* The nearest integer, of two the even one. */
void emit_round(KernelBuilder *builder, int destination, int source);

/* destination = exp(source), to about 2 units in the last place. */
void emit_exponential(KernelBuilder *builder, int destination, int source);
/* The same where |source| is at most ln 2 / 2, or little more. */
void emit_small_exponential(KernelBuilder *builder, int destination, int source);
void emit_tanh(KernelBuilder *builder, int destination, int source);
void emit_erf(KernelBuilder *builder, int destination, int source);

/* ---- logarithm.c ---- */

void emit_logarithm(KernelBuilder *builder, int destination, int source);
/* log(1 + exp(source)) */
void emit_softplus(KernelBuilder *builder, int destination, int source);
void emit_power(KernelBuilder *builder, int destination, int base, int exponent);

#endif
