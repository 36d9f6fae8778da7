/* Programs for several processors in one library.
 *
 * A level that computes the graph just as one below it has no program: without bytes, products of
 * bytes make no difference. Each other one is lowered by itself, for its own lanes and registers,
 * and the largest workspace is that of all. Weights are packed in blocks of as many channels as the
 * widest vectors of any level have (Compilation.weight_block), so that most layers come out with
 * equal bytes at all levels; those that do are kept once. */
#include "backends/program/levels.h"
#include "backends/lower/lower.h"
#include "backends/lower/shared_weights.h"
#include "backends/program/compilation.h"
#include "backends/program/options.h"
#include "backends/program/program.h"
#include "backends/program/summary.h"
#include "backends/target/levels.h"
#include "backends/target/target.h"
#include "ir/arena.h"
#include "ir/diagnostics.h"
#include "ir/graph.h"

/* ---- the programs ---- */

/* The levels that have programs of their own, and what code is made for. */
typedef struct ChosenLevels {
    int count;
    const TargetLevel *levels[MOST_LEVELS];
    const Target *targets[MOST_LEVELS];
} ChosenLevels;

static bool compute_alike(const Graph *graph, const Target *a, const Target *b) {
    return a->lanes == b->lanes && a->registers == b->registers &&
           a->multiply_adds_per_cycle == b->multiply_adds_per_cycle &&
           (a->bytes == b->bytes || !computes_with(graph, ELEMENT_U8)) &&
           (a->f16 == b->f16 || !computes_with(graph, ELEMENT_F16));
}

static ChosenLevels choose_levels(
    const Graph *graph, const TargetLevels *table, Arena *arena, Diagnostics *diagnostics) {
    ChosenLevels chosen = {0};
    for (int i = 0; i < target_levels_count(table); i++) {
        const Target *target = target_levels_target(table, i, arena, diagnostics);
        bool known = false;
        for (int j = 0; j < chosen.count; j++)
            known = known || compute_alike(graph, target, chosen.targets[j]);
        if (known)
            continue;
        chosen.levels[chosen.count] = &table->levels[i];
        chosen.targets[chosen.count++] = target;
    }
    return chosen;
}

/* They pack weights for the widest vectors among them. */
static Compilation *level_compilations(
    const Graph *graph, const ChosenLevels *chosen, const LowerOptions *options, Arena *arena) {
    int block = 0;
    Compilation *compilations = ARENA_ARRAY(arena, Compilation, chosen->count);
    for (int i = 0; i < chosen->count; i++) {
        const Target *target = chosen->targets[i];
        compilations[i] = (Compilation){.target = target, .options = *options};
        int here = shared_weight_block(graph, target);
        block = here > block ? here : block;
    }
    for (int i = 0; i < chosen->count; i++)
        compilations[i].weight_block = block;
    return compilations;
}

static void share_workspace(ProgramLevels *levels) {
    int64_t most = 0;
    for (int i = 0; i < levels->count; i++)
        most = levels->programs[i]->workspace_bytes > most ? levels->programs[i]->workspace_bytes
                                                           : most;
    for (int i = 0; i < levels->count; i++)
        levels->programs[i]->workspace_bytes = most;
}

Program *program_lower_level(const Graph *graph, const TargetLevels *levels, int level,
    const LowerOptions *options, Arena *arena, Diagnostics *diagnostics) {
    const ChosenLevels chosen = choose_levels(graph, levels, arena, diagnostics);
    const Compilation *compilations = level_compilations(graph, &chosen, options, arena);
    return program_lower(graph, &compilations[level], arena, diagnostics);
}

int program_level_count(
    const Graph *graph, const TargetLevels *levels, Arena *arena, Diagnostics *diagnostics) {
    return choose_levels(graph, levels, arena, diagnostics).count;
}

Program *program_lower_levels(const Graph *graph, const TargetLevels *target,
    const LowerOptions *options, Arena *arena, Diagnostics *diagnostics) {
    ProgramLevels *levels = ARENA_NEW(arena, ProgramLevels);
    const ChosenLevels chosen = choose_levels(graph, target, arena, diagnostics);
    int count = chosen.count, here = count - 1;
    const Compilation *compilations = level_compilations(graph, &chosen, options, arena);
    levels->target = target;
    levels->bytes = computes_with(graph, ELEMENT_U8);
    for (int i = 0; i < count; i++) {
        Program *program = program_lower(graph, &compilations[i], arena, diagnostics);
        if (!program) {
            while (levels->count > 0)
                program_destroy(levels->programs[--levels->count]);
            return NULL;
        }
        program->level = chosen.levels[i];
        levels->programs[levels->count++] = program;
    }
    weights_share(levels->programs, count, arena);
    share_workspace(levels);
    for (int i = 0; i < count; i++)
        levels->programs[i]->levels = levels;
    while (here > 0 && !target_runs_here(levels->programs[here]->target))
        here--;
    return levels->programs[here];
}
