/* XXH64 with seed 0, as the xxHash specification has it. */
#ifndef RIFFLE_SUPPORT_HASH_H
#define RIFFLE_SUPPORT_HASH_H

#include <stddef.h>
#include <stdint.h>

#define RIFFLE_SUPPORT_PRIME_1 UINT64_C(0x9e3779b185ebca87)
#define RIFFLE_SUPPORT_PRIME_2 UINT64_C(0xc2b2ae3d27d4eb4f)
#define RIFFLE_SUPPORT_PRIME_3 UINT64_C(0x165667b19e3779f9)
#define RIFFLE_SUPPORT_PRIME_4 UINT64_C(0x85ebca77c2b2ae63)
#define RIFFLE_SUPPORT_PRIME_5 UINT64_C(0x27d4eb2f165667c5)

enum {
    RIFFLE_SUPPORT_LANES = 4,
    RIFFLE_SUPPORT_LANE_BYTES = 8,
    RIFFLE_SUPPORT_STRIPE_BYTES = RIFFLE_SUPPORT_LANES * RIFFLE_SUPPORT_LANE_BYTES
};

static uint64_t riffle_support_rotate(uint64_t word, int bits) {
    return word << bits | word >> (64 - bits);
}

/* Little-endian. */
static uint64_t riffle_support_word_at(const unsigned char *bytes, size_t length) {
    uint64_t word = 0;
    for (size_t i = 0; i < length; i++)
        word |= (uint64_t)bytes[i] << (8 * i);
    return word;
}

static uint64_t riffle_support_take_word(uint64_t lane, uint64_t word) {
    return riffle_support_rotate(lane + word * RIFFLE_SUPPORT_PRIME_2, 31) * RIFFLE_SUPPORT_PRIME_1;
}

static uint64_t riffle_support_take_stripes(const unsigned char *bytes, size_t stripes) {
    uint64_t lanes[RIFFLE_SUPPORT_LANES] = {RIFFLE_SUPPORT_PRIME_1 + RIFFLE_SUPPORT_PRIME_2,
        RIFFLE_SUPPORT_PRIME_2, 0, 0 - RIFFLE_SUPPORT_PRIME_1};
    for (size_t i = 0; i < stripes; i++)
        for (size_t lane = 0; lane < RIFFLE_SUPPORT_LANES; lane++)
            lanes[lane] = riffle_support_take_word(lanes[lane],
                riffle_support_word_at(
                    bytes + i * RIFFLE_SUPPORT_STRIPE_BYTES + lane * RIFFLE_SUPPORT_LANE_BYTES,
                    RIFFLE_SUPPORT_LANE_BYTES));
    uint64_t hash = riffle_support_rotate(lanes[0], 1) + riffle_support_rotate(lanes[1], 7) +
                    riffle_support_rotate(lanes[2], 12) + riffle_support_rotate(lanes[3], 18);
    for (size_t lane = 0; lane < RIFFLE_SUPPORT_LANES; lane++)
        hash = (hash ^ riffle_support_take_word(0, lanes[lane])) * RIFFLE_SUPPORT_PRIME_1 +
               RIFFLE_SUPPORT_PRIME_4;
    return hash;
}

static uint64_t riffle_support_take_rest(uint64_t hash, const unsigned char *bytes, size_t length) {
    for (; length >= 8; length -= 8, bytes += 8)
        hash = riffle_support_rotate(
                   hash ^ riffle_support_take_word(0, riffle_support_word_at(bytes, 8)), 27) *
                   RIFFLE_SUPPORT_PRIME_1 +
               RIFFLE_SUPPORT_PRIME_4;
    if (length >= 4) {
        hash = riffle_support_rotate(
                   hash ^ riffle_support_word_at(bytes, 4) * RIFFLE_SUPPORT_PRIME_1, 23) *
                   RIFFLE_SUPPORT_PRIME_2 +
               RIFFLE_SUPPORT_PRIME_3;
        length -= 4;
        bytes += 4;
    }
    for (; length > 0; length--, bytes++)
        hash = riffle_support_rotate(hash ^ *bytes * RIFFLE_SUPPORT_PRIME_5, 11) *
               RIFFLE_SUPPORT_PRIME_1;
    return hash;
}

static uint64_t riffle_support_xxh64(const void *bytes, size_t length) {
    const unsigned char *at = bytes;
    size_t stripes = length / RIFFLE_SUPPORT_STRIPE_BYTES;
    uint64_t hash = stripes > 0 ? riffle_support_take_stripes(at, stripes) : RIFFLE_SUPPORT_PRIME_5;
    hash += length;
    if (length > 0) /* `bytes` may be null otherwise */
        hash = riffle_support_take_rest(
            hash, at + stripes * RIFFLE_SUPPORT_STRIPE_BYTES, length % RIFFLE_SUPPORT_STRIPE_BYTES);
    hash = (hash ^ hash >> 33) * RIFFLE_SUPPORT_PRIME_2;
    hash = (hash ^ hash >> 29) * RIFFLE_SUPPORT_PRIME_3;
    return hash ^ hash >> 32;
}

#endif
