/* See weights_file.h. No library is called but memcpy. */
#include "runtime/support/weights_file.h"
#include <string.h>

#define PRIME_1 UINT64_C(0x9e3779b185ebca87)
#define PRIME_2 UINT64_C(0xc2b2ae3d27d4eb4f)
#define PRIME_3 UINT64_C(0x165667b19e3779f9)
#define PRIME_4 UINT64_C(0x85ebca77c2b2ae63)
#define PRIME_5 UINT64_C(0x27d4eb2f165667c5)

enum { LANES = 4, LANE_BYTES = 8, STRIPE_BYTES = LANES * LANE_BYTES };

static uint64_t rotate(uint64_t word, int bits) {
    return word << bits | word >> (64 - bits);
}

/* All machines that riffle compiles for are little-endian. */
static uint64_t word_at(const unsigned char *bytes, size_t length) {
    uint64_t word = 0;
    memcpy(&word, bytes, length);
    return word;
}

static uint64_t take_word(uint64_t lane, uint64_t word) {
    return rotate(lane + word * PRIME_2, 31) * PRIME_1;
}

static uint64_t take_stripes(const unsigned char *bytes, size_t stripes) {
    uint64_t lanes[LANES] = {PRIME_1 + PRIME_2, PRIME_2, 0, 0 - PRIME_1};
    for (size_t i = 0; i < stripes; i++)
        for (size_t lane = 0; lane < LANES; lane++)
            lanes[lane] = take_word(
                lanes[lane], word_at(bytes + i * STRIPE_BYTES + lane * LANE_BYTES, LANE_BYTES));
    uint64_t hash =
        rotate(lanes[0], 1) + rotate(lanes[1], 7) + rotate(lanes[2], 12) + rotate(lanes[3], 18);
    for (size_t lane = 0; lane < LANES; lane++)
        hash = (hash ^ take_word(0, lanes[lane])) * PRIME_1 + PRIME_4;
    return hash;
}

static uint64_t take_rest(uint64_t hash, const unsigned char *bytes, size_t length) {
    for (; length >= 8; length -= 8, bytes += 8)
        hash = rotate(hash ^ take_word(0, word_at(bytes, 8)), 27) * PRIME_1 + PRIME_4;
    if (length >= 4) {
        hash = rotate(hash ^ word_at(bytes, 4) * PRIME_1, 23) * PRIME_2 + PRIME_3;
        length -= 4;
        bytes += 4;
    }
    for (; length > 0; length--, bytes++)
        hash = rotate(hash ^ *bytes * PRIME_5, 11) * PRIME_1;
    return hash;
}

uint64_t xxh64(const void *bytes, size_t length) {
    const unsigned char *at = bytes;
    size_t stripes = length / STRIPE_BYTES;
    uint64_t hash = stripes > 0 ? take_stripes(at, stripes) : PRIME_5;
    hash += length;
    if (length > 0) /* `bytes` may be null otherwise */
        hash = take_rest(hash, at + stripes * STRIPE_BYTES, length % STRIPE_BYTES);
    hash = (hash ^ hash >> 33) * PRIME_2;
    hash = (hash ^ hash >> 29) * PRIME_3;
    return hash ^ hash >> 32;
}
