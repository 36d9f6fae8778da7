/* The table of several targets in one library. */
#include "backends/target/levels.h"

#include <string.h>

static const TargetLevels table[] = {
#define LEVELS(row_name, row_triple, row_base, row_summary, ...)                                   \
    {.name = row_name,                                                                             \
        .triple = row_triple,                                                                      \
        .base = row_base,                                                                          \
        .summary = row_summary,                                                                    \
        .levels = {__VA_ARGS__}},
#include "backends/target/levels.def"
};

const TargetLevels *target_levels_table(size_t *count) {
    *count = sizeof table / sizeof *table;
    return table;
}

const TargetLevels *target_levels_find(const char *name) {
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (strcmp(table[i].name, name) == 0)
            return &table[i];
    return NULL;
}

int target_levels_count(const TargetLevels *levels) {
    int count = 0;
    while (count < MOST_LEVELS && levels->levels[count].target)
        count++;
    return count;
}

const char *target_levels_example(const TargetLevels *levels) {
    return levels->levels[1].target; /* what most machines have */
}
