/* Logarithms, and what is made of them, as kernel instructions. */
#include "ir/kernel_math.h"
#include <float.h>

static int binary(KernelBuilder *builder, InstructionKind kind, int a, int b) {
    int reg = kernel_register(builder, builder->kernel->register_lanes[a]);
    kernel_binary(builder, kind, reg, a, b);
    return reg;
}

static int number(KernelBuilder *builder, int like, float constant) {
    return emit_number(builder, builder->kernel->register_lanes[like], constant);
}

/* A positive number, normal or not, is mantissa * 2^exponent; the mantissa lies between sqrt(1/2)
 * and sqrt(2). What is no such number counts as the nearest; NaN stays in the mantissa. */
typedef struct LogarithmParts {
    int mantissa, exponent;
} LogarithmParts;

static LogarithmParts emit_parts(KernelBuilder *builder, int source) {
    int lanes = builder->kernel->register_lanes[source];
    LogarithmParts parts = {kernel_register(builder, lanes), kernel_register(builder, lanes)};
    int x = kernel_register(builder, lanes), n = kernel_register(builder, lanes);
    emit_within(builder, x, source, 0x1p-149f, FLT_MAX);
    /* 1 for numbers below 2^-100, which are made larger by 2^64, so that none is denormal */
    int small = binary(builder, INSTRUCTION_subtract, number(builder, x, 0x1p-100f), x);
    kernel_binary(builder, INSTRUCTION_multiply, small, small, number(builder, x, 0x1p127f));
    emit_within(builder, small, small, 0, 1);
    int factor = binary(builder, INSTRUCTION_multiply, small, number(builder, x, 0x1p64f));
    kernel_binary(builder, INSTRUCTION_maximum, factor, number(builder, x, 1), factor);
    kernel_binary(builder, INSTRUCTION_multiply, x, x, factor);
    kernel_binary(builder, INSTRUCTION_multiply, n, x, number(builder, x, 0.70710678f));
    kernel_unary(builder, INSTRUCTION_exponent, n, n); /* less one */
    kernel_binary(builder, INSTRUCTION_subtract, factor, number(builder, x, 1), n);
    kernel_unary(builder, INSTRUCTION_power_of_two, factor, factor);
    kernel_binary(builder, INSTRUCTION_multiply, x, x, number(builder, x, 0.25f));
    kernel_binary(builder, INSTRUCTION_multiply, parts.mantissa, x, factor);
    kernel_binary(builder, INSTRUCTION_add, n, n, number(builder, x, 1));
    kernel_multiply_add(builder, parts.exponent, small, number(builder, x, -64), n);
    return parts;
}

/* The polynomial of Cephes' logf: log(mantissa) = r + rest, where r is the mantissa less 1. */
static void emit_mantissa_logarithm(KernelBuilder *builder, int mantissa, int *r, int *rest) {
    static const float coefficients[] = {7.0376836292e-2f, -1.1514610310e-1f, 1.1676998740e-1f,
        -1.2420140846e-1f, 1.4249322787e-1f, -1.6668057665e-1f, 2.0000714765e-1f, -2.4999993993e-1f,
        3.3333331174e-1f};
    *r = binary(builder, INSTRUCTION_subtract, mantissa, number(builder, mantissa, 1));
    *rest = kernel_register(builder, builder->kernel->register_lanes[mantissa]);
    int square = binary(builder, INSTRUCTION_multiply, *r, *r);
    int cube = binary(builder, INSTRUCTION_multiply, square, *r);
    emit_polynomial(builder, *rest, *r, coefficients, 9);
    kernel_binary(builder, INSTRUCTION_multiply, *rest, *rest, cube);
    kernel_multiply_add(builder, *rest, square, number(builder, mantissa, -0.5f), *rest);
}

/* At most a unit in the last place away, over two million arguments. Then infinity for infinity,
 * its opposite for 0, and NaN below. */
