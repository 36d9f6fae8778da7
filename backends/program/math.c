/* Arithmetic that kernels of several ops share: exponentials, activations. */
#include "backends/program/math.h"
#include "ir/arena.h"
#include "ir/graph.h"
#include "ir/kernel.h"
#include <assert.h>
#include <stdarg.h>

const Expression *expression_sum(Arena *arena, ...) {
    va_list arguments;
    va_start(arguments, arena);
    const Expression *sum = expression_constant(arena, 0);
    for (;;) {
        const Expression *next = va_arg(arguments, const Expression *);
        if (!next)
            break;
        sum = expression_add(arena, sum, next);
    }
    va_end(arguments);
    return sum;
}

static int emit_constant(KernelBuilder *builder, int lanes, float constant) {
    int reg = kernel_register(builder, lanes);
    kernel_splat(builder, reg, constant);
    return reg;
}

/* The range reduction and polynomial of Cephes' expf: x = n ln 2 + r, |r| <= ln 2 / 2. Clamped so
 * that n goes from -127, whose power is 0, to 128, whose power is infinity: below -87.7 the result
 * is 0, above 88.4 it is infinity. */
void emit_exponential(KernelBuilder *builder, int destination, int source) {
    static const float coefficients[] = {1.9875691500e-4f, 1.3981999507e-3f, 8.3334519073e-3f,
        4.1665795894e-2f, 1.6666665459e-1f, 5.0000001201e-1f};
    int lanes = builder->kernel->register_lanes[source];
    int x = kernel_register(builder, lanes), n = kernel_register(builder, lanes);
    int square = kernel_register(builder, lanes), sum = kernel_register(builder, lanes);
    int one = emit_constant(builder, lanes, 1.0f);
    int least = emit_constant(builder, lanes, -88.3f);
    kernel_binary(builder, INSTRUCTION_maximum, x, least, source);
    kernel_binary(builder, INSTRUCTION_minimum, x, emit_constant(builder, lanes, 88.6f), x);
    /* NaN stays in x, and so in the result; no integer is made of it. */
    kernel_binary(builder, INSTRUCTION_maximum, n, x, least);
    kernel_multiply_add(builder, n, n, emit_constant(builder, lanes, 1.44269504088896341f),
        emit_constant(builder, lanes, 0.5f));
    kernel_unary(builder, INSTRUCTION_floor, n, n);
    kernel_multiply_add(builder, x, n, emit_constant(builder, lanes, -0.693359375f), x);
    kernel_multiply_add(builder, x, n, emit_constant(builder, lanes, 2.12194440e-4f), x);
    kernel_binary(builder, INSTRUCTION_multiply, square, x, x);
    kernel_splat(builder, sum, coefficients[0]);
    for (int i = 1; i < 6; i++)
        kernel_multiply_add(builder, sum, sum, x, emit_constant(builder, lanes, coefficients[i]));
    kernel_multiply_add(builder, sum, sum, square, x);
    kernel_binary(builder, INSTRUCTION_add, sum, sum, one);
    kernel_unary(builder, INSTRUCTION_power_of_two, n, n);
    kernel_binary(builder, INSTRUCTION_multiply, destination, sum, n);
}

/* What is clamped comes second, so that NaN stays NaN. */
static void emit_clamp(KernelBuilder *builder, int reg, float least, float most) {
    int lanes = builder->kernel->register_lanes[reg];
    kernel_binary(builder, INSTRUCTION_maximum, reg, emit_constant(builder, lanes, least), reg);
    kernel_binary(builder, INSTRUCTION_minimum, reg, emit_constant(builder, lanes, most), reg);
}

void emit_activation(KernelBuilder *builder, Activation activation, int reg) {
    int lanes = builder->kernel->register_lanes[reg];
    int temporary;
    switch (activation) {
    case ACTIVATION_NONE:
        return;
    case ACTIVATION_RELU:
        kernel_binary(builder, INSTRUCTION_maximum, reg, emit_constant(builder, lanes, 0.0f), reg);
        return;
    case ACTIVATION_RELU6:
        emit_clamp(builder, reg, 0.0f, 6.0f);
        return;
    case ACTIVATION_SIGMOID:
        temporary = kernel_register(builder, lanes);
        kernel_binary(
            builder, INSTRUCTION_subtract, temporary, emit_constant(builder, lanes, 0.0f), reg);
        emit_exponential(builder, temporary, temporary);
        kernel_binary(
            builder, INSTRUCTION_add, temporary, temporary, emit_constant(builder, lanes, 1.0f));
        kernel_binary(
            builder, INSTRUCTION_divide, reg, emit_constant(builder, lanes, 1.0f), temporary);
        return;
    case ACTIVATION_HARD_SIGMOID:
    case ACTIVATION_HARD_SWISH:
        temporary = kernel_register(builder, lanes);
        kernel_binary(
            builder, INSTRUCTION_add, temporary, reg, emit_constant(builder, lanes, 3.0f));
        emit_clamp(builder, temporary, 0.0f, 6.0f);
        kernel_binary(builder, INSTRUCTION_multiply, temporary, temporary,
            emit_constant(builder, lanes, 1.0f / 6.0f));
        if (activation == ACTIVATION_HARD_SWISH)
            kernel_binary(builder, INSTRUCTION_multiply, reg, reg, temporary);
        else
            kernel_unary(builder, INSTRUCTION_move, reg, temporary);
        return;
    case ACTIVATION_COUNT:
        break;
    }
    assert(false && "unknown activation");
}
