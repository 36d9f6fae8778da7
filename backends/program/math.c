/* Functions of numbers that kernels of several ops share. */
#include "backends/program/math.h"
#include "ir/arena.h"
#include "ir/kernel.h"
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

int emit_number(KernelBuilder *builder, int lanes, float constant) {
    int reg = kernel_register(builder, lanes);
    kernel_splat(builder, reg, constant);
    return reg;
}

/* coefficients[0] * x^(count-1) + ... + coefficients[count-1] */
static void emit_polynomial(
    KernelBuilder *builder, int destination, int x, const float *coefficients, int count) {
    int lanes = builder->kernel->register_lanes[x];
    kernel_splat(builder, destination, coefficients[0]);
    for (int i = 1; i < count; i++)
        kernel_multiply_add(
            builder, destination, destination, x, emit_number(builder, lanes, coefficients[i]));
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
    int one = emit_number(builder, lanes, 1.0f);
    int least = emit_number(builder, lanes, -88.3f);
    kernel_binary(builder, INSTRUCTION_maximum, x, least, source);
    kernel_binary(builder, INSTRUCTION_minimum, x, emit_number(builder, lanes, 88.6f), x);
    /* NaN stays in x, and so in the result; no integer is made of it. */
    kernel_binary(builder, INSTRUCTION_maximum, n, x, least);
    kernel_multiply_add(builder, n, n, emit_number(builder, lanes, 1.44269504088896341f),
        emit_number(builder, lanes, 0.5f));
    kernel_unary(builder, INSTRUCTION_floor, n, n);
    kernel_multiply_add(builder, x, n, emit_number(builder, lanes, -0.693359375f), x);
    kernel_multiply_add(builder, x, n, emit_number(builder, lanes, 2.12194440e-4f), x);
    kernel_binary(builder, INSTRUCTION_multiply, square, x, x);
    kernel_splat(builder, sum, coefficients[0]);
    for (int i = 1; i < 6; i++)
        kernel_multiply_add(builder, sum, sum, x, emit_number(builder, lanes, coefficients[i]));
    kernel_multiply_add(builder, sum, sum, square, x);
    kernel_binary(builder, INSTRUCTION_add, sum, sum, one);
    kernel_unary(builder, INSTRUCTION_power_of_two, n, n);
    kernel_binary(builder, INSTRUCTION_multiply, destination, sum, n);
}

/* A quotient of polynomials in x, odd over even, cut off where it reaches 1: that of Eigen's tanh,
 * divided by the constant of the denominator, so that denormals stay. At most 3.4e-7 of the result
 * away from it, over a million arguments. */
void emit_tanh(KernelBuilder *builder, int destination, int source) {
    static const float above[] = {-5.641676e-14f, 4.0874172e-11f, -1.7583789e-08f, 1.0467499e-05f,
        0.0030360983f, 0.13022554f, 0.9999999f};
    static const float below[] = {0.0002448661f, 0.024222763f, 0.46355838f, 1.0f};
    int lanes = builder->kernel->register_lanes[source];
    int x = kernel_register(builder, lanes), square = kernel_register(builder, lanes);
    int top = kernel_register(builder, lanes), bottom = kernel_register(builder, lanes);
    /* NaN comes second, and stays. */
    kernel_binary(builder, INSTRUCTION_maximum, x, emit_number(builder, lanes, -7.99f), source);
    kernel_binary(builder, INSTRUCTION_minimum, x, emit_number(builder, lanes, 7.99f), x);
    kernel_binary(builder, INSTRUCTION_multiply, square, x, x);
    emit_polynomial(builder, top, square, above, 7);
    emit_polynomial(builder, bottom, square, below, 4);
    kernel_binary(builder, INSTRUCTION_multiply, top, top, x);
    kernel_binary(builder, INSTRUCTION_divide, top, top, bottom);
    /* It ends a little below 1; from 9 on it is 1, so that 1 - tanh(x) is 0 for all large numbers.
     */
    kernel_binary(builder, INSTRUCTION_subtract, bottom, source, emit_number(builder, lanes, 8.0f));
    kernel_binary(builder, INSTRUCTION_minimum, bottom, emit_number(builder, lanes, 1.0f), bottom);
    kernel_binary(builder, INSTRUCTION_maximum, top, top, bottom);
    kernel_binary(builder, INSTRUCTION_add, bottom, source, emit_number(builder, lanes, 8.0f));
    kernel_binary(builder, INSTRUCTION_maximum, bottom, emit_number(builder, lanes, -1.0f), bottom);
    kernel_binary(builder, INSTRUCTION_minimum, destination, top, bottom);
}

/* The 32nd root lies between 1 and 2.4; its logarithm by the series of the inverse hyperbolic
 * tangent, to 0.02. Two steps of Newton's on exp(y) = s make that float's precision. */
void emit_logarithm_of_sum(KernelBuilder *builder, int reg) {
    enum { ROOTS = 5, STEPS = 2 };
    int lanes = builder->kernel->register_lanes[reg];
    int one = emit_number(builder, lanes, 1.0f), y = kernel_register(builder, lanes);
    int below = kernel_register(builder, lanes), square = kernel_register(builder, lanes);
    kernel_unary(builder, INSTRUCTION_move, y, reg);
    for (int i = 0; i < ROOTS; i++)
        kernel_unary(builder, INSTRUCTION_square_root, y, y);
    kernel_binary(builder, INSTRUCTION_add, below, y, one);
    kernel_binary(builder, INSTRUCTION_subtract, y, y, one);
    kernel_binary(builder, INSTRUCTION_divide, y, y, below);
    kernel_binary(builder, INSTRUCTION_multiply, square, y, y);
    static const float coefficients[] = {64.0f / 5, 64.0f / 3, 64.0f};
    emit_polynomial(builder, below, square, coefficients, 3);
    kernel_binary(builder, INSTRUCTION_multiply, y, y, below);
    int minus = emit_number(builder, lanes, -1.0f), power = kernel_register(builder, lanes);
    for (int i = 0; i < STEPS; i++) {
        kernel_binary(builder, INSTRUCTION_multiply, power, y, minus);
        emit_exponential(builder, power, power);
        kernel_multiply_add(builder, power, power, reg, minus);
        kernel_binary(builder, INSTRUCTION_add, y, y, power);
    }
    kernel_unary(builder, INSTRUCTION_move, reg, y);
}
