#include "backends/run/origins_finder.h"
#include "ir/bf16.h"
#include "ir/f16.h"
#include <string.h>

/* Behind the last block there is padding that nobody reads. */
static int block_of(const Program *program, int64_t byte) {
    int low = 0, high = program->weight_block_count - 1;
    while (low < high) {
        int middle = (low + high + 1) / 2;
        if (program->weight_blocks[middle] <= byte)
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}

void find_block_types(OriginsFinder *finder) {
    const Program *program = finder->program;
    finder->types = ARENA_ARRAY(finder->scratch, LaneType, program->weight_block_count + 1);
    for (int i = 0; i <= program->weight_block_count; i++)
        finder->types[i] = LANE_F32;
    finder->origins->cell_bytes = sizeof(float);
    for (int i = 0; i < program->step_count; i++) {
        const Step *step = &program->steps[i];
        const Kernel *kernel = program->kernels[step->kernel];
        for (int k = 0; k < kernel->parameter_count; k++) {
            const Argument *argument = &step->arguments[k];
            if (argument->buffer != WEIGHTS_BUFFER)
                continue;
            bool table = kernel->parameters[k].role == PARAMETER_TABLE;
            LaneType type = table ? LANE_TYPE_COUNT : kernel->parameters[k].element;
            int64_t bytes = parameter_bytes(&kernel->parameters[k]);
            finder->types[block_of(program, argument->offset * bytes)] = type;
            if (bytes < finder->origins->cell_bytes)
                finder->origins->cell_bytes = (int)bytes;
        }
    }
}

double read_packed_number(const Program *program, LaneType type, int64_t byte) {
    const char *at = program->weights.data + byte;
    uint16_t half;
    int32_t whole;
    float number;
    switch (type) {
    case LANE_U8:
        return (double)*(const unsigned char *)at;
    case LANE_S16:
        memcpy(&half, at, sizeof half);
        return (double)(int16_t)half;
    case LANE_S32:
        memcpy(&whole, at, sizeof whole);
        return (double)whole;
    case LANE_F16:
        memcpy(&half, at, sizeof half);
        return (double)f16_to_float(half);
    case LANE_BF16:
        memcpy(&half, at, sizeof half);
        return (double)bf16_to_float(half);
    default:
        memcpy(&number, at, sizeof number);
        return (double)number;
    }
}

bool next_number(CellWalk *walk, bool first) {
    const Program *program = walk->finder->program;
    const PackedOrigins *origins = walk->finder->origins;
    walk->byte += first ? 0 : walk->type == LANE_TYPE_COUNT ? 4 : lane_bytes(walk->type);
    for (;;) {
        while (walk->block + 1 < program->weight_block_count &&
               program->weight_blocks[walk->block + 1] <= walk->byte)
            walk->block++;
        walk->type = walk->finder->types[walk->block];
        walk->cell = walk->byte / origins->cell_bytes;
        if (walk->byte + 4 > (int64_t)program->weights.length)
            return false;
        if (walk->type != LANE_TYPE_COUNT)
            return true;
        walk->byte += 4;
    }
}

CellWalk walk_begin(const OriginsFinder *finder) {
    return (CellWalk){.finder = finder, .type = LANE_F32};
}

bool origins_fail(const OriginsFinder *finder, const CellWalk *walk, const char *what) {
    diagnostics_error(finder->diagnostics, "packed weights must be sums of weights times fractions",
        "the packed number at byte %lld %s", (long long)walk->byte, what);
    return false;
}
