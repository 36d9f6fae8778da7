/* Passes over the graph IR, and pipelines of them. The passes are the rows of passes.def.
 *
 * What the backends rely on: after any preset the graph has no batch_norm and no bias node. */
#ifndef RIFFLE_PASSES_PASSES_H
#define RIFFLE_PASSES_PASSES_H

#include "ir/graph.h"

typedef struct PassContext PassContext;
typedef bool PassFunction(PassContext *context); /* false after reporting an error */

/* ---- passes and their options ---- */

typedef enum PassOptionKind {
    PASS_OPTION_INTEGER,
    PASS_OPTION_NUMBER,
    PASS_OPTION_FLAG
} PassOptionKind;

typedef union PassOptionValue {
    int64_t integer;
    double number;
    bool flag;
} PassOptionValue;

/* What stands in braces after the pass in a pipeline: "sink-activation{depth=4}". */
typedef struct PassOption {
    const char *name;
    PassOptionKind kind;
    const char *default_text; /* as one would write it: "8", "true" */
    double least, most;       /* of an INTEGER or a NUMBER; integers within +-2^53 */
    const char *meaning;
} PassOption;

typedef struct Pass {
    const char *name; /* "fold-batchnorm": lower-case letters, digits and '-' */
    const char *summary;
    const char *statistic; /* what one of its rewrites is: "one bias node" */
    PassFunction *run;
    const PassOption *options; /* NULL when there are none */
    int option_count;
    const void *data; /* for `run`, as context->step->pass->data; NULL for the rows of passes.def */
} Pass;

/* The rows of passes.def, in their order; *count is set. */
const Pass *pass_table(size_t *count);

/* The passes that pipelines are made of: those of passes.def and those that were added. */
typedef struct PassRegistry PassRegistry;

PassRegistry *pass_registry_create(Arena *arena); /* holds the rows of passes.def */
/* Adds a pass, which must live as long as the registry, and whose options' defaults must be values
 * of them. False after reporting that its name, or that of an option, is taken or no name. */
bool pass_registry_add(PassRegistry *registry, const Pass *pass, Diagnostics *diagnostics);
size_t pass_registry_count(const PassRegistry *registry);
const Pass *pass_registry_at(const PassRegistry *registry, size_t index); /* in order of adding */
const Pass *pass_registry_find(const PassRegistry *registry, const char *name); /* or NULL */

/* A hint for a name that is unknown: the nearest one, or how to list all. */
const char *pass_registry_hint(const PassRegistry *registry, const char *name, Arena *arena);

/* What its values are: "a whole number from 1 to 64". */
void pass_option_describe(const PassOption *option, Text *text);
const char *pass_option_kind_name(PassOptionKind kind); /* "integer", "number", "flag" */

/* ---- pipelines (pipeline.c) ---- */

/* One run of a pass. */
typedef struct PipelineStep {
    const Pass *pass;
    const PassOptionValue *values; /* in the order of pass->options */
    int occurrence;                /* 1 for the first run of this pass in the pipeline */
    SourceRange where;             /* in the pipeline's text */
} PipelineStep;

typedef struct Pipeline {
    PipelineStep *steps;
    size_t count;
} Pipeline;

/* Reads a list of passes: "fold-bias, sink-activation{depth=4, ...}, dead-code"; "O2" stands for
 * the steps of that preset. Reports every mistake at its place in a source "pipeline" and returns
 * NULL when there are any. The text "" has no pass. `registry` NULL stands for passes.def. The
 * result lives in the arena. */
Pipeline *pipeline_parse(
    const char *text, const PassRegistry *registry, Arena *arena, Diagnostics *diagnostics);
/* The same for a part of a file, where mistakes are then shown. */
Pipeline *pipeline_parse_range(
    SourceRange text, const PassRegistry *registry, Arena *arena, Diagnostics *diagnostics);
/* The same pipeline as pipeline_print has it, in which no preset is left; one with mistakes stays
 * as it is. */
const char *pipeline_write_out(const char *text, const PassRegistry *registry, Arena *arena);
/* The text of a pipeline from that step on: only options that are not the default are written. */
void pipeline_print(const Pipeline *pipeline, size_t first_step, Text *text);
void pipeline_step_print(const PipelineStep *step, Text *text);
/* "fold-bias", or "fold-bias#2" for a later occurrence. */
void pipeline_step_name(const PipelineStep *step, Text *text);

/* ---- what a pass sees ---- */

/* Called before a rewrite, with the node that it begins with (NULL when there is none). */
typedef void RewriteObserver(void *context, const PassContext *pass, const Node *node);

/* Called where a pass found all that it looks for, but for a condition that does not hold, which
 * stands in a rule where `rule` is a place. */
typedef void MissObserver(void *context, const PassContext *pass, const Node *node,
    SourceRange rule, const char *condition);

struct PassContext {
    Graph *graph;             /* changed in place; must verify afterwards */
    Arena *scratch;           /* released when the pass returns */
    Diagnostics *diagnostics; /* for faults of the graph that the pass is the first to see */
    const PipelineStep *step; /* the pass itself, and the values of its options */
    int64_t rewrites;         /* counted by pass_may_rewrite */
    int64_t rewrite_limit;
    RewriteObserver *observer; /* may be NULL */
    MissObserver *missed;      /* may be NULL */
    void *observer_context;
    const struct NameMap *kept; /* paths of nodes where no rewrite may begin; NULL: none */
};

