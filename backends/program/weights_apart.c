/* See program_set_weights_apart. */
#include "backends/program/levels.h"
#include "backends/program/program.h"
#include "backends/program/summary.h"
#include "backends/program/support.h"
#include "backends/program/variants.h"
#include "ir/arena.h"
#include "ir/text.h"
#include "runtime/support/check_weights_numbers.h"
#include "runtime/support/weights_file.h"

static uint64_t hash_of_code(Program *const *programs, int count) {
    Text text = {0};
    for (int i = 0; i < count; i++)
        program_print(programs[i], &text);
    uint64_t hash = xxh64(text.data, text.length);
    text_free(&text);
    return hash;
}

void program_set_weights_apart(Program *program) {
    Program *const *programs = &program;
    int count = 1;
    if (program->levels) {
        programs = program->levels->programs;
        count = program->levels->count;
    } else if (program->variants) {
        programs = program->variants->programs;
        count = program->variants->count;
    }
    const RestingBytes *weights = program_weights(program);
    WeightsFileHeader *header = ARENA_NEW(program->arena, WeightsFileHeader);
    *header = (WeightsFileHeader){.mark = WEIGHTS_FILE_MARK,
        .version = WEIGHTS_FILE_VERSION,
        .layout = hash_of_code(programs, count),
        .bytes = weights->length,
        .checksum = xxh64(weights->data, weights->length)};
    for (int i = 0; i < count; i++)
        programs[i]->weights_file = header;
}

static void set_wide(int32_t *numbers, uint64_t number) {
    numbers[0] = (int32_t)(uint32_t)number;
    numbers[1] = (int32_t)(uint32_t)(number >> 32);
}

SupportConstants support_weights_constants(const Program *program, Arena *arena) {
    int32_t *numbers = ARENA_ARRAY(arena, int32_t, RIFFLE_CHECK_NUMBERS);
    set_wide(numbers + RIFFLE_CHECK_MARK, program->weights_file->mark);
    set_wide(numbers + RIFFLE_CHECK_VERSION, program->weights_file->version);
    set_wide(numbers + RIFFLE_CHECK_LAYOUT, program->weights_file->layout);
    set_wide(numbers + RIFFLE_CHECK_BYTES, program->weights_file->bytes);
    return support_numbers(numbers, RIFFLE_CHECK_NUMBERS);
}
