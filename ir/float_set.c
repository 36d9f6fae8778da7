#include "ir/float_set.h"
#include <string.h>

enum { WORD_BITS = 64, LEAST_GROWTH = 16 };

static int64_t word_of(int64_t offset) {
    return offset >= 0 ? offset / WORD_BITS : -((-offset + WORD_BITS - 1) / WORD_BITS);
}

/* Makes room for the words first..last; grows by half at least, so that adding stays cheap. */
static void reserve(FloatSet *set, int64_t first, int64_t last, Arena *arena) {
    int64_t end = last + 1, growth = set->word_count / 2 + LEAST_GROWTH;
    if (set->word_count > 0) {
        int64_t old_end = set->first_word + set->word_count;
        if (first >= set->first_word && end <= old_end)
            return;
        first = first < set->first_word ? first - growth : set->first_word;
        end = end > old_end ? end + growth : old_end;
    }
    uint64_t *words = ARENA_ARRAY(arena, uint64_t, end - first);
    if (set->word_count > 0)
        memcpy(
            words + (set->first_word - first), set->words, (size_t)set->word_count * sizeof *words);
    *set = (FloatSet){words, first, end - first};
}

void float_set_add(FloatSet *set, int64_t offset, int64_t count, Arena *arena) {
    if (count <= 0)
        return;
    int64_t first = word_of(offset), last = word_of(offset + count - 1);
    reserve(set, first, last, arena);
    uint64_t *words = set->words + (first - set->first_word);
    int64_t further = last - first;
    uint64_t from = ~(uint64_t)0 << (offset - first * WORD_BITS);
    uint64_t to = ~(uint64_t)0 >> (last * WORD_BITS + WORD_BITS - offset - count);
    if (further == 0) {
        words[0] |= from & to;
        return;
    }
    words[0] |= from;
    memset(words + 1, 0xff, (size_t)(further - 1) * sizeof *words);
    words[further] |= to;
}

void float_set_add_set(FloatSet *set, const FloatSet *from, int64_t shift, Arena *arena) {
    for (int64_t i = 0; i < from->word_count; i++) {
        int64_t offset = (from->first_word + i) * WORD_BITS + shift;
        uint64_t word = from->words[i];
        while (word != 0) {
            int skipped = __builtin_ctzll(word);
            word >>= skipped;
            int count = ~word == 0 ? WORD_BITS : __builtin_ctzll(~word);
            float_set_add(set, offset + skipped, count, arena);
            word = count == WORD_BITS ? 0 : word >> count;
            offset += skipped + count;
        }
    }
}

int64_t float_set_count(const FloatSet *set) {
    int64_t count = 0;
    for (int64_t i = 0; i < set->word_count; i++)
        count += __builtin_popcountll(set->words[i]);
    return count;
}
