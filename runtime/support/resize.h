/* Resizing with the triangle filter, widened where the picture shrinks: "bilinear" of PIL,
 * "antialiased bilinear" of torchvision. Columns first, then rows, each rounded to 8 bits, as PIL
 * does; weights are whole numbers, from exact fractions, so that every machine has the same. */
#ifndef RIFFLE_SUPPORT_RESIZE_H
#define RIFFLE_SUPPORT_RESIZE_H

#include "runtime/support/once.h"
#include "runtime/support/prepare.h"

/* Weights are in units of 2^-22, so that a sum of 8-bit pixels fits 32 bits. */
enum { RIFFLE_SUPPORT_WEIGHT_BITS = 22 };

/* Which source pixels make one pixel of the result. */
struct riffle_support_tap {
    int32_t first, count, weights; /* `weights`: where theirs begin */
};

static uint64_t riffle_support_divide(uint64_t number, uint64_t divisor) {
#if UINTPTR_MAX > 0xffffffff
    return number / divisor;
#else
    /* One bit after the other: a division would be a call of a library. */
    uint64_t quotient = 0, rest = 0;
    for (int bit = number >> 32 ? 63 : 31; bit >= 0; bit--) {
        rest = rest << 1 | ((number >> bit) & 1);
        quotient <<= 1;
        if (rest >= divisor) {
            rest -= divisor;
            quotient |= 1;
        }
    }
    return quotient;
#endif
}

/* The most pixels that make one. */
static int64_t riffle_support_most_taps(int64_t source, int64_t size) {
    return 2 * ((int64_t)riffle_support_divide((uint64_t)source, (uint64_t)size) + 1) + 1;
}

/* How much a source pixel counts, before the sum is made 1: the triangle at the distance between
 * its centre and that of the result's pixel, times 2 * (the larger size). */
static int64_t riffle_support_triangle(
    int64_t pixel, int64_t position, int64_t source, int64_t size) {
    int64_t distance = (2 * pixel + 1) * size - (2 * position + 1) * source;
    int64_t weight = 2 * (source > size ? source : size) - (distance < 0 ? -distance : distance);
    return weight > 0 ? weight : 0;
}

/* The tap of the pixel `position` of `size`; its weights go to `weights`. */
static struct riffle_support_tap riffle_support_make_tap(
    int64_t position, int64_t source, int64_t size, int32_t *weights) {
    int64_t reach = 2 * (source > size ? source : size);
    int64_t middle = (2 * position + 1) * source;
    int64_t below = middle - reach - size; /* of the last pixel that does not count */
    int64_t first =
        below < 0 ? 0 : (int64_t)riffle_support_divide((uint64_t)below, 2 * (uint64_t)size);
    while (riffle_support_triangle(first, position, source, size) == 0)
        first++;
    int64_t sum = 0;
    int32_t count = 0;
    while (first + count < source) {
        int64_t weight = riffle_support_triangle(first + count, position, source, size);
        if (weight == 0)
            break;
        sum += weight;
        count++;
    }
    for (int32_t i = 0; i < count; i++) {
        uint64_t weight = (uint64_t)riffle_support_triangle(first + i, position, source, size);
        weight = ((weight << RIFFLE_SUPPORT_WEIGHT_BITS << 1) + (uint64_t)sum);
        weights[i] = (int32_t)riffle_support_divide(weight, 2 * (uint64_t)sum);
    }
    return (struct riffle_support_tap){.first = (int32_t)first, .count = count};
}

/* The taps of pixels `first` to first + count - 1. */
RIFFLE_SUPPORT_ONCE static void riffle_support_make_taps(int64_t source, int64_t size,
    int64_t first, int32_t count, struct riffle_support_tap *taps, int32_t *weights) {
    int32_t made = 0;
    for (int32_t i = 0; i < count; i++) {
        taps[i] = riffle_support_make_tap(first + i, source, size, weights + made);
        taps[i].weights = made;
        made += taps[i].count;
    }
}

