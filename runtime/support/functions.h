/* Functions of numbers that are the same on every machine: sums, products and quotients of IEEE
 * 754, none of them fused. */
#ifndef RIFFLE_SUPPORT_FUNCTIONS_H
#define RIFFLE_SUPPORT_FUNCTIONS_H

#include "runtime/support/prepare.h"

static int riffle_support_is_finite(double x) {
    return x - x == 0;
}

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
    double sum = 1;
    for (int32_t i = 14; i > 0; i--)
        sum = 1 + sum * r / i;
    union {
        uint64_t bits;
        double number;
    } power = {(uint64_t)(int64_t)(k + 1023) << 52};
    return sum * power.number;
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
