/* The files that are mutated. */
#include "backends/backends.h"
#include "frontend/frontend.h"
#include "frontend/onnx/import.h"
#include "ir/source_file.h"
#include "passes/passes.h"
#include "tests/fuzz/ncnn_seed.h"
#include "tests/fuzz/onnx_seed.h"
#include "tests/fuzz/picture_seeds.h"
#include "tests/fuzz/torch_seeds.h"
#include "tests/fuzz/work.h"

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
        work_fail(work, "a seed cannot be read");
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
        work_fail(&work, "a seed cannot be compiled");
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
        "merge-layout{most-channels=1000},O1,dead-code{keep-weights=true},lower-bias"};
    int count = 0;
    for (int level = 0; level < PIPELINE_LEVELS && count < most; level++)
        text_append(&seeds[count++], pipeline_preset(level));
    for (size_t i = 0; i < sizeof texts / sizeof *texts && count < most; i++)
        text_append(&seeds[count++], texts[i]);
    return count;
}

static int tuning_seeds(Text *seeds, int most) {
    if (most < 1)
        return 0;
    text_format(&seeds[0],
        "riffle tuning 1 for %s\n"
        "tile 116 outputs, 196 pixels, 116 taps: 14 pixels x 2 vectors # a comment\n\n"
        "link conv 1x1 58 -> 58 at 28x28, conv 3x3 58 -> 58 groups 58 at 28x28: joined\n",
        tuning_target);
    return 1;
}

int reader_seeds(ReaderKind kind, const char *examples, Text *seeds, int most) {
    if (kind == READER_SAFETENSORS)
        return safetensors_seeds(seeds, most);
    if (kind == READER_PTH)
        return torch_seeds(seeds, most);
    if (kind == READER_PIPELINE)
        return pipeline_seeds(seeds, most);
    if (kind == READER_TUNING)
        return tuning_seeds(seeds, most);
    if (kind == READER_PICTURE)
        return picture_seeds(seeds, most);
    if (kind == READER_RKIR)
        return rkir_seeds(seeds, most);
    if (kind == READER_RULES)
        return rules_seeds(examples, seeds, most);
    if (kind == READER_ONNX) {
        if (onnx_is_built_in() && most > 0)
            onnx_seed(&seeds[0]);
        return onnx_is_built_in() && most > 0 ? 1 : 0;
    }
    if (kind == READER_NCNN && most > 0)
        ncnn_seed(&seeds[0]);
    if (kind == READER_NCNN)
        return most > 0;
    static const char *const names[] = {
        "shufflenet_v1.rfl", "shufflenet_v2.rfl", "squeezenet.rfl", "detect/yunet.rfl"};
    int count = 0;
    Work work = work_begin();
    for (size_t i = 0; i <= sizeof names / sizeof *names; i++) {
        Text text = {0};
        const char *name = i < sizeof names / sizeof *names ? names[i] : "odd";
        if (i < sizeof names / sizeof *names) {
            const char *path = arena_format(work.arena, "%s/%s", examples, name);
            SourceFile *file = source_file_read(path, 1 << 20, NULL, work.arena, work.diagnostics);
            if (file == NULL)
                work_fail(&work, "an example is missing");
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
