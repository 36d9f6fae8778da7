/* More functions that are the same on every machine, for boxes. */
#ifndef RIFFLE_SUPPORT_BOX_FUNCTIONS_H
#define RIFFLE_SUPPORT_BOX_FUNCTIONS_H

#include "runtime/support/functions.h"

static int riffle_support_is_finite(double x) {
    return x - x == 0;
}

static double riffle_support_sigmoid(double x) {
    return 1 / (1 + riffle_support_exp(-x));
}

static double riffle_support_tanh(double x) {
    double ends = x < 0 ? -1 : 1;
    if (x < -20 || x > 20)
        return ends;
    return 1 - 2 / (riffle_support_exp(2 * x) + 1);
}

/* Of a number from 0 to 1: half of the exponent, then Newton's method. */
static double riffle_support_square_root(double x) {
    if (!(x > 1e-300))
        return x > 0 ? 0 : x;
    union {
        double number;
        uint64_t bits;
    } root = {x};
    root.bits = (root.bits >> 1) + ((uint64_t)0x3ff << 51);
    for (int32_t i = 0; i < 5; i++) /* errors of 3e-2, 6e-4, 2e-7, 2e-14, none */
        root.number = (root.number + x / root.number) / 2;
    return root.number;
}

#endif
