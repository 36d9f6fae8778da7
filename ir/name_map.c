#include "ir/name_map.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

typedef struct Slot {
    const char *name; /* NULL when free */
    void *item;
} Slot;

/* Open addressing; a power of two of slots, at most half of them full. */
struct NameMap {
    Arena *arena;
    Slot *slots;
    size_t slot_count, used;
};

static uint64_t name_hash(const char *name) {
    uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a */
    for (; *name != '\0'; name++)
        hash = (hash ^ (unsigned char)*name) * 0x100000001b3u;
    return hash ^ hash >> 29;
}

/* The slot that holds the name, or the free one where it belongs. */
static Slot *find_slot(const NameMap *map, const char *name) {
    size_t mask = map->slot_count - 1;
    size_t at = (size_t)name_hash(name) & mask;
    while (map->slots[at].name != NULL && strcmp(map->slots[at].name, name) != 0)
        at = (at + 1) & mask;
    return &map->slots[at];
}

NameMap *name_map_create(Arena *arena) {
    NameMap *map = ARENA_NEW(arena, NameMap);
    map->arena = arena;
    map->slot_count = 16;
    map->slots = ARENA_ARRAY(arena, Slot, map->slot_count);
    return map;
}

void *name_map_find(const NameMap *map, const char *name) {
    return find_slot(map, name)->item;
}

static void grow(NameMap *map) {
    Slot *old = map->slots;
    size_t old_count = map->slot_count;
    map->slot_count *= 2;
    map->slots = ARENA_ARRAY(map->arena, Slot, map->slot_count);
    for (size_t i = 0; i < old_count; i++) {
        if (old[i].name != NULL)
            *find_slot(map, old[i].name) = old[i];
    }
}

void name_map_put(NameMap *map, const char *name, void *item) {
    assert(item != NULL);
    if (map->used + 1 > map->slot_count / 2)
        grow(map);
    Slot *slot = find_slot(map, name);
    if (slot->name == NULL)
        map->used++;
    *slot = (Slot){name, item};
}

const char *name_map_take(NameMap *map, const char *name, int first_suffix) {
    const char *free_name = name;
    int *suffix = name_map_find(map, name); /* that is to be tried next */
    while (name_map_find(map, free_name) != NULL)
        free_name = arena_format(map->arena, "%s_%d", name, (*suffix)++);
    int *entry = ARENA_NEW(map->arena, int);
    *entry = first_suffix;
    name_map_put(map, free_name, entry);
    return free_name;
}
