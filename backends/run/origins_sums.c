/* Packed numbers that are sums of weights: those of Winograd's transforms. */
#include "backends/run/origins_finder.h"
#include <math.h>
#include <string.h>

enum { MOST_FORMS = 4096 };

static int64_t block_end(const Program *program, int block) {
    return block + 1 < program->weight_block_count ? program->weight_blocks[block + 1]
                                                   : (int64_t)program->weights.length;
}

/* Room for the coefficients of all blocks with sums. False where there are none. */
static bool place_sums(OriginsFinder *finder) {
    const Program *program = finder->program;
    int64_t count = 0;
    finder->first_sums = ARENA_ARRAY(finder->scratch, int64_t, program->weight_block_count + 1);
    for (int i = 0; i < program->weight_block_count; i++) {
        finder->first_sums[i] = count - program->weight_blocks[i] / finder->origins->cell_bytes;
        if (finder->has_sums[i])
            count +=
                (block_end(program, i) - program->weight_blocks[i]) / finder->origins->cell_bytes;
    }
    finder->coefficients =
        arena_allocate_array(finder->scratch, (size_t)count + 1, sizeof *finder->coefficients);
    return count > 0;
}

static int32_t *coefficients_of(const OriginsFinder *finder, const CellWalk *walk) {
    return finder->coefficients[finder->first_sums[walk->block] + walk->cell];
}

static bool is_constant(const int32_t *coefficients) {
    for (int i = 0; i < ORIGIN_TAPS; i++)
        if (coefficients[i] != 0)
            return false;
    return true;
}

static bool note_tap(const OriginsFinder *finder, const Program *probed, int tap) {
    CellWalk walk = walk_begin(finder);
    for (bool more = next_number(&walk, true); more; more = next_number(&walk, false)) {
        if (!finder->has_sums[walk.block])
            continue;
        double parts = ORIGIN_PARTS * (read_packed_number(probed, walk.type, walk.byte) -
                                          read_packed_number(finder->zero, walk.type, walk.byte));
        if (!(fabs(parts - nearbyint(parts)) <= 1e-3 && fabs(parts) < 1e6))
            return origins_fail(finder, &walk, "is made of a weight by a factor that is not known");
        coefficients_of(finder, &walk)[tap] = (int32_t)nearbyint(parts);
    }
    return true;
}

static double sum_of(const int32_t *coefficients) {
    int64_t sum = 0;
    for (int i = 0; i < ORIGIN_TAPS; i++)
        sum += coefficients[i];
    return (double)sum / ORIGIN_PARTS;
}

static bool note_group(const OriginsFinder *finder, const Program *probed, int digit) {
    CellWalk walk = walk_begin(finder);
    for (bool more = next_number(&walk, true); more; more = next_number(&walk, false)) {
        if (!finder->has_sums[walk.block] || is_constant(coefficients_of(finder, &walk)))
            continue;
        int32_t *number = &finder->origins->numbers[walk.cell];
        double value = (read_packed_number(probed, walk.type, walk.byte) -
                           read_packed_number(finder->zero, walk.type, walk.byte)) /
                       sum_of(coefficients_of(finder, &walk));
        if (!(is_probe_digit(nearbyint(value)) && fabs(value - nearbyint(value)) <= 1e-2))
            return origins_fail(finder, &walk, "is made of weights that cannot be told");
        *number = digit == 0 ? 0 : *number;
        *number += (int32_t)((int64_t)(nearbyint(value) - 1) * digit_weight(digit) * ORIGIN_TAPS);
    }
    return true;
}

/* 0 of one weight alone; -1: there are too many. */
static int find_form(
    OriginsFinder *finder, int32_t (*forms)[ORIGIN_TAPS], const int32_t *coefficients) {
    int count = finder->origins->form_count;
    for (int i = 1; i < count; i++)
        if (memcmp(forms[i], coefficients, sizeof forms[i]) == 0)
            return i;
    if (count == MOST_FORMS)
        return -1;
    memcpy(forms[count], coefficients, sizeof forms[count]);
    finder->origins->form_count++;
    return count;
}

static bool keep_form(OriginsFinder *finder, const CellWalk *walk, int32_t (*forms)[ORIGIN_TAPS]) {
    PackedOrigins *origins = finder->origins;
    const int32_t *coefficients = coefficients_of(finder, walk);
    int used = 0, last = 0;
    for (int i = 0; i < ORIGIN_TAPS; i++)
        if (coefficients[i] != 0) {
            used++;
            last = i;
        }
    origins->forms[walk->cell] = 0;
    if (used == 0) {
        origins->numbers[walk->cell] = ORIGIN_CONSTANT;
        origins->forms[walk->cell] = (uint16_t)walk->type;
        return true;
    }
    if (used == 1 && coefficients[last] == ORIGIN_PARTS) {
        origins->numbers[walk->cell] += last;
        return true;
    }
    int form = find_form(finder, forms, coefficients);
    origins->forms[walk->cell] = (uint16_t)form;
    return form > 0 || origins_fail(finder, walk, "is one of too many kinds of sums");
}

static bool keep_forms(OriginsFinder *finder) {
    int32_t(*forms)[ORIGIN_TAPS] = arena_allocate_array(finder->arena, MOST_FORMS, sizeof *forms);
    CellWalk walk = walk_begin(finder);
    for (bool more = next_number(&walk, true); more; more = next_number(&walk, false))
        if (finder->has_sums[walk.block] && !keep_form(finder, &walk, forms))
            return false;
    finder->origins->coefficients = (const int32_t(*)[ORIGIN_TAPS])forms;
    return true;
}

bool note_sums(OriginsFinder *finder) {
    bool good = true;
    if (!place_sums(finder))
        return true;
    for (int i = 0; i < ORIGIN_TAPS && good; i++) {
        Probed probed = lower_probe(finder, (Probe){PROBE_TAP, i});
        good = probed.program != NULL && note_tap(finder, probed.program, i);
        probed_free(&probed);
    }
    for (int i = 0; i < count_digits(finder->numbers->count / ORIGIN_TAPS) && good; i++) {
        Probed probed = lower_probe(finder, (Probe){PROBE_GROUP, i});
        good = probed.program != NULL && note_group(finder, probed.program, i);
        probed_free(&probed);
    }
    return good && keep_forms(finder);
}
