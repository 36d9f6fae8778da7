/* Arena memory: everything that belongs to one graph, program or run of a pass is allocated from an
 * arena and released with it. There is no free for a single object. */
#ifndef RIFFLE_IR_ARENA_H
#define RIFFLE_IR_ARENA_H

#include <stdbool.h>
#include <stddef.h>

typedef struct Arena Arena;

/* Never returns NULL: running out of memory ends the process (ir/ending.h). */
Arena *arena_create(void);
void arena_destroy(Arena *arena); /* NULL is allowed. */

/* Zeroed memory, aligned to 64 bytes when size >= 64, else to 16. Never returns NULL. */
void *arena_allocate(Arena *arena, size_t size);

/* Zeroed memory for `count` items of `size` bytes; the product is checked for overflow. */
void *arena_allocate_array(Arena *arena, size_t count, size_t size);

/* The same for what is large and seldom looked at: if it came to lie where it can rest (see
 * ir/resting.h), *rests is true. */
void *arena_allocate_resting(Arena *arena, size_t count, size_t size, bool *rests);

/* The same with every item like the one given, whose size is a power of two: where it rests, it
 * takes no room and cannot be written. */
const void *arena_allocate_repeated(
    Arena *arena, const void *item, size_t count, size_t size, bool *rests);

/* A larger array, of `capacity` items, that begins with the `count` of the old one. */
void *arena_grow(Arena *arena, const void *items, size_t count, size_t capacity, size_t item_size);

char *arena_copy_string(Arena *arena, const char *string);
char *arena_copy_bytes(Arena *arena, const char *bytes, size_t length); /* adds a final NUL */
char *arena_format(Arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define ARENA_NEW(arena, type) ((type *)arena_allocate((arena), sizeof(type)))
#define ARENA_ARRAY(arena, type, count)                                                            \
    ((type *)arena_allocate_array((arena), (size_t)(count), sizeof(type)))
/* Makes room for one more item behind `count` in an array of the arena: where it is full it has
 * twice the capacity and `least` more. `items` and `capacity` are changed. */
#define ARENA_GROW(arena, items, count, capacity, least)                                           \
    do {                                                                                           \
        if ((count) == (capacity)) {                                                               \
            (capacity) = (capacity) * 2 + (least);                                                 \
            (items) = arena_grow(                                                                  \
                (arena), (items), (size_t)(count), (size_t)(capacity), sizeof *(items));           \
        }                                                                                          \
    } while (0)

#endif
