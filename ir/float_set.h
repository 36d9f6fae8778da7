/* A set of floats of one buffer, by their offsets: a bitmap that grows to both sides. */
#ifndef RIFFLE_IR_FLOAT_SET_H
#define RIFFLE_IR_FLOAT_SET_H

#include "ir/arena.h"
#include <stdint.h>

typedef struct FloatSet {
    uint64_t *words;                /* in the arena that it grew in; NULL while empty */
    int64_t first_word, word_count; /* bit i of words[w] is offset (first_word + w) * 64 + i */
} FloatSet;                         /* zeroed: the empty set */

/* Adds `count` consecutive offsets, which may be negative. */
void float_set_add(FloatSet *set, int64_t offset, int64_t count, Arena *arena);
/* Adds every member of `from`, `shift` further on. */
void float_set_add_set(FloatSet *set, const FloatSet *from, int64_t shift, Arena *arena);
int64_t float_set_count(const FloatSet *set);

#endif
