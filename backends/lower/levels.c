/* Programs for several processors in one library.
 *
 * Each level is lowered by itself, for its own lanes and registers, and the largest workspace is
 * that of all. Weights are packed in blocks of as many channels as the widest vectors of any level
 * have (Compilation.weight_block), so that most layers come out with equal bytes at all levels;
 * those that do are kept once. */
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

/* The levels, which pack weights for the widest vectors among them. */
static Compilation *level_compilations(const TargetLevels *target, const LowerOptions *options,
    Arena *arena, Diagnostics *diagnostics) {
    int lanes = 0, count = target_levels_count(target);
    Compilation *compilations = ARENA_ARRAY(arena, Compilation, count);
    for (int i = 0; i < count; i++) {
        const Target *level = target_find(target->levels[i].target, arena, diagnostics);
        compilations[i] = (Compilation){.target = level, .options = *options};
        lanes = level->lanes > lanes ? level->lanes : lanes;
    }
    for (int i = 0; i < count; i++)
        compilations[i].weight_block = lanes;
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

Program *program_lower_levels(const Graph *graph, const TargetLevels *target,
    const LowerOptions *options, Arena *arena, Diagnostics *diagnostics) {
    ProgramLevels *levels = ARENA_NEW(arena, ProgramLevels);
    int count = target_levels_count(target), here = count - 1;
    const Compilation *compilations = level_compilations(target, options, arena, diagnostics);
    levels->target = target;
    for (int i = 0; i < count; i++) {
        Program *program = program_lower(graph, &compilations[i], arena, diagnostics);
        if (!program) {
            while (levels->count > 0)
                program_destroy(levels->programs[--levels->count]);
            return NULL;
        }
        program->level = &target->levels[i];
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
