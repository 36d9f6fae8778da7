#include "tests/fuzz/readers.h"

#include "backends/backends.h"
#include "frontend/frontend.h"
#include "frontend/onnx/import.h"
#include "passes/passes.h"
#include "tests/fuzz/onnx_seed.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

const char *const reader_names[READER_COUNT] = {
    "spec", "json", "rir", "safetensors", "pipeline", "onnx"};

/* Larger networks are read and printed, but not compiled: that takes its time by right. */
enum { MOST_COMPILED_ELEMENTS = 100 * 1000, MOST_COMPILED_NODES = 200 };

typedef struct Work {
    Arena *arena;
    Diagnostics *diagnostics;
} Work;

static Work work_begin(void) {
    return (Work){arena_create(), diagnostics_create()};
}

static void work_end(Work *work) {
    diagnostics_destroy(work->diagnostics);
    arena_destroy(work->arena);
}

static _Noreturn void fail(const Work *work, const char *what) {
    fprintf(stderr, "fault: %s\n", what);
    diagnostics_print(work->diagnostics, stderr);
    abort();
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
        fail(work, "a pass refuses or breaks a valid graph");
    const Target *target = target_find("x86-64-v3", work->arena, work->diagnostics);
    if (target == NULL)
        fail(work, "the target is unknown");
    Program *program = program_lower(graph, target, work->arena, work->diagnostics);
    if (program == NULL && diagnostics_error_count(work->diagnostics) == 0)
        fail(work, "a graph was not lowered, without a message");
    program_destroy(program);
}

/* The text of a graph reads back as the same text. */
static void check_graph(Graph *graph, Work *work) {
    if (!graph_verify(graph, work->diagnostics))
        fail(work, "a reader returned a graph that does not verify");
    Text first = {0}, second = {0};
    graph_print(graph, &first);
    SourceFile file = {"printed", first.data, first.length};
    Graph *again = graph_parse(&file, work->arena, work->diagnostics);
    if (again == NULL)
        fail(work, "the text of a graph does not read back");
    graph_print(again, &second);
    if (strcmp(first.data, second.data) != 0)
        fail(work, "the text of a graph reads back as another");
    text_free(&first);
    text_free(&second);
    if (is_small(graph))
        compile(graph, work);
}

