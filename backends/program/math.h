/* Arithmetic that kernels of several ops share. */
#ifndef RIFFLE_BACKENDS_PROGRAM_MATH_H
#define RIFFLE_BACKENDS_PROGRAM_MATH_H

#include "ir/arena.h"
#include "ir/graph.h"
#include "ir/kernel.h"

/* a + b + ... of expressions, variadic, closed by NULL. */
const Expression *expression_sum(Arena *arena, ...) __attribute__((sentinel));

/* Applies the activation to a register in place. */
void emit_activation(KernelBuilder *builder, Activation activation, int reg);

/* destination = exp(source), to about 2 units in the last place. */
void emit_exponential(KernelBuilder *builder, int destination, int source);

#endif
