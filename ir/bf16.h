/* Numbers of bf16: the upper half of a float, so eight bits of precision and the range of f32. */
#ifndef RIFFLE_IR_BF16_H
#define RIFFLE_IR_BF16_H

#include <stdint.h>
#include <string.h>

/* The nearest, of two the even one. */
static inline uint16_t bf16_from_float(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    if (x != x) /* stays one, whatever its lower half was */
        return (uint16_t)(bits >> 16 | 0x40);
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

static inline float bf16_to_float(uint16_t half) {
    uint32_t bits = (uint32_t)half << 16;
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static inline float bf16_round(float x) {
    return bf16_to_float(bf16_from_float(x));
}

#endif
