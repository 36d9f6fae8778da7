/* What the interpreter of graphs computes with. Its sources are built twice: for floats, whose sums
 * are doubles, and, with RIFFLE_PAIRS, for the pairs of proofs (ir/pair.h), which are never
 * rounded. */
#ifndef RIFFLE_IR_NUMBER_H
#define RIFFLE_IR_NUMBER_H

#include "ir/graph.h"

#ifdef RIFFLE_PAIRS
#include "ir/pair.h"

#define Number Pair
#define Stored Pair

#define number_read(stored) (stored)
#define stored_of(number) (number)
#define number_constant pair_of_constant
#define number_integer pair_of_integer
#define number_add pair_add
#define number_subtract pair_subtract
#define number_multiply pair_multiply
#define number_multiply_add pair_multiply_add
#define number_divide pair_divide
#define number_negate(a) pair_subtract(pair_of_integer(0), a)
#define number_absolute(a) pair_larger(a, pair_subtract(pair_of_integer(0), a))
#define number_square_root pair_square_root
#define number_power pair_power
#define numbers_are_near pairs_are_near
#define number_unsure pair_unsure
#define number_larger pair_larger
#define number_smaller pair_smaller
#define number_as_double(a) ((a).number)
#define stored_multiply_add pair_multiply_add
#define stored_add pair_add
#define stored_subtract pair_subtract
#define stored_to_byte(a) pair_to_whole((a), 0, 255)

#else
#include <math.h>

typedef double Number; /* what is computed */
typedef float Stored;  /* what tensors are made of */

static inline Number number_read(Stored stored) {
    return (double)stored;
}

static inline Stored stored_of(Number number) {
    return (float)number;
}

static inline Number number_constant(double constant) {
    return constant;
}

static inline Number number_integer(int64_t integer) {
    return (double)integer;
}

static inline Number number_add(Number a, Number b) {
    return a + b;
}

static inline Number number_subtract(Number a, Number b) {
    return a - b;
}

static inline Number number_multiply(Number a, Number b) {
    return a * b;
}

/* a * b + c */
static inline Number number_multiply_add(Number a, Number b, Number c) {
    return a * b + c;
}

static inline Number number_divide(Number a, Number b) {
    return a / b;
}

static inline Number number_negate(Number a) {
    return -a;
}

static inline Number number_absolute(Number a) {
    return fabs(a);
}

static inline Number number_square_root(Number a) {
    return sqrt(a);
}

static inline Number number_power(Number base, double exponent) {
    return pow(base, exponent);
}

/* Doubles are what they are. */
static inline bool numbers_are_near(Number a, Number b) {
    (void)a, (void)b;
    return false;
}

static inline Number number_unsure(Number a) {
    return a;
}

/* NaN where one of them is, which fmax and fmin lose. */
static inline Number number_larger(Number a, Number b) {
    return isnan(a) ? a : a > b ? a : b;
}

static inline Number number_smaller(Number a, Number b) {
    return isnan(a) ? a : a < b ? a : b;
}

static inline double number_as_double(Number a) {
    return a;
}

/* ---- as kernels of bytes compute, step by step ---- */

static inline Stored stored_multiply_add(Stored a, Stored b, Stored c) {
    return fmaf(a, b, c);
}

static inline Stored stored_add(Stored a, Stored b) {
    return a + b;
}

static inline Stored stored_subtract(Stored a, Stored b) {
    return a - b;
}

/* NaN, which no byte is, becomes 0: what compiled code makes of it without a further instruction.
 */
static inline Stored stored_to_byte(Stored x) {
    if (isnan(x))
        return 0;
    float rounded = rintf(x);
    return rounded <= 0 ? 0 : rounded > 255 ? 255 : rounded;
}
#endif

/* The weight's numbers, as the node that is run has them. */
static inline const Stored *weight_stored(const Weight *weight) {
    return (const Stored *)(const void *)weight->data;
}

#endif
