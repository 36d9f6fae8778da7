/* Passes over the graph IR, and pipelines of them. The passes are the rows of passes.def. */
#ifndef RIFFLE_PASSES_PASSES_H
#define RIFFLE_PASSES_PASSES_H

#include "ir/graph.h"

/* What a pass sees. */
typedef struct PassContext {
    Graph *graph;             /* changed in place; must verify afterwards */
    Arena *scratch;           /* released when the pass returns */
    Diagnostics *diagnostics; /* for faults of the graph that the pass is the first to see */
    int64_t rewrites;         /* the pass counts here what it changed */
} PassContext;

typedef bool PassFunction(PassContext *context); /* false after reporting an error */

typedef struct Pass {
    const char *name; /* "fold-batchnorm" */
    const char *summary;
    PassFunction *run;
} Pass;

/* All passes, in the order of passes.def; *count is set. */
const Pass *pass_table(size_t *count);
const Pass *pass_find(const char *name); /* NULL when unknown */

typedef struct PassReport {
    const char *name;
    int64_t rewrites;
    int nodes_before, nodes_after;
    double seconds;
} PassReport;

typedef struct PipelineOptions {
    bool verify_each;
    PassReport *reports; /* NULL, or room for `report_capacity` entries; report_count is set */
    int report_capacity, report_count;
} PipelineOptions;

/* The pipeline text of an optimisation level, 0 to 2; "" has no pass. */
const char *pipeline_preset(int level);
/* Runs a comma-separated list of passes. Unknown names are reported with the nearest known one, before
 * anything runs. `options` may be NULL. */
bool pipeline_run(Graph *graph, const char *pipeline, PipelineOptions *options, Diagnostics *diagnostics);

/* ---- memory planning (plan.c): where values live in one arena ---- */

typedef struct PlannedBuffer {
    int64_t bytes;       /* in: size, a multiple of the alignment is not needed */
    int first_step;      /* in: the step that writes it first */
    int last_step;       /* in: the step that reads it last; >= first_step */
    int64_t offset;      /* out: multiple of the alignment */
} PlannedBuffer;

typedef struct MemoryPlan {
    int64_t peak_bytes;        /* size of the arena */
    int64_t lower_bound_bytes; /* largest sum of buffers alive at one step */
} MemoryPlan;

/* Assigns offsets so that buffers alive at a common step do not overlap. `alignment` is a power of 2. */
MemoryPlan plan_memory(PlannedBuffer *buffers, size_t count, int64_t alignment, Arena *scratch);

#endif
