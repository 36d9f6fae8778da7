#include "check.h"

#include <string.h>

/* Random graphs have few channels and layers; what rounding makes of them was seen to stay below a
 * fifth of this. */
static const double rounding = 1e-5;

/* Passes that move data and compute nothing: no bit may change. */
static const char *const exact_passes[] = {
    "merge-layout", "common-subexpressions", "dead-code", "simplify", "sink-route", "fold-pad"};

static const char *text_of(const Graph *graph, Arena *arena) {
    Text text = {0};
    graph_print(graph, &text);
    const char *copy = arena_copy_string(arena, text.data);
    text_free(&text);
    return copy;
}

const char *check_round_trip(const Graph *graph, Arena *arena) {
    Diagnostics *diagnostics = diagnostics_create();
    const char *text = text_of(graph, arena), *fault = NULL;
    SourceFile file = {"random.rir", text, strlen(text)};
    Arena *scratch = arena_create();
    const Graph *copy = graph_parse(&file, scratch, diagnostics);
    if (copy == NULL)
        fault = arena_format(arena, "does not parse: %s", diagnostics_copy(diagnostics, arena));
    else if (strcmp(text_of(copy, scratch), text) != 0)
        fault = arena_format(arena, "text changes: it becomes\n%s", text_of(copy, scratch));
    arena_destroy(scratch);
    diagnostics_destroy(diagnostics);
    return fault;
}

/* ---- passes ---- */

static bool is_exact(const Pass *pass) {
    for (size_t i = 0; i < sizeof exact_passes / sizeof exact_passes[0]; i++)
        if (strcmp(exact_passes[i], pass->name) == 0)
            return true;
    return false;
}

static bool all_exact(const Pipeline *pipeline) {
    for (size_t i = 0; i < pipeline->count; i++)
        if (!is_exact(pipeline->steps[i].pass))
            return false;
    return true;
}

static bool did_nothing(const PipelineOptions *options) {
    for (int i = 0; i < options->report_count; i++)
        if (options->reports[i].rewrites > 0)
            return false;
    return true;
}

static const char *check_answer(
    const Oracle *oracle, const Graph *graph, double tolerance, Arena *arena) {
    Exactness exactness = {.tolerance = tolerance, .nan_vanishes = tolerance > 0};
    const char *fault = NULL;
    for (; oracle != NULL && fault == NULL; oracle = oracle->special) {
        float **outputs = make_outputs(graph, arena);
        fault = interpret(graph, oracle->inputs, outputs, NULL, arena);
        fault = fault != NULL ? arena_format(arena, "after the passes, %s", fault)
                              : compare_outputs(oracle, outputs, exactness, arena);
    }
    return fault;
}

/* A pass may refuse a graph, after saying so, when one of its options is not the default. */
static bool may_refuse(const PipelineStep *step) {
    Text text = {0};
    pipeline_step_print(step, &text);
    bool has_options = strchr(text.data, '{') != NULL;
    text_free(&text);
    return has_options;
}

static const char *after_passes(const Oracle *oracle, const Graph *graph, const Pipeline *pipeline,
    const PipelineOptions *options, Arena *arena) {
    if (did_nothing(options))
        return strcmp(text_of(graph, arena), text_of(oracle->graph, arena)) == 0
                   ? NULL
                   : "uncounted change: no rewrite was counted, but the graph is another";
    const char *fault = check_round_trip(graph, arena);
    return fault != NULL ? fault
                         : check_answer(oracle, graph, all_exact(pipeline) ? 0 : rounding, arena);
}

/* The graph after the pipeline. NULL, and *fault, when that fails; NULL alone when it is refused.
 */
static Graph *run_passes(
    const Oracle *oracle, const Check *check, const char **fault, Arena *arena) {
    Diagnostics *diagnostics = diagnostics_create();
    const Pipeline *pipeline = pipeline_parse(check->pipeline, check->registry, arena, diagnostics);
    Graph *graph = graph_copy(oracle->graph, arena);
    int steps = pipeline == NULL ? 0 : (int)pipeline->count;
    PipelineOptions options = {.verify_each = true,
        .reports = ARENA_ARRAY(arena, PassReport, steps + 1),
        .report_capacity = steps};
    bool good = pipeline != NULL && pipeline_execute(pipeline, graph, &options, diagnostics);
    bool refused = options.failed_step != NULL && may_refuse(options.failed_step);
    if (good)
        *fault = after_passes(oracle, graph, pipeline, &options, arena);
    else if (!refused || !graph_verify(graph, diagnostics))
        *fault = arena_format(arena, "pass fails: %s", diagnostics_copy(diagnostics, arena));
    diagnostics_destroy(diagnostics);
    return good && *fault == NULL ? graph : NULL;
}

const char *check_graph(const Oracle *oracle, const Check *check, Arena *arena) {
    Arena *scratch = arena_create();
    const char *fault = NULL;
    const Graph *graph = run_passes(oracle, check, &fault, scratch);
    if (graph != NULL && check->target != NULL)
        fault = check->target->gpu != NULL ? check_gpu(oracle, graph, check, scratch)
                                           : check_compiled(oracle, graph, check, scratch);
    if (fault != NULL)
        fault = arena_copy_string(arena, fault);
    arena_destroy(scratch);
    return fault;
}
