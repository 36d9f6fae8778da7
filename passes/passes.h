/* Passes over the graph IR, and pipelines of them. The passes are the rows of passes.def.
 *
 * What the backends rely on: after any preset the graph has no batch_norm and no bias node. */
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
    const char *statistic; /* what one of its rewrites is: "one bias node" */
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
    /* Called after each pass, and after the verifier where verify_each asks for it. May be NULL. */
    void (*after)(void *context, const Pass *pass, const Graph *graph);
    void *after_context;
} PipelineOptions;

enum { PIPELINE_LEVELS = 3, DEFAULT_PIPELINE_LEVEL = 2 };

/* The pipeline text of an optimisation level: 0 is what the backends require, 1 adds fusions, 2 is
 * all. The pipeline "" has no pass. */
const char *pipeline_preset(int level);
/* Runs a comma-separated list of passes. Unknown names are all reported, with the nearest known
 * one, before anything runs. `options` may be NULL. False after reporting an error; the graph may
 * then have been changed in part. */
bool pipeline_run(
    Graph *graph, const char *pipeline, PipelineOptions *options, Diagnostics *diagnostics);

/* docs/passes.md */
void pass_reference_print(Text *text);

/* ---- comparing graphs (compare.c) ---- */

/* Interprets both graphs, which must have equal inputs and outputs and all weight data, on the same
 * random numbers of unit variance. Returns the largest difference of any output, relative to the
 * largest magnitude in that output; NaN after reporting an error or where one answer is no number.
 */
double graph_difference(
    const Graph *before, const Graph *after, uint64_t seed, Diagnostics *diagnostics);

/* ---- memory planning (plan.c): where values live in one arena ---- */

typedef struct PlannedBuffer {
    int64_t bytes;  /* in: size, a multiple of the alignment is not needed */
    int first_step; /* in: the step that writes it first */
    int last_step;  /* in: the step that reads it last; >= first_step */
    int64_t offset; /* out: multiple of the alignment */
} PlannedBuffer;

typedef struct MemoryPlan {
    int64_t peak_bytes;        /* size of the arena */
    int64_t lower_bound_bytes; /* largest sum of buffers alive at one step */
} MemoryPlan;

/* Assigns offsets so that buffers alive at a common step do not overlap. `alignment` is a power
 * of 2. */
MemoryPlan plan_memory(PlannedBuffer *buffers, size_t count, int64_t alignment, Arena *scratch);

#endif
