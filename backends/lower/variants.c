/* Several variants of a network in one library: see program/variants.h. */
#include "backends/program/variants.h"
#include "backends/lower/lower.h"
#include "backends/lower/shared_weights.h"
#include "backends/program/program.h"
#include "ir/arena.h"

#include <string.h>

void program_join_variants(const char *name, const Graph *const *graphs, Program *const *programs,
    int count, Arena *arena) {
    Program **copy = ARENA_ARRAY(arena, Program *, count);
    memcpy(copy, programs, (size_t)count * sizeof *copy);
    const Graph **computed = ARENA_ARRAY(arena, const Graph *, count);
    memcpy(computed, graphs, (size_t)count * sizeof *computed);
    ProgramVariants *variants = ARENA_NEW(arena, ProgramVariants);
    *variants =
        (ProgramVariants){.name = name, .programs = copy, .graphs = computed, .count = count};
    weights_share(programs, count, arena);
    for (int i = 0; i < count; i++)
        programs[i]->variants = variants;
}