void emit_logarithm(KernelBuilder *builder, int destination, int source) {
    int r, sum;
    LogarithmParts parts = emit_parts(builder, source);
    emit_mantissa_logarithm(builder, parts.mantissa, &r, &sum);
    kernel_multiply_add(
        builder, sum, parts.exponent, number(builder, source, -2.12194440e-4f), sum);
    kernel_binary(builder, INSTRUCTION_add, sum, sum, r);
    kernel_multiply_add(builder, sum, parts.exponent, number(builder, source, 0.693359375f), sum);
    int large = number(builder, source, 0x1p127f);
    int beyond = binary(builder, INSTRUCTION_subtract, source, number(builder, source, FLT_MAX));
    kernel_binary(builder, INSTRUCTION_maximum, sum, sum, beyond);
    /* no positive number is less than 2^105 then */
    int scaled = binary(builder, INSTRUCTION_multiply, source, large);
    kernel_binary(builder, INSTRUCTION_multiply, scaled, scaled, large);
    int bound = binary(builder, INSTRUCTION_subtract, scaled, number(builder, source, 0x1p100f));
    kernel_binary(builder, INSTRUCTION_multiply, bound, bound, large);
    kernel_binary(builder, INSTRUCTION_multiply, bound, bound, large);
    kernel_binary(builder, INSTRUCTION_minimum, sum, sum, bound);
    kernel_binary(
        builder, INSTRUCTION_multiply, scaled, scaled, number(builder, source, -0x1p127f));
    kernel_binary(builder, INSTRUCTION_maximum, scaled, number(builder, source, 0), scaled);
    kernel_binary(builder, INSTRUCTION_add, destination, sum, scaled);
}

/* max(x, 0) + log(1 + t), t = exp(-|x|): by s = t / (t + 2), of which that is twice the inverse
 * hyperbolic tangent. At most three units in the last place away, over a million arguments. */
void emit_softplus(KernelBuilder *builder, int destination, int source) {
    static const float coefficients[] = {
        0.2325301f, 0.21700235f, 0.28592795f, 0.39999697f, 0.6666667f};
    int lanes = builder->kernel->register_lanes[source], t = kernel_register(builder, lanes);
    int sum = kernel_register(builder, lanes), zero = number(builder, source, 0);
    int minus = binary(builder, INSTRUCTION_subtract, zero, source);
    kernel_binary(builder, INSTRUCTION_minimum, t, source, minus);
    emit_exponential(builder, t, t);
    int s = binary(builder, INSTRUCTION_add, t, number(builder, source, 2));
    kernel_binary(builder, INSTRUCTION_divide, s, t, s);
    int square = binary(builder, INSTRUCTION_multiply, s, s);
    emit_polynomial(builder, sum, square, coefficients, 5);
    kernel_binary(builder, INSTRUCTION_multiply, square, square, s);
    kernel_binary(builder, INSTRUCTION_add, s, s, s);
    kernel_multiply_add(builder, sum, sum, square, s);
    int above = binary(builder, INSTRUCTION_maximum, zero, source);
    kernel_binary(builder, INSTRUCTION_add, destination, sum, above);
}

/* ---- powers ---- */

enum { BEYOND = 60 }; /* 2^60 as an exponent stands for infinity, and its opposite for 0 */

/* 1 where it is, else 0; NaN for NaN. */
static int is_positive(KernelBuilder *builder, int source) {
    int reg = kernel_register(builder, builder->kernel->register_lanes[source]);
    emit_sign(builder, reg, source);
    kernel_binary(builder, INSTRUCTION_maximum, reg, number(builder, source, 0), reg);
    return reg;
}

/* log2 |base|, in two parts: a whole number and the rest. */
static LogarithmParts emit_binary_logarithm(KernelBuilder *builder, int base) {
    const float beyond = (float)((int64_t)1 << BEYOND);
    int r, rest, size = kernel_register(builder, builder->kernel->register_lanes[base]);
    int minus = binary(builder, INSTRUCTION_subtract, number(builder, base, 0), base);
    kernel_binary(builder, INSTRUCTION_maximum, size, minus, base);
    LogarithmParts parts = emit_parts(builder, size);
    emit_mantissa_logarithm(builder, parts.mantissa, &r, &rest);
    int log2e = number(builder, base, 1.44269504088896341f);
    kernel_binary(builder, INSTRUCTION_multiply, rest, rest, log2e);
    kernel_multiply_add(builder, parts.mantissa, r, log2e, rest);
    int none = is_positive(builder, size); /* less 1: -1 where it is 0 */
    kernel_binary(builder, INSTRUCTION_subtract, none, none, number(builder, base, 1));
    kernel_multiply_add(
        builder, parts.exponent, none, number(builder, base, beyond), parts.exponent);
    int infinite = binary(builder, INSTRUCTION_subtract, size, number(builder, base, FLT_MAX));
    emit_within(builder, infinite, infinite, 0, 1);
    kernel_multiply_add(
        builder, parts.exponent, infinite, number(builder, base, beyond), parts.exponent);
    return parts;
}