/* A pass asks before each rewrite, once it is sure that it is legal, and before anything is
 * changed. False: the pass must leave this one, and goes on to the next. That is how bisection
 * finds the rewrite which does harm, and how layers keep their precision. `node` is where the
 * rewrite begins, NULL when at no node. */
bool pass_may_rewrite(PassContext *context, const Node *node);

/* Says why there is no rewrite at the node: "the result of the layer has another use". */
void pass_missed(PassContext *context, const Node *node, const char *condition);

/* Options of the running pass, by a name that it must have. */
int64_t pass_integer(const PassContext *context, const char *name);
double pass_number(const PassContext *context, const char *name);
bool pass_flag(const PassContext *context, const char *name);

/* ---- running (manager.c) ---- */

typedef struct PassReport {
    const PipelineStep
        *step; /* valid as long as the pipeline: in hooks, and after pipeline_execute */
    const char *name;
    int64_t rewrites;
    int nodes_before, nodes_after;
    double seconds;
} PassReport;

/* A hook sees the graph before or after a step. False, after reporting, ends the run. */
typedef bool PassHook(
    void *context, const PipelineStep *step, const Graph *graph, Diagnostics *diagnostics);

/* Zeroed: nothing of all this. */
typedef struct PipelineOptions {
    const PassRegistry *registry; /* for pipeline_run; NULL: passes.def */
    bool verify_each;
    PassReport *reports; /* NULL, or room for `report_capacity` entries; report_count is set */
    int report_capacity, report_count;
    PassHook *before, *after; /* `after` comes after the verifier; each may be NULL */
    RewriteObserver *rewriting;
    MissObserver *missed; /* may be NULL */
    void *context;        /* given to the four of them */
    const PipelineStep
        *limited_step; /* may do only `rewrite_limit` rewrites; NULL: all may do all */
    int64_t rewrite_limit;
    const struct NameMap *kept;      /* paths of nodes where no pass may begin a rewrite, or NULL */
    const PipelineStep *failed_step; /* set: the step at which the run ended, or NULL */
} PipelineOptions;

enum { PIPELINE_LEVELS = 3, DEFAULT_PIPELINE_LEVEL = 2 };

/* The pipeline text of an optimisation level: 0 is what the backends require, 1 adds fusions, 2 is
 * all. */
const char *pipeline_preset(int level);
/* 2 for "O2", as a pipeline names a preset; -1 for what names none. */
int pipeline_preset_level(const char *name);
/* Runs the steps in order. `options` may be NULL. False after reporting an error; the graph may
 * then have been changed in part. */
bool pipeline_execute(
    const Pipeline *pipeline, Graph *graph, PipelineOptions *options, Diagnostics *diagnostics);
/* Reads and runs a pipeline; nothing runs when the text has a mistake. (reports[].step and
 * failed_step are NULL afterwards.) */
bool pipeline_run(
    Graph *graph, const char *pipeline, PipelineOptions *options, Diagnostics *diagnostics);

/* docs/passes.md */
void pass_reference_print(Text *text);

/* ---- comparing graphs (compare.c) ---- */

/* What a graph computes from random numbers of unit variance. */
typedef struct GraphAnswers {
    int count;      /* of outputs */
    int64_t *sizes; /* of each, in elements */
    float **outputs;
} GraphAnswers;

/* Whether inputs and outputs have the same number, types and layouts. */
bool graph_same_interface(const Graph *a, const Graph *b);
/* Interprets the graph, which must have all weight data; graphs of the same interface get the same
 * numbers from the same seed. NULL after reporting an error. */
GraphAnswers *graph_answers(
    const Graph *graph, uint64_t seed, Arena *arena, Diagnostics *diagnostics);
/* The largest difference of any output, relative to the largest expected magnitude in that output;
 * NaN where an answer is no number. Both must be of graphs of the same interface. */
double answers_difference(const GraphAnswers *expected, const GraphAnswers *actual);

/* Whether a difference is small enough to be rounding: at most 1e-4. */
bool answers_agree(double difference);

/* All of this for two graphs of the same interface; NaN also after reporting an error. */
double graph_difference(
    const Graph *before, const Graph *after, uint64_t seed, Diagnostics *diagnostics);

/* ---- proving that passes keep what a graph computes (compare_exact.c) ---- */

/* What a graph computed of drawn pairs (ir/pair.h), before passes. */
typedef struct GraphProof GraphProof;

/* Draws pairs for the weights of the graph, which must have all data: passes take them along. The
 * weights' numbers become those that were drawn near them, in the graph's arena. NULL after
 * reporting. */
GraphProof *graph_proof_begin(Graph *graph, uint64_t seed, Arena *arena, Diagnostics *diagnostics);

typedef enum GraphVerdict {
    GRAPH_PROOF_EQUAL,
    GRAPH_PROOF_FAULT,  /* `what` is wrong */
    GRAPH_PROOF_UNSURE, /* two numbers that the graph compares are too near to each other */
    GRAPH_PROOF_UNKNOWN /* the weight `what` was computed in a way that cannot be followed */
} GraphVerdict;

typedef struct GraphProofResult {
    GraphVerdict verdict;
    const char *what;
    int64_t compared; /* numbers of outputs */
    double chance;    /* the logarithm to base 2 of that of missing a fault; NaN: not known */
} GraphProofResult;

/* The graph that passes have made of it, or of a copy. */
GraphProofResult graph_proof_compare(const GraphProof *proof, const Graph *graph, Arena *arena);

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
