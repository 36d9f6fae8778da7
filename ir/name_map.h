/* A map from names to items, in arena memory. */
#ifndef RIFFLE_IR_NAME_MAP_H
#define RIFFLE_IR_NAME_MAP_H

#include "ir/arena.h"

typedef struct NameMap NameMap;

NameMap *name_map_create(Arena *arena);
/* NULL when the name is not there. */
void *name_map_find(const NameMap *map, const char *name);
/* Adds or replaces. The name is not copied; `item` is not NULL. */
void name_map_put(NameMap *map, const char *name, void *item);

#endif
