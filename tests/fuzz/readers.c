#include "tests/fuzz/readers.h"

#include "backends/backends.h"
#include "frontend/frontend.h"
#include "frontend/ncnn/import.h"
#include "frontend/onnx/import.h"
#include "passes/passes.h"
#include "tests/fuzz/work.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const reader_names[READER_COUNT] = {"spec", "json", "rir", "safetensors", "pth",
    "pipeline", "onnx", "ncnn", "tuning", "picture", "rkir", "rules"};

/* Larger networks are read and printed, but not compiled: that takes its time by right. */
enum { MOST_COMPILED_ELEMENTS = 100 * 1000, MOST_COMPILED_NODES = 200 };

Work work_begin(void) {
    return (Work){arena_create(), diagnostics_create()};
}

void work_end(Work *work) {
    diagnostics_destroy(work->diagnostics);
    arena_destroy(work->arena);
}

_Noreturn void work_fail(const Work *work, const char *what) {
    fprintf(stderr, "fault: %s\n", what);
    diagnostics_print(work->diagnostics, stderr);
    abort();
}

bool work_check(const Work *work, bool taken) {
    if (taken == (diagnostics_error_count(work->diagnostics) > 0))
        work_fail(
            work, taken ? "a file was taken in spite of errors" : "a file was refused in silence");
    return taken;
}

/* ---- what is done with a graph ---- */

static bool is_small(const Graph *graph) {
    int64_t elements = 0;
    int nodes = 0;
    for (const Weight *weight = graph->first_weight; weight; weight = weight->next) {
        int64_t count = tensor_elements(&weight->type);
        elements += count < MOST_COMPILED_ELEMENTS ? count : MOST_COMPILED_ELEMENTS;
    }
    for (int i = 0; i < graph->input_count; i++) {
        int64_t count = tensor_elements(&graph->inputs[i].value->type);
        elements += count < MOST_COMPILED_ELEMENTS ? count : MOST_COMPILED_ELEMENTS;
    }
    for (const Node *node = graph->first; node; node = node->next, nodes++) {
        for (int i = 0; i < node->result_count; i++) {
            int64_t count = tensor_elements(&node->results[i]->type);
            elements += count < MOST_COMPILED_ELEMENTS ? count : MOST_COMPILED_ELEMENTS;
        }
    }
    return elements < MOST_COMPILED_ELEMENTS && nodes < MOST_COMPILED_NODES;
}

/* Passes must keep a graph valid; lowering may refuse, but must say so. */
static void compile(Graph *graph, Work *work) {
    if (!graph_within_limits(graph, work->diagnostics))
        return;
    weights_randomize(graph, 1);
    PipelineOptions options = {.verify_each = true};
    if (!pipeline_run(graph, pipeline_preset(2), &options, work->diagnostics))
        work_fail(work, "a pass refuses or breaks a valid graph");
    const Target *target = target_find("x86-64-v3", work->arena, work->diagnostics);
    if (target == NULL)
        work_fail(work, "the target is unknown");
    Program *program =
        program_lower(graph, &(Compilation){.target = target}, work->arena, work->diagnostics);
    if (program == NULL && diagnostics_error_count(work->diagnostics) == 0)
        work_fail(work, "a graph was not lowered, without a message");
    program_destroy(program);
}

/* The text of a graph reads back as the same text. */
static void check_graph(Graph *graph, Work *work) {
    if (!graph_verify(graph, work->diagnostics))
        work_fail(work, "a reader returned a graph that does not verify");
    Text first = {0}, second = {0};
    graph_print(graph, &first);
    SourceFile file = {"printed", first.data, first.length};
    Graph *again = graph_parse(&file, work->arena, work->diagnostics);
    if (again == NULL)
        work_fail(work, "the text of a graph does not read back");
    graph_print(again, &second);
    if (strcmp(first.data, second.data) != 0)
        work_fail(work, "the text of a graph reads back as another");
    text_free(&first);
    text_free(&second);
    if (is_small(graph))
        compile(graph, work);
}

static bool finish(Graph *graph, Work *work) {
    bool taken = work_check(work, graph != NULL);
    if (taken)
        check_graph(graph, work);
    work_end(work);
    return taken;
}

/* ---- the readers ---- */

