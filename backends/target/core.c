/* The table of cores. */
#include "backends/target/core.h"
#include "ir/arena.h"
#include <stddef.h>
#include <string.h>

static const Core cores[] = {
#define NAMES(...) .names = {__VA_ARGS__}
#define CORE(...) {__VA_ARGS__},
#include "backends/target/cores.def"
#undef NAMES
};

enum { CORES = sizeof cores / sizeof *cores };

const Core *core_table(int *count) {
    *count = CORES;
    return cores;
}

const Core *core_find(const char *processor) {
    for (size_t i = 0; i < CORES; i++)
        for (size_t j = 0; j < MOST_CORE_NAMES && cores[i].names[j]; j++)
            if (strcmp(cores[i].names[j], processor) == 0)
                return &cores[i];
    return NULL;
}

const char *core_names(Arena *arena) {
    const char *names = "";
    for (size_t i = 0; i < CORES; i++)
        for (size_t j = 0; j < MOST_CORE_NAMES && cores[i].names[j]; j++)
            names = arena_format(
                arena, "%s%s%s", names, names[0] == '\0' ? "" : ", ", cores[i].names[j]);
    return names;
}
