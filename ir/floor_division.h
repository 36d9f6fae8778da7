/* Division of whole numbers in specs and in rules: quotients are rounded down, and a remainder has
 * the sign of the divisor. No divisor may be 0. */
#ifndef RIFFLE_IR_FLOOR_DIVISION_H
#define RIFFLE_IR_FLOOR_DIVISION_H

#include <stdbool.h>
#include <stdint.h>

/* Whether the quotient does not fit; else *quotient is it. */
static inline bool floor_divide_overflow(int64_t a, int64_t b, int64_t *quotient) {
    if (a == INT64_MIN && b == -1)
        return true;
    *quotient = a / b - (a % b != 0 && (a < 0) != (b < 0));
    return false;
}

static inline int64_t floor_remainder(int64_t a, int64_t b) {
    int64_t rest = b == -1 ? 0 : a % b;
    return rest != 0 && (a < 0) != (b < 0) ? rest + b : rest;
}

#endif