static bool try_spec(const Text *text, bool json) {
    Work work = work_begin();
    SourceFile file = {json ? "net.json" : "net.rfl", text->data, text->length};
    Spec *spec = json ? spec_parse_json(&file, work.arena, work.diagnostics)
                      : spec_parse(&file, work.arena, work.diagnostics);
    if (spec != NULL) {
        Text printed = {0};
        spec_print(spec, &printed);
        spec_print_json(spec, &printed);
        text_free(&printed);
    }
    return finish(
        spec == NULL ? NULL : spec_elaborate(spec, NULL, 0, work.arena, work.diagnostics), &work);
}

static bool try_rir(const Text *text) {
    Work work = work_begin();
    SourceFile file = {"net.rir", text->data, text->length};
    return finish(graph_parse(&file, work.arena, work.diagnostics), &work);
}

/* The text of a pipeline reads back as the same text. */
static bool try_pipeline(const Text *text) {
    Work work = work_begin();
    SourceFile file = {"pipeline", text->data, text->length};
    SourceRange all = {&file, 0, (uint32_t)text->length};
    Pipeline *pipeline = pipeline_parse_range(all, NULL, work.arena, work.diagnostics);
    bool taken = work_check(&work, pipeline != NULL);
    if (taken) {
        Text first = {0}, second = {0};
        pipeline_print(pipeline, 0, &first);
        text_append(&first, "");
        Pipeline *again = pipeline_parse(
            first.data != NULL ? first.data : "", NULL, work.arena, work.diagnostics);
        if (again == NULL || again->count != pipeline->count)
            work_fail(&work, "the text of a pipeline does not read back");
        pipeline_print(again, 0, &second);
        if (first.length > 0 && strcmp(first.data, second.data) != 0)
            work_fail(&work, "the text of a pipeline reads back as another");
        text_free(&first);
        text_free(&second);
    }
    work_end(&work);
    return taken;
}

/* The spec that is made of a model reads back. */
static void check_spec(const Graph *graph, Work *work) {
    Text printed = {0};
    graph_print_spec(graph, "Imported.", &printed);
    SourceFile file = {"net.rfl", printed.data, printed.length};
    Spec *spec = spec_parse(&file, work->arena, work->diagnostics);
    if (spec == NULL || spec_elaborate(spec, NULL, 0, work->arena, work->diagnostics) == NULL)
        work_fail(work, "the spec of an imported model does not read back");
    text_free(&printed);
}

static bool try_onnx(const Text *text) {
    Work work = work_begin();
    ImporterOptions options = {.name = "net", .batch = 1, .convert_precision = true};
    Graph *graph = onnx_import_bytes(
        "net.onnx", text->data, text->length, &options, work.arena, work.diagnostics);
    if (graph != NULL)
        check_spec(graph, &work);
    return finish(graph, &work);
}

/* The text up to a byte 0, and the weights behind it. */
static bool try_ncnn(const Text *file) {
    Work work = work_begin();
    const char *bytes = file->length > 0 ? file->data : "";
    const char *nul = memchr(bytes, '\0', file->length);
    size_t length = nul == NULL ? file->length : (size_t)(nul - bytes);
    size_t behind = nul == NULL ? length : length + 1;
    ImporterOptions options = {.name = "net"};
    NcnnBytes text = {"net.param", bytes, length},
              weights = {"net.bin", bytes + behind, file->length - behind};
    Graph *graph = ncnn_import_bytes(&text, &weights, &options, work.arena, work.diagnostics);
    if (graph != NULL)
        check_spec(graph, &work);
    return finish(graph, &work);
}

bool reader_try(ReaderKind kind, const Text *file) {
    switch (kind) {
    case READER_SPEC:
    case READER_JSON:
        return try_spec(file, kind == READER_JSON);
    case READER_RIR:
        return try_rir(file);
    case READER_SAFETENSORS:
    case READER_PTH: /* its first bytes tell its format */
        return try_weights(file);
    case READER_PIPELINE:
        return try_pipeline(file);
    case READER_ONNX:
        return try_onnx(file);
    case READER_NCNN:
        return try_ncnn(file);
    case READER_TUNING:
        return try_tuning(file);
    case READER_PICTURE:
        return try_picture(file);
    case READER_RKIR:
        return try_rkir(file);
    case READER_RULES:
        return try_rules(file);
    }
    abort();
}
