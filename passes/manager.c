/* The table of passes and the running of pipelines. */
#include "passes/passes.h"
#include "passes/rewrite.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const Pass passes[] = {
#define PASS(function, name, summary, statistic) {name, summary, statistic, pass_##function},
#include "passes/passes.def"
};
enum { PASS_COUNT = sizeof passes / sizeof passes[0] };

/* Biases are folded twice: those before a batch norm, and those after one that was folded. An
 * activation sinks before it is fused, and what is an addition's activation becomes the residual's.
 */
#define REQUIRED "fold-bias,fold-batchnorm,fold-bias,lower-batchnorm,lower-bias"
#define FUSIONS "sink-activation,fuse-activation,fuse-residual"

static const char *const presets[PIPELINE_LEVELS] = {
    REQUIRED ",dead-code",
    REQUIRED "," FUSIONS ",dead-code",
    "simplify,common-subexpressions," REQUIRED "," FUSIONS
    ",merge-layout,absorb-route,simplify,common-subexpressions,dead-code",
};

const Pass *pass_table(size_t *count) {
    *count = PASS_COUNT;
    return passes;
}

const Pass *pass_find(const char *name) {
    for (size_t i = 0; i < PASS_COUNT; i++)
        if (strcmp(passes[i].name, name) == 0)
            return &passes[i];
    return NULL;
}

const char *pipeline_preset(int level) {
    if (level < 0)
        level = 0;
    return presets[level < PIPELINE_LEVELS ? level : PIPELINE_LEVELS - 1];
}

/* ---- pipeline text ---- */

typedef struct Pipeline {
    const Pass **passes;
    size_t count;
} Pipeline;

static void report_unknown(const char *name, Arena *arena, Diagnostics *diagnostics) {
    const char *names[PASS_COUNT];
    for (size_t i = 0; i < PASS_COUNT; i++)
        names[i] = passes[i].name;
    const char *closest = closest_word(name, names, PASS_COUNT);
    diagnostics_error(diagnostics,
        closest != NULL ? arena_format(arena, "did you mean '%s'?", closest)
                        : "'riffle passes' lists all passes",
        "unknown pass '%s'", name);
}

static bool parse_pipeline(
    const char *text, Pipeline *pipeline, Arena *arena, Diagnostics *diagnostics) {
    size_t most = 1;
    for (const char *at = text; *at; at++)
        most += *at == ',';
    *pipeline = (Pipeline){ARENA_ARRAY(arena, const Pass *, most), 0};
    bool known = true, blank = text[strspn(text, " \t\n")] == '\0';
    for (const char *at = text; !blank; at++) {
        at += strspn(at, " \t\n");
        const char *end = at + strcspn(at, ",");
        const char *comma = end;
        while (end > at && isspace((unsigned char)end[-1]))
            end--;
        const char *name = arena_copy_bytes(arena, at, (size_t)(end - at));
        const Pass *pass = pass_find(name);
        if (end == at)
            diagnostics_error(
                diagnostics, NULL, "a pass name is missing in the pipeline '%s'", text);
        else if (pass == NULL)
            report_unknown(name, arena, diagnostics);
        else
            pipeline->passes[pipeline->count++] = pass;
        known = known && pass != NULL;
        at = comma;
        if (*at == '\0')
            break;
    }
    return known;
}

/* ---- running ---- */

static int count_nodes(const Graph *graph) {
    int count = 0;
    for (const Node *node = graph->first; node; node = node->next)
        count++;
    return count;
}

static double seconds_now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static bool run_pass(
    Graph *graph, const Pass *pass, PipelineOptions *options, Diagnostics *diagnostics) {
    PassReport report = {.name = pass->name, .nodes_before = count_nodes(graph)};
    PassContext context = {.graph = graph, .scratch = arena_create(), .diagnostics = diagnostics};
    double start = seconds_now();
    bool succeeded = pass->run(&context);
    report.seconds = seconds_now() - start;
    arena_destroy(context.scratch);
    report.rewrites = context.rewrites;
    report.nodes_after = count_nodes(graph);
    if (options == NULL)
        return succeeded;
    if (options->reports != NULL && options->report_count < options->report_capacity)
        options->reports[options->report_count++] = report;
    if (succeeded && options->verify_each && !graph_verify(graph, diagnostics)) {
        diagnostics_error(diagnostics, "this is a fault of riffle, please report it",
            "the graph is faulty after the pass '%s'", pass->name);
        return false;
    }
    if (succeeded && options->after != NULL)
        options->after(options->after_context, pass, graph);
    return succeeded;
}

bool pipeline_run(
    Graph *graph, const char *text, PipelineOptions *options, Diagnostics *diagnostics) {
    if (options != NULL)
        options->report_count = 0;
    Arena *arena = arena_create();
    Pipeline pipeline;
    bool succeeded = parse_pipeline(text, &pipeline, arena, diagnostics);
    for (size_t i = 0; succeeded && i < pipeline.count; i++)
        succeeded = run_pass(graph, pipeline.passes[i], options, diagnostics);
    arena_destroy(arena);
    return succeeded;
}