static bool finish(Graph *graph, Work *work) {
    bool taken = graph != NULL;
    if (taken == (diagnostics_error_count(work->diagnostics) > 0))
        fail(work, taken ? "a file was taken in spite of errors" : "a file was refused in silence");
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

/* The weights of the seed file below. */
static Graph *weighted_graph(Arena *arena, Diagnostics *diagnostics) {
    static const char text[] = "network n {\n"
                               "    input x: f32[1, 2, 4, 4]\n"
                               "    output y = x |> conv(3, 3) @ a.b |> batch_norm @ a.c\n"
                               "        |> global_avg_pool |> linear(2) @ d\n"
                               "}\n";
    SourceFile *file = ARENA_NEW(arena, SourceFile);
    *file = (SourceFile){"weighted", text, sizeof text - 1};
    return spec_elaborate(spec_parse(file, arena, diagnostics), NULL, 0, arena, diagnostics);
}

static bool try_safetensors(const Text *text) {
    Work work = work_begin();
    char path[64];
    int descriptor = memfd_create("weights", MFD_CLOEXEC);
    if (descriptor < 0 || write(descriptor, text->data, text->length) != (ssize_t)text->length)
        fail(&work, "cannot make a file in memory");
    snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
    Graph *graph = weighted_graph(work.arena, work.diagnostics);
    WeightFile *weights = weights_load(graph, path, work.diagnostics);
    bool taken = weights != NULL;
    if (taken == (diagnostics_error_count(work.diagnostics) > 0))
        fail(&work, "weights and errors do not agree");
    volatile float sum = 0; /* every number must be there to be read */
    for (Weight *weight = graph->first_weight; taken && weight; weight = weight->next)
        for (int64_t i = 0; i < tensor_elements(&weight->type); i++)
            sum = sum + weight->data[i];
    weights_close(weights);
    close(descriptor);
    work_end(&work);
    return taken;
}

/* The text of a pipeline reads back as the same text. */
static bool try_pipeline(const Text *text) {
    Work work = work_begin();
    SourceFile file = {"pipeline", text->data, text->length};
    SourceRange all = {&file, 0, (uint32_t)text->length};
    Pipeline *pipeline = pipeline_parse_range(all, NULL, work.arena, work.diagnostics);
    bool taken = pipeline != NULL;
    if (taken == (diagnostics_error_count(work.diagnostics) > 0))
        fail(&work, "pipeline and errors do not agree");
    if (taken) {
        Text first = {0}, second = {0};
        pipeline_print(pipeline, 0, &first);
        text_append(&first, "");
        Pipeline *again = pipeline_parse(
            first.data != NULL ? first.data : "", NULL, work.arena, work.diagnostics);
        if (again == NULL || again->count != pipeline->count)
            fail(&work, "the text of a pipeline does not read back");
        pipeline_print(again, 0, &second);
        if (first.length > 0 && strcmp(first.data, second.data) != 0)
            fail(&work, "the text of a pipeline reads back as another");
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
        fail(work, "the spec of an imported model does not read back");
    text_free(&printed);
}

static bool try_onnx(const Text *text) {
    Work work = work_begin();
    OnnxOptions options = {.name = "net", .batch = 1, .convert_precision = true};
    Graph *graph = onnx_import_bytes(
        "net.onnx", text->data, text->length, &options, work.arena, work.diagnostics);
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
        return try_safetensors(file);
    case READER_PIPELINE:
        return try_pipeline(file);
    case READER_ONNX:
        return try_onnx(file);
    }
    abort();
}

/* ---- seeds ---- */

/* Every construct of the language that the examples leave out. */
static const char odd_network[] =
    "network odd(size = [6, 7], batch = 2, deep = true) named \"odd_{batch}\" {\n"
    "    input x: f32[batch, 4, size] nhwc = pixels(scale = 1 / 255, mean = [1, 2, 3, 4])\n"
    "    input z: f32[batch, 4, size]\n"
    "    let a, b = split(x, [1, 3])\n"
    "    let parts = split(z, 2, interleaved = true)\n"
    "    x = concat(b, a, parts) |> shuffle(2, form = megvii) |> gather([7, 0, 0, 3, 2, 1])\n"
    "    x = if deep and not (batch > 3) then scaled(x) else x\n"
    "    x = x |> conv(6, 3, padding = [1, 2, 0, 1], dilation = [1, 2], groups = 2, bias = true)\n"
    "    repeat 2 { x = x + (x |> depthwise(3) |> relu6) |> hard_swish }\n"
    "    for i, c in enumerate([4, 6], from = 1) @ p{i} { x = x |> conv(c, 1) |> bias }\n"
    "    output y nhwc = x |> max_pool([2, 3], stride = 2, ceil = true) |> "
    "local_response_norm(size = 3)\n"
    "    output q = x |> avg_pool(3, count_padding = false) |> flatten |> linear(3) |> softmax\n"
    "}\n"
    "unit scaled(x) { return x * (x |> global_avg_pool |> hard_sigmoid) }\n";

static Graph *read_seed(
    const char *name, const Text *text, Work *work, const Setting *settings, size_t count) {
    SourceFile file = {name, text->data, text->length};
    Spec *spec = spec_parse(&file, work->arena, work->diagnostics);
    Graph *graph =
        spec == NULL ? NULL : spec_elaborate(spec, settings, count, work->arena, work->diagnostics);
    if (graph == NULL)
        fail(work, "a seed cannot be read");
    return graph;
}

static Text seed_of_spec(ReaderKind kind, const char *name, const Text *text) {
    Work work = work_begin();
    Text seed = {0};
    Graph *graph = read_seed(name, text, &work, NULL, 0);
    if (kind == READER_SPEC) {
        text_append_bytes(&seed, text->data, text->length);
    } else if (kind == READER_JSON) {
        SourceFile file = {name, text->data, text->length};
        spec_print_json(spec_parse(&file, work.arena, work.diagnostics), &seed);
    } else {
        graph_print(graph, &seed);
    }
    work_end(&work);
    return seed;
}

/* As above after all passes: route, fused activations, residuals. */
static Text seed_of_passes(const char *name, const Text *text) {
    Work work = work_begin();
    Text seed = {0};
    Graph *graph = read_seed(name, text, &work, NULL, 0);
    weights_randomize(graph, 1);
    PipelineOptions options = {0};
    if (!pipeline_run(graph, pipeline_preset(2), &options, work.diagnostics))
        fail(&work, "a seed cannot be compiled");
    graph_print(graph, &seed);
    work_end(&work);
    return seed;
}

static int safetensors_seeds(Text *seeds, int most) {
    if (most < 1)
        return 0;
    Work work = work_begin();
    Graph *graph = weighted_graph(work.arena, work.diagnostics);
    Text header = {0}, data = {0};
    text_append(&header, "{\"__metadata__\":{\"format\":\"pt\"}");
    for (const Weight *weight = graph->first_weight; weight; weight = weight->next) {
        text_format(&header, ",\"%s\":{\"dtype\":\"F32\",\"shape\":[", weight->path);
        for (int i = 0; i < weight->type.rank; i++)
            text_format(&header, i > 0 ? ",%lld" : "%lld", (long long)weight->type.dims[i]);
        size_t begin = data.length;
        for (int64_t i = 0; i < tensor_elements(&weight->type); i++)
            text_append_bytes(&data, &(float){0.5f}, sizeof(float));
        text_format(&header, "],\"data_offsets\":[%zu,%zu]}", begin, data.length);
    }
    text_append(&header, "}");
    uint64_t length = header.length;
    text_append_bytes(&seeds[0], &length, sizeof length);
    text_append_bytes(&seeds[0], header.data, header.length);
    text_append_bytes(&seeds[0], data.data, data.length);
    text_free(&header);
    text_free(&data);
    work_end(&work);
    return 1;
}

static int pipeline_seeds(Text *seeds, int most) {
    static const char *const texts[] = {
        " sink-activation { depth = 4 } ,\n dead-code{keep-weights}, simplify{}",
        "merge-layout{most-channels=1000},dead-code{keep-weights=true},lower-bias"};
    int count = 0;
    for (int level = 0; level < PIPELINE_LEVELS && count < most; level++)
        text_append(&seeds[count++], pipeline_preset(level));
    for (size_t i = 0; i < sizeof texts / sizeof *texts && count < most; i++)
        text_append(&seeds[count++], texts[i]);
    return count;
}

int reader_seeds(ReaderKind kind, const char *examples, Text *seeds, int most) {
    if (kind == READER_SAFETENSORS)
        return safetensors_seeds(seeds, most);
    if (kind == READER_PIPELINE)
        return pipeline_seeds(seeds, most);
    if (kind == READER_ONNX) {
        if (onnx_is_built_in() && most > 0)
            onnx_seed(&seeds[0]);
        return onnx_is_built_in() && most > 0 ? 1 : 0;
    }
    static const char *const names[] = {"shufflenet_v1.rfl", "shufflenet_v2.rfl", "squeezenet.rfl"};
    int count = 0;
    Work work = work_begin();
    for (size_t i = 0; i <= sizeof names / sizeof *names; i++) {
        Text text = {0};
        const char *name = i < sizeof names / sizeof *names ? names[i] : "odd";
        if (i < sizeof names / sizeof *names) {
            const char *path = arena_format(work.arena, "%s/%s", examples, name);
            SourceFile *file = source_file_read(path, 1 << 20, work.arena, work.diagnostics);
            if (file == NULL)
                fail(&work, "an example is missing");
            text_append_bytes(&text, file->text, file->length);
        } else {
            text_append(&text, odd_network);
        }
        if (count < most)
            seeds[count++] = seed_of_spec(kind, name, &text);
        if (count < most && kind == READER_RIR)
            seeds[count++] = seed_of_passes(name, &text);
        text_free(&text);
    }
    work_end(&work);
    return count;
}
