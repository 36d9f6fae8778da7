/* What must hold for a graph: that its text reads back, that pipelines of passes keep its answer,
 * and that compiled code gives it. The interpreter, run on the graph as it was made, is the
 * oracle. */
#ifndef RIFFLE_TESTS_RANDOM_CHECK_H
#define RIFFLE_TESTS_RANDOM_CHECK_H

#include "backends/backends.h"
#include "oracle.h"
#include "passes/passes.h"

/* Passes, and perhaps a target to compile for behind them. */
typedef struct Check {
    const char *pipeline;
    const PassRegistry *registry; /* NULL: passes.def */
    const Target *target;         /* NULL: passes only */
    bool tiny_cache;              /* as if no tensor fitted the caches: chains are then found */
} Check;

/* NULL when all is right, else what is not: "KIND: more", allocated from the arena. */
const char *check_graph(const Oracle *oracle, const Check *check, Arena *arena);
/* The part of it that is behind the passes: the target's code for the graph (check_compiled.c). */
const char *check_compiled(
    const Oracle *oracle, const Graph *graph, const Check *check, Arena *arena);
/* The same for a GPU, whose kernels are interpreted (check_gpu.c). */
const char *check_gpu(const Oracle *oracle, const Graph *graph, const Check *check, Arena *arena);

/* NULL, or what is wrong with the graph's text: it must read back as the same. */
const char *check_round_trip(const Graph *graph, Arena *arena);

/* The kinds of two faults are equal. */
bool fault_alike(const char *a, const char *b);
/* Diagnostics as text. */
const char *diagnostics_copy(const Diagnostics *diagnostics, Arena *arena);
/* Memory between guard bytes, aligned to 64; guards_hold says whether nobody wrote to them. */
void *guarded_allocate(size_t bytes);
bool guards_hold(const void *memory, size_t bytes);
void guarded_free(void *memory);

#endif
