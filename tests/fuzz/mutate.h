/* Seeded mutation of files: equal seeds give equal bytes on every machine. */
#ifndef RIFFLE_TESTS_FUZZ_MUTATE_H
#define RIFFLE_TESTS_FUZZ_MUTATE_H

#include "ir/text.h"

#include <stdint.h>

typedef struct Random {
    uint64_t state;
} Random;

/* Independent streams for each pair of seed and round. */
Random random_begin(uint64_t seed, uint64_t round);
/* From 0 to below - 1; 0 when below is 0. */
size_t random_below(Random *random, size_t below);

/* Changes some places of the file: bytes, numbers, words, whole stretches. `other` is a file of the
 * same kind that stretches are taken from. */
void mutate(Text *file, const Text *other, Random *random);

#endif
