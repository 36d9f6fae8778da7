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
/* For a map of names that are taken and nothing else: adds the name, or else the first that is free
 * of NAME_<first_suffix>, NAME_<first_suffix + 1>..., and returns what was added. */
const char *name_map_take(NameMap *map, const char *name, int first_suffix);

#endif
