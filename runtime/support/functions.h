/* Exponentials that are the same on every machine: sums and products of IEEE 754, none of them
 * fused. */
#ifndef RIFFLE_SUPPORT_FUNCTIONS_H
#define RIFFLE_SUPPORT_FUNCTIONS_H

#include "runtime/support/prepare.h"

/* e^x within two units in the last place of double; of what double cannot hold, its ends. NaN
 * stays NaN. */
static double riffle_support_exp(double x) {
    if (!(x < 709))
        return x - x == 0 ? 8.2184074615549724e307 : x;
    if (x < -708)
        return 0;
    /* x = k * ln 2 + r with |r| at most half of ln 2, whose upper part has zeros at its end. */
    double turns = x * 1.4426950408889634;
    int32_t k = (int32_t)(turns < 0 ? turns - 0.5 : turns + 0.5);
    double r = x - k * 0.69314718036912382 - k * 1.9082149292705877e-10;
    static const double inverse_factorials[] = {1, 1, 1. / 2, 1. / 6, 1. / 24, 1. / 120, 1. / 720,
        1. / 5040, 1. / 40320, 1. / 362880, 1. / 3628800, 1. / 39916800, 1. / 479001600,
        1. / 6227020800};
    double sum = 0;
    for (int32_t i = 13; i >= 0; i--)
        sum = sum * r + inverse_factorials[i];
    union {
        uint64_t bits;
        double number;
    } power = {(uint64_t)(int64_t)(k + 1023) << 52};
    return sum * power.number;
}

#endif
