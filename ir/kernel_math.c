/* Functions of numbers that kernels of several ops share. */
#include "ir/kernel_math.h"
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

int emit_typed_number(KernelBuilder *builder, LaneType type, int lanes, float constant) {
    int reg = kernel_register_of(builder, type, lanes);
    kernel_splat(builder, reg, constant);
    return reg;
}

int emit_number(KernelBuilder *builder, int lanes, float constant) {
    return emit_typed_number(builder, LANE_F32, lanes, constant);
}

void emit_polynomial(
    KernelBuilder *builder, int destination, int x, const float *coefficients, int count) {
    int lanes = builder->kernel->register_lanes[x];
    kernel_splat(builder, destination, coefficients[0]);
    for (int i = 1; i < count; i++)
        kernel_multiply_add(
            builder, destination, destination, x, emit_number(builder, lanes, coefficients[i]));
}

/* What is clamped comes second, so that NaN stays NaN. */
void emit_within(KernelBuilder *builder, int destination, int source, float least, float most) {
    int lanes = builder->kernel->register_lanes[source];
    LaneType type = builder->kernel->register_types[source];
    kernel_binary(builder, INSTRUCTION_maximum, destination,
        emit_typed_number(builder, type, lanes, least), source);
    kernel_binary(builder, INSTRUCTION_minimum, destination,
        emit_typed_number(builder, type, lanes, most), destination);
}

/* Even the least denormal times 2^254 is more than 1. */
void emit_sign(KernelBuilder *builder, int destination, int source) {
    int large = emit_number(builder, builder->kernel->register_lanes[source], 0x1p127f);
    kernel_binary(builder, INSTRUCTION_multiply, destination, source, large);
    kernel_binary(builder, INSTRUCTION_multiply, destination, destination, large);
    emit_within(builder, destination, destination, -1, 1);
}

/* Some targets make integers on the way, which NaN and large numbers are not: the instruction gets
 * what lies within 2^23, beyond which there is no fraction; what it takes away is taken away. */
void emit_floor(KernelBuilder *builder, int destination, int source) {
    int lanes = builder->kernel->register_lanes[source];
    int within = kernel_register(builder, lanes), whole = kernel_register(builder, lanes);
    kernel_binary(
        builder, INSTRUCTION_maximum, within, source, emit_number(builder, lanes, -0x1p23f));
    kernel_binary(
        builder, INSTRUCTION_minimum, within, within, emit_number(builder, lanes, 0x1p23f));
    kernel_unary(builder, INSTRUCTION_floor, whole, within);
    kernel_binary(builder, INSTRUCTION_subtract, whole, whole, within);
    kernel_binary(builder, INSTRUCTION_add, destination, source, whole);
}

/* Of a number that is not negative: beyond 2^23 there are no fractions, and a sum with 2^23 is
 * rounded to the nearest, as is any. */
static void emit_round_positive(KernelBuilder *builder, int destination, int source) {
    int lanes = builder->kernel->register_lanes[source];
    int large = emit_number(builder, lanes, 0x1p23f), whole = kernel_register(builder, lanes);
    int within = kernel_register(builder, lanes);
    kernel_binary(builder, INSTRUCTION_minimum, within, large, source);
    kernel_binary(builder, INSTRUCTION_add, whole, within, large);
    kernel_binary(builder, INSTRUCTION_subtract, whole, whole, large);
    kernel_binary(builder, INSTRUCTION_subtract, whole, whole, within);
    kernel_binary(builder, INSTRUCTION_add, destination, source, whole);
}

void emit_round(KernelBuilder *builder, int destination, int source) {
    int lanes = builder->kernel->register_lanes[source];
    int zero = emit_number(builder, lanes, 0), above = kernel_register(builder, lanes);
    int below = kernel_register(builder, lanes);
    kernel_binary(builder, INSTRUCTION_maximum, above, zero, source);
    kernel_binary(builder, INSTRUCTION_subtract, below, zero, source);
    kernel_binary(builder, INSTRUCTION_maximum, below, zero, below);
    emit_round_positive(builder, above, above);
    emit_round_positive(builder, below, below);
    kernel_binary(builder, INSTRUCTION_subtract, destination, above, below);
}

