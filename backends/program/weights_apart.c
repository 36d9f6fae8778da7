/* See program_set_weights_apart. */
#include "backends/program/levels.h"
#include "backends/program/program.h"
#include "backends/program/summary.h"
#include "backends/program/variants.h"
#include "ir/arena.h"
#include "ir/text.h"
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
