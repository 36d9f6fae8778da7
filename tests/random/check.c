#include "check.h"

#include "frontend/frontend.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Random graphs have few channels and layers; what rounding makes of them was seen to stay below a
 * fifth of this. */
static const double rounding = 1e-5;

/* Passes that move data and compute nothing: no bit may change. */
static const char *const exact_passes[] = {
    "merge-layout", "common-subexpressions", "dead-code", "simplify", "sink-route", "fold-pad"};

bool fault_alike(const char *a, const char *b) {
    size_t length = strcspn(a, ":");
    return strcspn(b, ":") == length && strncmp(a, b, length) == 0;
}

const char *diagnostics_copy(const Diagnostics *diagnostics, Arena *arena) {
    char *data = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&data, &length);
    if (stream == NULL)
        abort();
    diagnostics_print(diagnostics, stream);
    fclose(stream);
    const char *copy = arena_copy_string(arena, data);
    free(data);
    return copy;
}

/* ---- the oracle ---- */

static const char *text_of(const Graph *graph, Arena *arena) {
    Text text = {0};
    graph_print(graph, &text);
    const char *copy = arena_copy_string(arena, text.data);
    text_free(&text);
    return copy;
}

static const char *check_round_trip(const Graph *graph, Arena *arena) {
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

/* Uniform in [-2, 2), and every eighth four times as large: both sides of the corners of all
 * activations are met. */
static float next_input(uint64_t *state) {
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    float number = (float)(*state >> 40) * 0x1p-22f - 2.0f;
    return (*state >> 32) % 8 == 0 ? 4 * number : number;
}

static size_t bytes_of(const TensorType *type) {
    return (size_t)tensor_elements(type) * sizeof(float);
}

static const float **make_inputs(const Graph *graph, uint64_t seed, Arena *arena) {
    const float **inputs = ARENA_ARRAY(arena, const float *, graph->input_count + 1);
    for (int i = 0; i < graph->input_count; i++) {
        size_t bytes = bytes_of(&graph->inputs[i].value->type);
        float *input = guarded_allocate(bytes);
        for (size_t k = 0; k < bytes / sizeof(float); k++)
            input[k] = next_input(&seed);
        inputs[i] = input;
    }
    return inputs;
}

static float **make_outputs(const Graph *graph, Arena *arena) {
    float **outputs = ARENA_ARRAY(arena, float *, graph->output_count + 1);
    for (int i = 0; i < graph->output_count; i++)
        outputs[i] = ARENA_ARRAY(arena, float, tensor_elements(&graph->outputs[i].value->type));
    return outputs;
}

static const char *find_no_number(const Oracle *oracle, Arena *arena) {
    for (int i = 0; i < oracle->graph->output_count; i++) {
        int64_t count = tensor_elements(&oracle->graph->outputs[i].value->type);
        for (int64_t k = 0; k < count; k++)
            if (!isfinite(oracle->expected[i][k]))
                return arena_format(arena, "no number: output %d of the graph itself", i);
    }
    return NULL;
}

Oracle *oracle_create(Graph *graph, uint64_t seed, Arena *arena, const char **fault) {
    Diagnostics *diagnostics = diagnostics_create();
    Oracle *oracle = ARENA_NEW(arena, Oracle);
    *oracle = (Oracle){.graph = graph, .seed = seed};
    if (!graph_verify(graph, diagnostics))
        *fault = arena_format(arena, "verifier: %s", diagnostics_copy(diagnostics, arena));
    else
        *fault = check_round_trip(graph, arena);
    if (*fault == NULL) {
        weights_randomize(graph, seed);
        oracle->inputs = make_inputs(graph, seed, arena);
        oracle->expected = make_outputs(graph, arena);
        if (!graph_interpret(graph, oracle->inputs, oracle->expected, NULL, NULL, diagnostics))
            *fault = arena_format(arena, "interpreter: %s", diagnostics_copy(diagnostics, arena));
        else
            *fault = find_no_number(oracle, arena);
    }
    diagnostics_destroy(diagnostics);
    if (*fault == NULL)
        return oracle;
    oracle_destroy(oracle);
    return NULL;
}

void oracle_destroy(Oracle *oracle) {
    for (int i = 0; oracle != NULL && oracle->inputs != NULL && i < oracle->graph->input_count; i++)
        guarded_free((void *)(uintptr_t)oracle->inputs[i]);
}

/* ---- comparing ---- */

const char *compare_outputs(
    const Oracle *oracle, float *const *outputs, double tolerance, Arena *arena) {
    const Graph *graph = oracle->graph;
    for (int i = 0; i < graph->output_count; i++) {
        int64_t count = tensor_elements(&graph->outputs[i].value->type);
        double largest = 0, difference = 0;
        for (int64_t k = 0; k < count; k++) {
            double expected = (double)oracle->expected[i][k];
            double distance = fabs((double)outputs[i][k] - expected);
            largest = fmax(largest, fabs(expected));
            if (!(distance <= difference)) /* a NaN stays */
                difference = distance;
        }
        double small = tolerance == 0 ? 0 : 1e-6; /* sums that are zero but for rounding */
        if (!(difference <= small + tolerance * largest))
            return arena_format(arena, "difference: output '%s' differs by %g, its largest is %g",
                graph->outputs[i].name, difference, largest);
    }
    return NULL;
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
    Diagnostics *diagnostics = diagnostics_create();
    const char *fault = NULL;
    float **outputs = make_outputs(graph, arena);
    if (!graph_interpret(graph, oracle->inputs, outputs, NULL, NULL, diagnostics))
        fault = arena_format(
            arena, "interpreter: after the passes: %s", diagnostics_copy(diagnostics, arena));
    else
        fault = compare_outputs(oracle, outputs, tolerance, arena);
    diagnostics_destroy(diagnostics);
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
        fault = check_compiled(oracle, graph, check, scratch);
    if (fault != NULL)
        fault = arena_copy_string(arena, fault);
    arena_destroy(scratch);
    return fault;
}
