#include "ir/arena.h"

#include "ir/ending.h"
#include "ir/resting.h"
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Blocks grow from 16 KiB to 1 MiB; anything that does not fit a fresh block well gets its own. */
enum { SMALLEST_BLOCK = 16 * 1024, LARGEST_BLOCK = 1024 * 1024, WIDE_ALIGNMENT = 64 };

typedef struct ArenaBlock {
    struct ArenaBlock *next;
    unsigned char *memory;
    size_t size, used;
    bool rests; /* the memory is from resting_create */
} ArenaBlock;

struct Arena {
    ArenaBlock *blocks; /* the first one is being filled */
    size_t next_block_size;
};

static void *zeroed_memory(size_t size) {
    void *memory = calloc(1, size);
    if (memory == NULL)
        out_of_memory();
    return memory;
}

Arena *arena_create(void) {
    Arena *arena = zeroed_memory(sizeof *arena);
    arena->next_block_size = SMALLEST_BLOCK;
    return arena;
}

void arena_destroy(Arena *arena) {
    if (arena == NULL)
        return;
    ArenaBlock *block = arena->blocks;
    while (block != NULL) {
        ArenaBlock *next = block->next;
        if (block->rests)
            resting_destroy(block->memory, block->size);
        else
            free(block->memory);
        free(block);
        block = next;
    }
    free(arena);
}

/* calloc, not aligned_alloc: large blocks then come zeroed from the system and untouched pages cost
 * nothing. The alignment is made by hand. */
static ArenaBlock *block_create(size_t size) {
    if (size > SIZE_MAX - WIDE_ALIGNMENT)
        out_of_memory();
    ArenaBlock *block = zeroed_memory(sizeof *block);
    block->size = size + WIDE_ALIGNMENT;
    block->memory = zeroed_memory(block->size);
    return block;
}

static void *block_take(ArenaBlock *block, size_t size, size_t alignment) {
    uintptr_t start = (uintptr_t)block->memory + block->used;
    size_t gap = (size_t)(-start & (alignment - 1));
    size_t left = block->size - block->used;
    if (gap > left || size > left - gap)
        return NULL;
    unsigned char *result = block->memory + block->used + gap;
    block->used += gap + size;
    return result;
}

/* Puts one that is for a single object behind the one being filled. */
static void add_full_block(Arena *arena, ArenaBlock *block) {
    if (arena->blocks == NULL) {
        arena->blocks = block;
    } else {
        block->next = arena->blocks->next;
        arena->blocks->next = block;
    }
}

void *arena_allocate(Arena *arena, size_t size) {
    size_t alignment = size >= WIDE_ALIGNMENT ? WIDE_ALIGNMENT : 16;
    if (size == 0)
        size = 1;
    if (arena->blocks != NULL) {
        void *result = block_take(arena->blocks, size, alignment);
        if (result != NULL)
            return result;
    }
    if (size > arena->next_block_size / 4) {
        ArenaBlock *block = block_create(size);
        add_full_block(arena, block);
        return block_take(block, size, alignment);
    }
    ArenaBlock *block = block_create(arena->next_block_size);
    if (arena->next_block_size < LARGEST_BLOCK)
        arena->next_block_size *= 2;
    block->next = arena->blocks;
    arena->blocks = block;
    return block_take(block, size, alignment);
}

static size_t array_bytes(size_t count, size_t size) {
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes))
        out_of_memory();
    return bytes;
}

void *arena_allocate_array(Arena *arena, size_t count, size_t size) {
    return arena_allocate(arena, array_bytes(count, size));
}

static void add_resting_block(Arena *arena, void *memory, size_t bytes) {
    ArenaBlock *block = zeroed_memory(sizeof *block);
    *block = (ArenaBlock){.memory = memory, .size = bytes, .used = bytes, .rests = true};
    add_full_block(arena, block);
}

void *arena_allocate_resting(Arena *arena, size_t count, size_t size, bool *rests) {
    size_t bytes = array_bytes(count, size);
    void *memory = bytes < LEAST_RESTING_BYTES ? NULL : resting_create(bytes);
    *rests = memory != NULL;
    if (memory == NULL)
        return arena_allocate(arena, bytes);
    add_resting_block(arena, memory, bytes);
    return memory;
}

const void *arena_allocate_repeated(
    Arena *arena, const void *item, size_t count, size_t size, bool *rests) {
    size_t bytes = array_bytes(count, size);
    char *memory = bytes < LEAST_RESTING_BYTES ? NULL : resting_repeat(item, size, bytes);
    *rests = memory != NULL;
    if (*rests) {
        add_resting_block(arena, memory, bytes);
        return memory;
    }
    memory = arena_allocate(arena, bytes);
    for (size_t at = 0; at < bytes; at += size)
        memcpy(memory + at, item, size);
    return memory;
}

char *arena_copy_bytes(Arena *arena, const char *bytes, size_t length) {
    if (length == SIZE_MAX)
        out_of_memory();
    char *copy = arena_allocate(arena, length + 1);
    if (length > 0)
        memcpy(copy, bytes, length);
    return copy;
}

void *arena_grow(Arena *arena, const void *items, size_t count, size_t capacity, size_t item_size) {
    void *larger = arena_allocate_array(arena, capacity, item_size);
    if (count > 0)
        memcpy(larger, items, count * item_size);
    return larger;
}

char *arena_copy_string(Arena *arena, const char *string) {
    return arena_copy_bytes(arena, string, strlen(string));
}

char *arena_format(Arena *arena, const char *format, ...) {
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length < 0)
        length = 0;
    char *result = arena_allocate(arena, (size_t)length + 1);
    vsnprintf(result, (size_t)length + 1, format, again);
    va_end(again);
    return result;
}
