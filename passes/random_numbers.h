/* Random numbers for graphs and their inputs. A state is any number; each call moves it on.
 * Internal to passes/. */
#ifndef RIFFLE_PASSES_RANDOM_NUMBERS_H
#define RIFFLE_PASSES_RANDOM_NUMBERS_H

#include <stdint.h>

/* splitmix64 */
static inline uint64_t random_bits(uint64_t *state) {
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* Near enough to a Gaussian of unit variance: the sum of twelve numbers uniform in [0, 1), less
 * six. */
static inline float random_normal(uint64_t *state) {
    double sum = -6;
    for (int i = 0; i < 12; i++)
        sum += (double)(random_bits(state) >> 11) * 0x1p-53;
    return (float)sum;
}

#endif
