/* The table of several targets in one library. */
#include "backends/target/levels.h"

#include <string.h>

static const TargetLevels table[] = {
#define LEVELS(name, triple, base, summary, ...) {name, triple, base, summary, {__VA_ARGS__}},
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
