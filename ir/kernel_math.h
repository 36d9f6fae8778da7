/* Functions of numbers as kernel instructions, which kernels of several ops share. */
#ifndef RIFFLE_IR_KERNEL_MATH_H
#define RIFFLE_IR_KERNEL_MATH_H

#include "ir/kernel.h"

/* a + b + ... of expressions, variadic, closed by NULL. */
const Expression *expression_sum(Arena *arena, ...) __attribute__((sentinel));

int emit_number(KernelBuilder *builder, int lanes, float constant); /* of f32 */
int emit_typed_number(KernelBuilder *builder, LaneType type, int lanes, float constant);

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

/* ---- kernel_logarithm.c ---- */

void emit_logarithm(KernelBuilder *builder, int destination, int source);
/* log(1 + exp(source)) */
void emit_softplus(KernelBuilder *builder, int destination, int source);
void emit_power(KernelBuilder *builder, int destination, int base, int exponent);

#endif
