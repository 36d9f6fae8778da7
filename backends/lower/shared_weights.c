/* See shared_weights.h. */
#include "backends/lower/shared_weights.h"
#include "backends/program/levels.h"
#include "backends/program/program.h"
#include "ir/arena.h"
#include "ir/kernel.h"
#include "ir/resting.h"
#include "runtime/support/weights_file.h"

#include <assert.h>
#include <string.h>

/* A stretch of packed weights that the steps of one program ask for by its beginning. */
typedef struct WeightBlock {
    size_t length; /* 0: there is none here */
    size_t place;  /* among those that are kept */
} WeightBlock;

typedef struct WeightPool {
    Arena *arena;
    RestingBytes kept;
    WeightBlock *blocks; /* an open hash table */
    size_t capacity;
} WeightPool;

/* Where the bytes are kept, which they are from now on. */
static int64_t keep(WeightPool *pool, const char *bytes, size_t length) {
    size_t slot = xxh64(bytes, length) % pool->capacity;
    for (; pool->blocks[slot].length > 0; slot = (slot + 1) % pool->capacity) {
        const WeightBlock *block = &pool->blocks[slot];
        if (block->length != length)
            continue;
        bool equal = memcmp(pool->kept.data + block->place, bytes, length) == 0;
        resting_rest(&pool->kept, block->place, length);
        if (equal)
            return (int64_t)block->place;
    }
    pool->blocks[slot] = (WeightBlock){length, pool->kept.length};
    memcpy(resting_append(&pool->kept, length), bytes, length);
    return (int64_t)pool->blocks[slot].place;
}

/* The end of the block, with the padding up to the next one. */
static int64_t block_end(const Program *program, int block) {
    if (block + 1 < program->weight_block_count)
        return program->weight_blocks[block + 1];
    int64_t end = (int64_t)program->weights.length - WEIGHTS_ALIGNMENT; /* without the padding */
    return (end + WEIGHTS_ALIGNMENT - 1) / WEIGHTS_ALIGNMENT * WEIGHTS_ALIGNMENT;
}

/* The block that holds this byte of the weights. */
static int block_at(const Program *program, int64_t byte) {
    int low = 0, high = program->weight_block_count; /* it is one of low..high-1 */
    while (high - low > 1) {
        int middle = low + (high - low) / 2;
        if (program->weight_blocks[middle] <= byte)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* Keeps the blocks of the program, and lets its steps read them there. */
static void move_weights(WeightPool *pool, Program *program) {
    int64_t *places = ARENA_ARRAY(pool->arena, int64_t, program->weight_block_count + 1);
    for (int i = 0; i < program->weight_block_count; i++) {
        int64_t begin = program->weight_blocks[i], length = block_end(program, i) - begin;
        assert(begin % WEIGHTS_ALIGNMENT == 0 && length % WEIGHTS_ALIGNMENT == 0);
        places[i] = keep(pool, program->weights.data + begin, (size_t)length);
        resting_rest(&program->weights, (size_t)begin, (size_t)length);
    }
    for (int i = 0; i < program->step_count; i++) {
        Step *step = &program->steps[i];
        const Kernel *kernel = program->kernels[step->kernel];
        for (int j = 0; j < kernel->parameter_count; j++) {
            Argument *argument = &step->arguments[j];
            if (argument->buffer != WEIGHTS_BUFFER)
                continue;
            int64_t unit = parameter_bytes(&kernel->parameters[j]);
            int64_t byte = argument->offset * unit;
            int block = block_at(program, byte);
            argument->offset = (byte - program->weight_blocks[block] + places[block]) / unit;
        }
    }
    for (int i = 0; i < program->weight_block_count; i++)
        program->weight_blocks[i] = places[i];
}

void weights_share(Program *const *programs, int count, Arena *arena) {
    WeightPool pool = {.arena = arena, .capacity = 1};
    for (int i = 0; i < count; i++)
        pool.capacity += 2 * (size_t)programs[i]->weight_block_count;
    pool.blocks = ARENA_ARRAY(arena, WeightBlock, pool.capacity);
    for (int i = count - 1; i >= 0; i--)
        move_weights(&pool, programs[i]);
    resting_append(&pool.kept, WEIGHTS_ALIGNMENT);
    for (int i = 0; i < count; i++) {
        resting_free(&programs[i]->weights);
        programs[i]->weights =
            (RestingBytes){.length = pool.kept.length}; /* one program owns the bytes */
        programs[i]->buffers[WEIGHTS_BUFFER].bytes = (int64_t)pool.kept.length;
    }
    programs[0]->weights = pool.kept;
}
