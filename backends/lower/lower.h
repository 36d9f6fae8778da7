/* From graph to program. */
#ifndef RIFFLE_BACKENDS_LOWER_LOWER_H
#define RIFFLE_BACKENDS_LOWER_LOWER_H

#include "backends/program/compilation.h"
#include "backends/program/options.h"
#include "backends/program/summary.h"
#include "backends/target/levels.h"
#include "ir/arena.h"
#include "ir/diagnostics.h"
#include "ir/graph.h"

/* The graph must have passed the pipeline (no batch_norm) and have weight data. NULL after errors.
 */
Program *program_lower(
    const Graph *graph, const Compilation *compilation, Arena *arena, Diagnostics *diagnostics);

/* Whether a layer of the graph multiplies weights of the type, or a node gives numbers of it. */
bool computes_with(const Graph *graph, ElementType element);

/* Output channels that weights of the graph keep together where programs share them
 * (Compilation.weight_block): those of the widest vector of sums on the target. */
int shared_weight_block(const Graph *graph, const Target *target);

/* The same for each level that computes the graph in a way of its own: the program of the highest
 * that runs here (or else of the lowest), from which the writers and jit_load find the others. Sums
 * are taken in the same order as elsewhere, but tiles may be others than for the target alone. */
Program *program_lower_levels(const Graph *graph, const TargetLevels *levels,
    const LowerOptions *options, Arena *arena, Diagnostics *diagnostics);

/* How many programs that makes: levels that would compute alike have one. */
int program_level_count(
    const Graph *graph, const TargetLevels *levels, Arena *arena, Diagnostics *diagnostics);
/* One of these alone, as the library has it but for sharing weights. */
Program *program_lower_level(const Graph *graph, const TargetLevels *levels, int level,
    const LowerOptions *options, Arena *arena, Diagnostics *diagnostics);

/* Makes one library of programs for one target, each of which has a name of its own: they share
 * packed weights, as far as they pack them alike (Compilation.weight_block). */
void program_join_variants(const char *name, const Graph *const *graphs, Program *const *programs,
    int count, Arena *arena);

#endif
