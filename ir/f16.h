/* Numbers of fp16, IEEE's binary16: eleven bits of precision, up to 65504 and down to 2^-24. */
#ifndef RIFFLE_IR_F16_H
#define RIFFLE_IR_F16_H

#include <math.h>
#include <stdint.h>
#include <string.h>

static inline float f16_to_float(uint16_t half) {
    uint32_t magnitude = half & 0x7fff, sign = (uint32_t)(half & 0x8000) << 16;
    /* The exponent's bias is 112 less: what is left to the multiplication makes denormals right. */
    uint32_t bits = magnitude << 13;
    float x;
    memcpy(&x, &bits, sizeof x);
    x *= 0x1p112f;
    if (magnitude >= 0x7c00) { /* infinity or NaN */
        bits = 0x7f800000 | (magnitude & 0x3ff) << 13;
        memcpy(&x, &bits, sizeof x);
    }
    memcpy(&bits, &x, sizeof bits);
    bits |= sign;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* The nearest, of two the even one; infinity from 65520 on. */
static inline uint16_t f16_from_float(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    uint32_t sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
    if (magnitude > 0x7f800000) /* NaN stays one, whatever its lower half was */
        return (uint16_t)(sign | 0x7e00 | (magnitude >> 13 & 0x3ff));
    if (magnitude >= 0x477ff000)
        return (uint16_t)(sign | 0x7c00);
    if (magnitude < 0x38800000) { /* below 2^-14 all are multiples of 2^-24 */
        float small;
        memcpy(&small, &magnitude, sizeof small);
        return (uint16_t)(sign | (uint32_t)lrintf(small * 0x1p24f));
    }
    magnitude += 0xfff + (magnitude >> 13 & 1);
    return (uint16_t)(sign | ((magnitude - 0x38000000) >> 13));
}

/* The same of a double, rounded once: what is between goes to the odd float first, which the
 * second step then rounds as it would have rounded the double. */
static inline uint16_t f16_from_double(double x) {
    float near = (float)x;
    uint32_t bits;
    memcpy(&bits, &near, sizeof bits);
    if ((double)near != x && x == x && !isinf(near) && (bits & 1) == 0)
        near = nextafterf(near, (double)near < x ? INFINITY : -INFINITY);
    return f16_from_float(near);
}

static inline float f16_round(float x) {
    return f16_to_float(f16_from_float(x));
}

#endif