/* The polynomial of Cephes' expf. */
void emit_small_exponential(KernelBuilder *builder, int destination, int source) {
    static const float coefficients[] = {1.9875691500e-4f, 1.3981999507e-3f, 8.3334519073e-3f,
        4.1665795894e-2f, 1.6666665459e-1f, 5.0000001201e-1f};
    int lanes = builder->kernel->register_lanes[source];
    int square = kernel_register(builder, lanes), sum = kernel_register(builder, lanes);
    kernel_binary(builder, INSTRUCTION_multiply, square, source, source);
    emit_polynomial(builder, sum, source, coefficients, 6);
    kernel_multiply_add(builder, sum, sum, square, source);
    kernel_binary(builder, INSTRUCTION_add, destination, sum, emit_number(builder, lanes, 1.0f));
}

/* The range reduction of Cephes' expf: x = n ln 2 + r, |r| <= ln 2 / 2. Clamped so that n goes from
 * -127, whose power is 0, to 128, whose power is infinity: below -87.7 the result is 0, above 88.4
 * it is infinity. */
void emit_exponential(KernelBuilder *builder, int destination, int source) {
    int lanes = builder->kernel->register_lanes[source];
    int x = kernel_register(builder, lanes), n = kernel_register(builder, lanes);
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
    emit_small_exponential(builder, x, x);
    kernel_unary(builder, INSTRUCTION_power_of_two, n, n);
    kernel_binary(builder, INSTRUCTION_multiply, destination, x, n);
}

/* x times a quotient of polynomials in its square, and exactly -1 or 1 where the source is `end` or
 * more away from 0, since 1 - tanh(x) is to be 0 for all large numbers. `top` has the quotient. */
static void emit_cut_off(KernelBuilder *builder, int destination, int top, int source, float end) {
    int lanes = builder->kernel->register_lanes[source], bound = kernel_register(builder, lanes);
    int before = emit_number(builder, lanes, end - 1);
    kernel_binary(builder, INSTRUCTION_subtract, bound, source, before);
    kernel_binary(builder, INSTRUCTION_minimum, bound, emit_number(builder, lanes, 1.0f), bound);
    kernel_binary(builder, INSTRUCTION_maximum, top, top, bound);
    kernel_binary(builder, INSTRUCTION_add, bound, source, before);
    kernel_binary(builder, INSTRUCTION_maximum, bound, emit_number(builder, lanes, -1.0f), bound);
    kernel_binary(builder, INSTRUCTION_minimum, destination, top, bound);
}

/* x * above(x^2) / below(x^2) of the number within the bounds, in a new register. */
static int emit_odd_over_even(KernelBuilder *builder, int source, float bound, const float *above,
    int above_count, const float *below, int below_count) {
    int lanes = builder->kernel->register_lanes[source];
    int x = kernel_register(builder, lanes), square = kernel_register(builder, lanes);
    int top = kernel_register(builder, lanes), bottom = kernel_register(builder, lanes);
    emit_within(builder, x, source, -bound, bound);
    kernel_binary(builder, INSTRUCTION_multiply, square, x, x);
    emit_polynomial(builder, top, square, above, above_count);
    emit_polynomial(builder, bottom, square, below, below_count);
    kernel_binary(builder, INSTRUCTION_multiply, top, top, x);
    kernel_binary(builder, INSTRUCTION_divide, top, top, bottom);
    return top;
}

/* Odd over even, cut off where it reaches 1: that of Eigen's tanh, divided by the constant of the
 * denominator, so that denormals stay. At most 3.4e-7 of the result away from it, over a million
 * arguments. */
void emit_tanh(KernelBuilder *builder, int destination, int source) {
    static const float above[] = {-5.641676e-14f, 4.0874172e-11f, -1.7583789e-08f, 1.0467499e-05f,
        0.0030360983f, 0.13022554f, 0.9999999f};
    static const float below[] = {0.0002448661f, 0.024222763f, 0.46355838f, 1.0f};
    int ratio = emit_odd_over_even(builder, source, 7.99f, above, 7, below, 4);
    emit_cut_off(builder, destination, ratio, source, 9);
}

/* The same of Eigen's erf, which is 1.0000002 at most. At most 3.6e-7 of the result away from it,
 * over two million arguments. */
void emit_erf(KernelBuilder *builder, int destination, int source) {
    static const float above[] = {1.9111056e-08f, -1.9423289e-06f, 1.4728794e-04f, 3.9906138e-03f,
        5.1524997e-02f, 2.0712610e-01f, 1.1283791f};
    static const float below[] = {
        1.0211243e-03f, 1.4958146e-02f, 1.1797110e-01f, 5.1689198e-01f, 1.0f};
    int ratio = emit_odd_over_even(builder, source, 4, above, 7, below, 5);
    emit_within(builder, ratio, ratio, -1, 1);
    emit_cut_off(builder, destination, ratio, source, 5);
}
