/* The running of pipelines. */
#include "ir/clock.h"
#include "ir/name_map.h"
#include "ir/progress.h"
#include "passes/passes.h"

#include <string.h>

/* Biases are folded twice: those before a batch norm, and those after one that was folded. An
 * activation sinks before it is fused, and what is an addition's activation becomes the residual's;
 * element-wise ops that no layer took become one.
 * Rearranges that meet are merged before channels are routed, and again once a softmax no longer
 * lies between them. A transposed convolution takes all that before it is cut into others. */
#define REQUIRED "fold-bias,fold-batchnorm,fold-bias,lower-batchnorm,lower-bias"
#define FUSIONS "fold-pad,sink-activation,fuse-activation,fuse-residual,fuse-elements"
#define LOWERED "lower-conv-transpose"

static const char *const presets[PIPELINE_LEVELS] = {
    REQUIRED "," LOWERED ",dead-code",
    REQUIRED "," FUSIONS "," LOWERED ",dead-code",
    "simplify,common-subexpressions,merge-rearrange,merge-layout,sink-route," REQUIRED
    ",fold-space-to-depth"
    ",sink-upsample,sink-softmax,sink-activation,merge-rearrange,extract-route,merge-rearrange,"
    "sink-elements,merge-rearrange,split-convolution," FUSIONS "," LOWERED
    ",merge-layout,absorb-route,route-to-join,simplify,common-subexpressions,dead-code",
};

const char *pipeline_preset(int level) {
    if (level < 0)
        level = 0;
    return presets[level < PIPELINE_LEVELS ? level : PIPELINE_LEVELS - 1];
}

int pipeline_preset_level(const char *name) {
    bool named = name[0] == 'O' && name[1] >= '0' && name[1] < '0' + PIPELINE_LEVELS && !name[2];
    return named ? name[1] - '0' : -1;
}

static bool is_kept(const PassContext *context, const Node *node) {
    return context->kept != NULL && node != NULL && name_map_find(context->kept, node->path);
}

bool pass_may_rewrite(PassContext *context, const Node *node) {
    if (context->rewrites >= context->rewrite_limit || is_kept(context, node))
        return false;
    context->rewrites++;
    if (context->observer != NULL)
        context->observer(context->observer_context, context, node);
    return true;
}

void pass_missed(PassContext *context, const Node *node, const char *condition) {
    if (context->missed != NULL)
        context->missed(context->observer_context, context, node, (SourceRange){0}, condition);
}

/* The pass alone; adds its report. */
static bool run_pass(
    const PipelineStep *step, Graph *graph, PipelineOptions *options, Diagnostics *diagnostics) {
    PassContext context = {
        .graph = graph,
        .scratch = arena_create(),
        .diagnostics = diagnostics,
        .step = step,
        .rewrite_limit = step == options->limited_step ? options->rewrite_limit : INT64_MAX,
        .observer = options->rewriting,
        .missed = options->missed,
        .observer_context = options->context,
        .kept = options->kept,
    };
    PassReport report = {
        .step = step, .name = step->pass->name, .nodes_before = graph_node_count(graph)};
    double start = seconds_now();
    bool succeeded = step->pass->run(&context);
    graph_rest_weights(graph);
    report.seconds = seconds_now() - start;
    arena_destroy(context.scratch);
    report.rewrites = context.rewrites;
    report.nodes_after = graph_node_count(graph);
    if (options->report_count < options->report_capacity)
        options->reports[options->report_count++] = report;
    return succeeded;
}

static bool verify_after(const PipelineStep *step, const Graph *graph, Diagnostics *diagnostics) {
    if (graph_verify(graph, diagnostics))
        return true;
    Text name = {0};
    pipeline_step_name(step, &name);
    diagnostics_error(diagnostics, "this is a fault of the pass, please report it",
        "the graph is faulty after the pass '%s'", name.data);
    text_free(&name);
    return false;
}

static bool run_step(
    const PipelineStep *step, Graph *graph, PipelineOptions *options, Diagnostics *diagnostics) {
    if (options->before != NULL && !options->before(options->context, step, graph, diagnostics))
        return false;
    if (!run_pass(step, graph, options, diagnostics))
        return false;
    if (options->verify_each && !verify_after(step, graph, diagnostics))
        return false;
    return options->after == NULL || options->after(options->context, step, graph, diagnostics);
}

bool pipeline_execute(
    const Pipeline *pipeline, Graph *graph, PipelineOptions *options, Diagnostics *diagnostics) {
    PipelineOptions none = {0};
    if (options == NULL)
        options = &none;
    options->report_count = 0;
    options->failed_step = NULL;
    int work = progress_begin("pass", (int64_t)pipeline->count);
    for (size_t i = 0; i < pipeline->count && options->failed_step == NULL; i++) {
        progress_set((int64_t)i + 1);
        progress_detail(pipeline->steps[i].pass->name);
        if (!run_step(&pipeline->steps[i], graph, options, diagnostics))
            options->failed_step = &pipeline->steps[i];
    }
    progress_end(work);
    return options->failed_step == NULL;
}

bool pipeline_run(
    Graph *graph, const char *text, PipelineOptions *options, Diagnostics *diagnostics) {
    PipelineOptions none = {0};
    if (options == NULL)
        options = &none;
    options->report_count = 0;
    Arena *arena = arena_create();
    Pipeline *pipeline = pipeline_parse(text, options->registry, arena, diagnostics);
    bool succeeded = pipeline != NULL && pipeline_execute(pipeline, graph, options, diagnostics);
    for (int i = 0; i < options->report_count; i++)
        options->reports[i].step = NULL;
    options->failed_step = NULL;
    arena_destroy(arena);
    return succeeded;
}