/* Makes the first source pixel that counts pixel 0; says which it was, and how many there are. */
static void riffle_support_count_from_first(
    struct riffle_support_tap *taps, int32_t count, int32_t *first, int32_t *source_count) {
    const struct riffle_support_tap *last = &taps[count - 1];
    *first = taps[0].first;
    *source_count = last->first + last->count - *first;
    for (int32_t i = 0; i < count; i++)
        taps[i].first -= *first;
}

static unsigned char riffle_support_round(int32_t sum) {
    sum >>= RIFFLE_SUPPORT_WEIGHT_BITS;
    return (unsigned char)(sum > 255 ? 255 : sum);
}

/* Pixels have four channels and few taps: the former become a vector, not the latter. */
#if defined(__clang__)
#define RIFFLE_SUPPORT_FEW _Pragma("clang loop vectorize(disable) unroll(disable)")
#else
#define RIFFLE_SUPPORT_FEW
#endif

/* A row of pixels of 4 bytes. */
static void riffle_support_resize_colours(const unsigned char *restrict row,
    const struct riffle_support_tap *restrict taps, const int32_t *restrict weights, int32_t count,
    unsigned char *restrict out) {
    for (int32_t x = 0; x < count; x++) {
        const unsigned char *pixels = row + 4 * (size_t)taps[x].first;
        const int32_t *own = weights + taps[x].weights;
        int32_t sums[4];
        for (int c = 0; c < 4; c++)
            sums[c] = 1 << (RIFFLE_SUPPORT_WEIGHT_BITS - 1);
        RIFFLE_SUPPORT_FEW
        for (int32_t i = 0; i < taps[x].count; i++)
            for (int c = 0; c < 4; c++)
                sums[c] += pixels[4 * i + c] * own[i];
        for (int c = 0; c < 4; c++)
            out[4 * x + c] = riffle_support_round(sums[c]);
    }
}

/* A row of grey. */
static void riffle_support_resize_greys(const unsigned char *restrict row,
    const struct riffle_support_tap *restrict taps, const int32_t *restrict weights, int32_t count,
    unsigned char *restrict out) {
    for (int32_t x = 0; x < count; x++) {
        const int32_t *own = weights + taps[x].weights;
        int32_t sum = 1 << (RIFFLE_SUPPORT_WEIGHT_BITS - 1);
        for (int32_t i = 0; i < taps[x].count; i++)
            sum += row[taps[x].first + i] * own[i];
        out[x] = riffle_support_round(sum);
    }
}

enum { RIFFLE_SUPPORT_BLOCK = 32 };

/* A row of the result from rows of `bytes` bytes, which lie one after the other. */
static void riffle_support_resize_rows(const unsigned char *restrict rows, size_t bytes,
    const int32_t *restrict weights, int32_t count, unsigned char *restrict out) {
    size_t x = 0;
    for (; x + RIFFLE_SUPPORT_BLOCK <= bytes; x += RIFFLE_SUPPORT_BLOCK) {
        int32_t sums[RIFFLE_SUPPORT_BLOCK];
        for (int i = 0; i < RIFFLE_SUPPORT_BLOCK; i++)
            sums[i] = 1 << (RIFFLE_SUPPORT_WEIGHT_BITS - 1);
        for (int32_t k = 0; k < count; k++) {
            const unsigned char *row = rows + (size_t)k * bytes + x;
            for (int i = 0; i < RIFFLE_SUPPORT_BLOCK; i++)
                sums[i] += row[i] * weights[k];
        }
        for (int i = 0; i < RIFFLE_SUPPORT_BLOCK; i++)
            out[x + (size_t)i] = riffle_support_round(sums[i]);
    }
    for (; x < bytes; x++) {
        int32_t sum = 1 << (RIFFLE_SUPPORT_WEIGHT_BITS - 1);
        for (int32_t k = 0; k < count; k++)
            sum += rows[(size_t)k * bytes + x] * weights[k];
        out[x] = riffle_support_round(sum);
    }
}

#endif