/* 2^(exponent * logarithm). The product with the whole number is exact where multiply_add is fused;
 * the one with the rest is rounded once. */
static void emit_power_of_sum(
    KernelBuilder *builder, int destination, const LogarithmParts *logarithm, int exponent) {
    int whole = binary(builder, INSTRUCTION_multiply, exponent, logarithm->exponent);
    int lost = binary(builder, INSTRUCTION_subtract, number(builder, exponent, 0), whole);
    int rest = binary(builder, INSTRUCTION_multiply, exponent, logarithm->mantissa);
    int n = binary(builder, INSTRUCTION_add, whole, rest);
    kernel_multiply_add(builder, lost, exponent, logarithm->exponent, lost);
    /* NaN stays in the rest; no integer is made of it */
    kernel_binary(builder, INSTRUCTION_maximum, n, n, number(builder, exponent, -127));
    kernel_binary(builder, INSTRUCTION_minimum, n, n, number(builder, exponent, 128));
    kernel_binary(builder, INSTRUCTION_add, n, n, number(builder, exponent, 0.5f));
    kernel_unary(builder, INSTRUCTION_floor, n, n);
    kernel_binary(builder, INSTRUCTION_subtract, whole, whole, n);
    kernel_binary(builder, INSTRUCTION_add, rest, rest, lost);
    kernel_binary(builder, INSTRUCTION_add, rest, rest, whole);
    kernel_binary(builder, INSTRUCTION_multiply, rest, rest,
        number(builder, exponent, 0.693147180559945309f));
    emit_within(builder, rest, rest, -0.5f, 0.5f);
    emit_small_exponential(builder, rest, rest);
    kernel_unary(builder, INSTRUCTION_power_of_two, n, n);
    kernel_binary(builder, INSTRUCTION_multiply, destination, rest, n);
}

/* For exponents up to 4 in size at most 3 units in the last place away, for others about as many as
 * the exponent is large; below 2^-127 it is 0, above 2^127.5 infinity. A negative base: whole
 * exponents give the sign, others NaN. The sign of 0 is lost. */
void emit_power(KernelBuilder *builder, int destination, int base, int exponent) {
    const float beyond = (float)((int64_t)1 << BEYOND);
    int lanes = builder->kernel->register_lanes[base];
    int y = kernel_register(builder, lanes), half = kernel_register(builder, lanes);
    int fraction = kernel_register(builder, lanes), result = kernel_register(builder, lanes);
    emit_within(builder, y, exponent, -beyond, beyond);
    LogarithmParts logarithm = emit_binary_logarithm(builder, base);
    emit_power_of_sum(builder, result, &logarithm, y);
    int minus = binary(builder, INSTRUCTION_subtract, number(builder, base, 0), base);
    int negative = is_positive(builder, minus);
    emit_floor(builder, fraction, y);
    kernel_binary(builder, INSTRUCTION_subtract, fraction, y, fraction);
    int broken = is_positive(builder, fraction);
    int odd = binary(builder, INSTRUCTION_multiply, y, number(builder, base, 0.5f));
    emit_floor(builder, half, odd);
    kernel_binary(builder, INSTRUCTION_subtract, odd, odd, half); /* 1/2: it is */
    kernel_binary(builder, INSTRUCTION_multiply, odd, odd, negative);
    kernel_multiply_add(builder, odd, odd, number(builder, base, -4), number(builder, base, 1));
    kernel_binary(builder, INSTRUCTION_multiply, broken, broken, negative);
    kernel_binary(builder, INSTRUCTION_subtract, broken, number(builder, base, 0), broken);
    kernel_unary(builder, INSTRUCTION_square_root, broken, broken); /* NaN: it is none */
    kernel_binary(builder, INSTRUCTION_multiply, result, result, odd);
    kernel_binary(builder, INSTRUCTION_add, destination, result, broken);
}
