/* riffle run: the answer of a network for pictures or raw tensors, through the code that compile
 * would make, or through the interpreter. */
#include "backends/backends.h"
#include "backends/output/json_writer.h"
#include "driver/answer.h"
#include "driver/boxes_report.h"
#include "driver/draw.h"
#include "driver/frame.h"
#include "driver/image.h"
#include "driver/model.h"
#include "driver/tensors.h"
#include "ir/labels.h"
#include "ir/quote.h"
#include "ir/write_files.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    OPTION_IMAGE = 1000,
    OPTION_FRAME,
    OPTION_INPUT,
    OPTION_OUTPUT,
    OPTION_LABELS,
    OPTION_TOP,
    OPTION_INTERPRET,
    OPTION_THREADS,
    OPTION_JSON,
    OPTION_DRAW,
    OPTION_THRESHOLD,
    OPTION_OVERLAP,
    OPTION_ACROSS_CLASSES,
    DEFAULT_TOP = 5,
    MODEL_CHILDREN = 6 /* of the parser below that are of the model */
};

typedef struct PathList {
    const char **paths;
    size_t count;
} PathList;

typedef struct RunOptions {
    ModelOptions model;
    Session *session;
    PathList images, frames, inputs, outputs, drawings;
    FrameOptions frame;
    Image *pictures; /* as many as images or frames, once they were read */
    const char *labels;
    int64_t top; /* 0: not given */
    int64_t threads;
    bool interpret, json;
    BoxWishes boxes;
    const char *box_option; /* one that was given and is of boxes alone, or NULL */
} RunOptions;

static void add_path(RunOptions *options, PathList *list, const char *path, int most) {
    if (list->paths == NULL)
        list->paths = ARENA_ARRAY(options->session->arena, const char *, most);
    list->paths[list->count++] = path;
}

/* What the network is shown: pictures or frames. */
static const PathList *shown(const RunOptions *options) {
    return options->frames.count > 0 ? &options->frames : &options->images;
}

static bool check_frame_options(const RunOptions *options) {
    const FrameOptions *frame = &options->frame;
    Diagnostics *diagnostics = options->session->diagnostics;
    if (options->frames.count == 0 && frame->option != NULL)
        diagnostics_error(diagnostics, NULL, "%s is for --frame", frame->option);
    else if (options->frames.count > 0 && (!frame->has_format || frame->width == 0))
        diagnostics_error(diagnostics, "as in --format nv21 --frame-size 640x480",
            "--frame needs %s", frame->has_format ? "--frame-size" : "--format");
    else
        return true;
    return false;
}

static error_t check_options(const RunOptions *options) {
    Diagnostics *diagnostics = options->session->diagnostics;
    size_t pictures = shown(options)->count;
    if (pictures > 0 && options->inputs.count > 0)
        diagnostics_error(diagnostics, NULL, "--%s and --input exclude each other",
            options->frames.count > 0 ? "frame" : "image");
    else if (options->images.count > 0 && options->frames.count > 0)
        diagnostics_error(diagnostics, NULL, "--image and --frame exclude each other");
    else if (pictures == 0 && options->inputs.count == 0)
        diagnostics_error(diagnostics,
            "give --image FILE, or --input FILE with raw float32 numbers",
            "there is nothing to run the network on");
    else if (options->drawings.count > pictures)
        diagnostics_error(diagnostics, "boxes are drawn into the pictures of --image",
            "%zu files were given with --draw for %zu pictures", options->drawings.count, pictures);
    else if (!check_frame_options(options))
        return EINVAL;
    else if (options->interpret && model_runner(&options->model) != NULL)
        diagnostics_error(diagnostics, NULL, "--interpret and --runner exclude each other");
    else
        return 0;
    return EINVAL;
}

static error_t parse_box_option(int key, char *argument, struct argp_state *state) {
    RunOptions *options = state->input;
    bool good = true;
    if (key == OPTION_ACROSS_CLASSES)
        options->boxes.across_classes = true;
    else if (key == OPTION_DRAW)
        add_path(options, &options->drawings, argument, state->argc);
    else if (key == OPTION_THRESHOLD)
        good = option_number(
            options->session, "--threshold", argument, 0, 1, &options->boxes.threshold);
    else
        good =
            option_number(options->session, "--overlap", argument, 0, 1, &options->boxes.overlap);
    options->box_option = key == OPTION_ACROSS_CLASSES ? "--across-classes"
                          : key == OPTION_DRAW         ? "--draw"
                          : key == OPTION_THRESHOLD    ? "--threshold"
                                                       : "--overlap";
    return good ? 0 : EINVAL;
}

static error_t parse_option(int key, char *argument, struct argp_state *state) {
    RunOptions *options = state->input;
    Session *session = options->session;
    switch (key) {
    case OPTION_DRAW:
    case OPTION_THRESHOLD:
    case OPTION_OVERLAP:
    case OPTION_ACROSS_CLASSES:
        return parse_box_option(key, argument, state);
    case ARGP_KEY_INIT:
        model_options_init(state, &options->model, MODEL_CHILDREN);
        state->child_inputs[MODEL_CHILDREN] = &options->frame;
        return 0;
    case OPTION_IMAGE:
        add_path(options, &options->images, argument, state->argc);
        return 0;
    case OPTION_FRAME:
        add_path(options, &options->frames, argument, state->argc);
        return 0;
    case OPTION_INPUT:
        add_path(options, &options->inputs, argument, state->argc);
        return 0;
    case OPTION_OUTPUT:
        add_path(options, &options->outputs, argument, state->argc);
        return 0;
    case OPTION_LABELS:
        options->labels = argument;
        return 0;
    case OPTION_TOP:
        return option_integer(session, "--top", argument, 1, 1000000, &options->top) ? 0 : EINVAL;
    case OPTION_THREADS:
        return option_integer(session, "--threads", argument, 1, 1024, &options->threads) ? 0
                                                                                          : EINVAL;
    case OPTION_INTERPRET:
        options->interpret = true;
        return 0;
    case OPTION_JSON:
        options->json = true;
        return 0;
    case ARGP_KEY_END:
        return check_options(options);
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option options_table[] = {
    {"image", OPTION_IMAGE, "FILE", 0,
        "Run on a JPEG or PNG picture, prepared as the spec says; once for each picture of a batch",
        0},
    {"frame", OPTION_FRAME, "FILE", 0,
        "Run on the bytes of a camera's frame, prepared as the library does", 0},
    {"input", OPTION_INPUT, "FILE", 0,
        "Run on raw little-endian float32 numbers; once for each input of the network, in order",
        0},
    {"output", OPTION_OUTPUT, "FILE", 0,
        "Write an output as raw float32 numbers; once for each output, in order", 0},
    {"labels", OPTION_LABELS, "FILE", 0, "Names of the classes, one a line", 0},
    {"top", OPTION_TOP, "N", 0, "Print the N most probable classes (default 5)", 0},
    {"draw", OPTION_DRAW, "FILE", 0,
        "Draw the boxes of a detector into the picture, as PNG; once for each --image or --frame",
        0},
    {"threshold", OPTION_THRESHOLD, "SCORE", 0,
        "Leave out boxes that are less certain (default 0.5)", 0},
    {"overlap", OPTION_OVERLAP, "SHARE", 0,
        "Leave out boxes that share more of their union with a better one of the same class "
        "(default 0.45)",
        0},
    {"across-classes", OPTION_ACROSS_CLASSES, NULL, 0, "With --overlap: a better one of any class",
        0},
    {"interpret", OPTION_INTERPRET, NULL, 0,
        "Use the interpreter: slow, exact, and there without LLVM", 0},
    {"threads", OPTION_THREADS, "N", 0, "Share the run out to this many threads (default 1)", 0},
    {"json", OPTION_JSON, NULL, 0,
        "Print JSON: the outputs' numbers, and the best classes or the boxes of each picture", 0},
    {0}};

static const struct argp_child children[] = {{&spec_argp, 0, NULL, 0}, {&weights_argp, 0, NULL, 0},
    {&passes_argp, 0, NULL, 0}, {&target_argp, 0, NULL, 0}, {&backend_argp, 0, NULL, 0},
    {&runner_argp, 0, NULL, 0}, {&frame_argp, 0, NULL, 0}, {0}};

static const struct argp argp = {.options = options_table,
    .parser = parse_option,
    .args_doc = "SPEC",
    .doc =
        "Runs a network on this machine and prints the most probable classes: index, name and "
        "probability. Probabilities are the softmax of the first output, or the output itself "
        "where the network ends with softmax. A detector, whose spec has an 'answer', prints its "
        "boxes: class, name, score, left, top, right and bottom in pixels of the picture, then x "
        "and y of each landmark.\v"
        "The interpreter runs the network as written; -O or --passes make it run the network "
        "after passes.\n"
        "\n"
        "Where an output holds NaN, the answer is given, stderr says so, and the exit status is "
        "3 (1: something failed, 2: the command line is wrong).\n"
        "\n"
        "Examples:\n"
        "  riffle run examples/shufflenet_v2.rfl --weights w.safetensors \\\n"
        "      --image dog.jpg --labels imagenet_classes.txt --top 5\n"
        "  riffle run examples/detect/yunet.rfl --weights w.safetensors \\\n"
        "      --image people.jpg --draw faces.png --threshold 0.7\n"
        "  riffle run net.rfl --weights w.safetensors --frame camera.nv21 \\\n"
        "      --format nv21 --frame-size 640x480\n"
        "  riffle run net.rfl --weights w.safetensors --input x.f32 --output logits.f32\n",
    .children = children};

/* ---- inputs ---- */

static bool read_images(const RunOptions *options, Tensors *tensors) {
    Session *session = options->session;
    const Graph *graph = tensors->graph;
    if (graph->input_count != 1) {
        diagnostics_error(session->diagnostics, "give the numbers of all with --input",
            "--%s works for networks with one input; '%s' has %d",
            options->frames.count > 0 ? "frame" : "image", graph->name, graph->input_count);
        return false;
    }
    const GraphInput *input = &graph->inputs[0];
    int64_t batch = input->value->type.dims[0];
    const PathList *pictures = shown(options);
    if ((int64_t)pictures->count != batch) {
        diagnostics_error(session->diagnostics,
            options->frames.count > 0 ? "repeat --frame, or set the batch with --set"
                                      : "repeat --image, or set the batch with --set",
            "%zu pictures were given where the batch is %lld", pictures->count, (long long)batch);
        return false;
    }
    int64_t bytes = tensor_elements(&input->value->type) / batch *
                    element_type_bytes(input->value->type.element);
    unsigned char *data = tensors_input(tensors, 0);
    for (int64_t i = 0; i < batch; i++) {
        Image *image = &options->pictures[i];
        bool read = options->frames.count > 0 ? frame_read(pictures->paths[i], &options->frame,
                                                    input->value->type.dims[1] == 1 ? 1 : 3, image)
                                              : image_read(pictures->paths[i], session, image);
        if (!read || !image_prepare(image, input, session, data + i * bytes))
            return false;
    }
    return true;
}

static bool fill_inputs(const RunOptions *options, Tensors *tensors) {
    if (shown(options)->count > 0)
        return read_images(options, tensors);
    return tensors_read_inputs(
        tensors, options->inputs.paths, options->inputs.count, options->session);
}

/* ---- outputs ---- */

typedef struct Result {
    const Graph *graph;
    float *const *outputs;
    const Labels *labels; /* or NULL */
    int64_t top;
    const Boxes *boxes; /* of each picture of the batch; NULL where the network has no answer */
} Result;

static void print_answers(
    const RunOptions *options, const Result *result, int64_t item, JsonWriter *json) {
    const GraphOutput *output = &result->graph->outputs[0];
    int64_t classes = output->value->type.dims[1];
    int64_t top = result->top < classes ? result->top : classes;
    Answer *answers = ARENA_ARRAY(options->session->arena, Answer, top);
    int64_t count = best_answers(
        output, result->outputs[0] + item * classes, top, options->session->arena, answers);
    for (int64_t i = 0; i < count; i++) {
        long long index = (long long)answers[i].class_index;
        const char *name = result->labels == NULL ? NULL : result->labels->names[index];
        if (json == NULL) {
            const char *shown = name == NULL ? "" : quote_copy(options->session->arena, name);
            printf(
                "%lld %s%s%.3f\n", index, shown, name == NULL ? "" : " ", answers[i].probability);
            continue;
        }
        json_write_object(json, NULL, JSON_INLINE);
        json_write_integer(json, "class", index);
        if (name != NULL)
            json_write_string(json, "label", name);
        json_write_number(json, "probability", answers[i].probability);
        json_write_object_end(json);
    }
}

static void print_text(const RunOptions *options, const Result *result) {
    const GraphOutput *output = &result->graph->outputs[0];
    int64_t batch = output->value->type.dims[0];
    for (int64_t item = 0; item < batch; item++) {
        if (batch > 1 && shown(options)->count > 0)
            printf("%s:\n", quote_copy(options->session->arena, shown(options)->paths[item]));
        else if (batch > 1)
            printf("item %lld of the batch:\n", (long long)item);
        if (result->boxes != NULL)
            boxes_print(&result->boxes[item], result->labels, options->session->arena);
        else
            print_answers(options, result, item, NULL);
    }
}

static int64_t count_nan(const Result *result, int index) {
    int64_t elements = tensor_elements(&result->graph->outputs[index].value->type), count = 0;
    for (int64_t i = 0; i < elements; i++)
        count += isnan(result->outputs[index][i]);
    return count;
}

/* The status of a run whose answer is given: NaN is told from numbers there too. */
static int report_nan(const RunOptions *options, const Result *result) {
    int status = EXIT_DONE;
    for (int i = 0; i < result->graph->output_count; i++) {
        const GraphOutput *output = &result->graph->outputs[i];
        int64_t count = count_nan(result, i);
        if (count == 0)
            continue;
        diagnostics_error(options->session->diagnostics, NULL,
            "output '%s' holds NaN: %lld of its %lld numbers", output->name, (long long)count,
            (long long)tensor_elements(&output->value->type));
        status = EXIT_NAN;
    }
    return status;
}

static void write_json_outputs(JsonWriter *json, const Result *result) {
    json_write_array(json, "outputs", JSON_LINES);
    for (int i = 0; i < result->graph->output_count; i++) {
        const GraphOutput *output = &result->graph->outputs[i];
        json_write_object(json, NULL, JSON_LINES);
        json_write_string(json, "name", output->name);
        json_write_shape(json, "shape", &output->value->type);
        json_write_integer(json, "nan_count", count_nan(result, i));
        json_write_array(json, "values", JSON_INLINE);
        for (int64_t j = 0; j < tensor_elements(&output->value->type); j++)
            json_write_float(json, NULL, result->outputs[i][j]);
        json_write_array_end(json);
        json_write_object_end(json);
    }
    json_write_array_end(json);
}

static void append_json(const RunOptions *options, const Result *result, Text *text) {
    JsonWriter json = {.out = text};
    const GraphOutput *output = &result->graph->outputs[0];
    json_write_object(&json, NULL, JSON_LINES);
    json_write_string(&json, "name", result->graph->name);
    if (result->boxes != NULL) {
        json_write_array(&json, "boxes", JSON_LINES); /* likewise */
        for (int64_t item = 0; item < output->value->type.dims[0]; item++)
            boxes_write_json(&result->boxes[item], result->labels, &json);
        json_write_array_end(&json);
    } else if (output_is_classes(output)) {
        json_write_array(&json, "top", JSON_LINES); /* one list for each item of the batch */
        for (int64_t item = 0; item < output->value->type.dims[0]; item++) {
            json_write_array(&json, NULL, JSON_LINES);
            print_answers(options, result, item, &json);
            json_write_array_end(&json);
        }
        json_write_array_end(&json);
    }
    write_json_outputs(&json, result);
    json_write_object_end(&json);
    json_write_end(&json);
}

/* All outputs and drawings, or none. */
static bool write_results(const RunOptions *options, const Result *result) {
    size_t outputs = options->outputs.count, count = outputs + options->drawings.count, failed = 0;
    Arena *arena = options->session->arena;
    FileToWrite *files = ARENA_ARRAY(arena, FileToWrite, count);
    Text *contents = ARENA_ARRAY(arena, Text, count);
    for (size_t i = 0; i < outputs; i++) {
        text_append_bytes(&contents[i], result->outputs[i],
            4 * (size_t)tensor_elements(&result->graph->outputs[i].value->type));
        files[i] = (FileToWrite){.path = options->outputs.paths[i], .contents = &contents[i]};
    }
    for (size_t i = outputs; i < count; i++) {
        const Image *picture = &options->pictures[i - outputs];
        draw_boxes(picture, &result->boxes[i - outputs]);
        image_write_png(picture, &contents[i]);
        files[i] =
            (FileToWrite){.path = options->drawings.paths[i - outputs], .contents = &contents[i]};
    }
    int error = write_files(files, count, &failed);
    if (error != 0)
        report_unwritten(options->session->diagnostics, files[failed].path, error);
    for (size_t i = 0; i < count; i++)
        text_free(&contents[i]);
    return error == 0;
}

static bool check_box_wishes(const RunOptions *options, const Graph *graph) {
    Diagnostics *diagnostics = options->session->diagnostics;
    if (graph->answer == NULL && options->box_option != NULL)
        diagnostics_error(diagnostics,
            "write 'answer NAME = ...' into the spec: docs/detect.md tells how",
            "%s is for networks that answer with boxes, and '%s' has no answer",
            options->box_option, graph->name);
    else if (graph->answer != NULL && options->top > 0)
        diagnostics_error(diagnostics, "--threshold says how certain a box must be",
            "--top is for networks that answer with classes, and '%s' answers with boxes",
            graph->name);
    else
        return true;
    return false;
}

/* What must hold before the network runs, so that no time is lost on an answer that cannot be
 * given. */
static bool check_wishes(const RunOptions *options, const Graph *graph, Labels *labels) {
    Diagnostics *diagnostics = options->session->diagnostics;
    const GraphOutput *output = &graph->outputs[0];
    if (options->outputs.count > (size_t)graph->output_count) {
        diagnostics_error(diagnostics, NULL,
            "%zu files were given with --output where the network "
            "has %d outputs",
            options->outputs.count, graph->output_count);
        return false;
    }
    if (!check_box_wishes(options, graph))
        return false;
    bool wants_classes =
        graph->answer == NULL && (options->top > 0 || options->labels != NULL ||
                                     (options->outputs.count == 0 && !options->json));
    if (wants_classes && !output_is_classes(output)) {
        diagnostics_error(diagnostics, "write it with --output FILE or --json",
            "output '%s' holds no classes to print", output->name);
        return false;
    }
    if (options->labels != NULL)
        return labels_read(options->labels, graph_classes(graph), options->session, labels);
    if (graph->labels != NULL)
        *labels = (Labels){graph->labels->names, graph->labels->count};
    return true;
}

static int give_results(
    const RunOptions *options, const Graph *graph, const Labels *labels, const Tensors *tensors) {
    Result result = {.graph = graph,
        .outputs = tensors->outputs,
        .labels = labels->names == NULL ? NULL : labels,
        .top = options->top > 0 ? options->top : DEFAULT_TOP,
        .boxes = graph->answer == NULL ? NULL
                                       : boxes_of_batch(graph, tensors->outputs,
                                             shown(options)->count == 0 ? NULL : options->pictures,
                                             options->boxes, options->session->arena)};
    bool prints = options->outputs.count == 0 || options->top > 0 || options->labels != NULL ||
                  options->box_option != NULL;
    Text json = {0};
    if (options->json)
        append_json(options, &result, &json);
    /* Before anything is printed: where the files cannot be made there is no answer. */
    bool written = write_results(options, &result);
    if (written && options->json)
        fwrite(json.data, 1, json.length, stdout);
    else if (written && prints)
        print_text(options, &result);
    text_free(&json);
    return written ? report_nan(options, &result) : EXIT_FAILED;
}

/* ---- the two ways to run ---- */

static int interpret(const RunOptions *options, CompiledModel *compiled, Tensors *tensors) {
    Session *session = options->session;
    Model *model = &compiled->model;
    Labels labels = {0};
    if (!model_read(&options->model, model) || !check_wishes(options, model->graph, &labels) ||
        !model_load_weights(&options->model, model))
        return EXIT_FAILED;
    const Graph *as_written = graph_copy(model->graph, session->arena);
    if (model_passes_given(&options->model) && !model_run_passes(&options->model, model))
        return EXIT_FAILED;
    bool done = tensors_create(model->graph, 0, session, tensors) &&
                fill_inputs(options, tensors) &&
                graph_interpret(model->graph, tensors->inputs, tensors->outputs, NULL, NULL,
                    session->diagnostics) &&
                weights_check(model->weight_file, session->diagnostics);
    return done ? give_results(options, as_written, &labels, tensors) : EXIT_FAILED;
}

static bool run_loaded(const RunOptions *options, const CompiledModel *compiled,
    const LoadedModel *loaded, Tensors *tensors) {
    Session *session = options->session;
    riffle_pool *pool;
    if (!model_pool(&options->model, options->threads, &pool))
        return false;
    int64_t workspace = program_summary(compiled->program).workspace_bytes;
    bool done = tensors_create(compiled->model.graph, workspace, session, tensors) &&
                fill_inputs(options, tensors) && tensors_run(tensors, loaded, pool, session) &&
                tensors_check_guards(tensors, session);
    riffle_pool_destroy(pool);
    return done;
}

static int run_compiled(const RunOptions *options, CompiledModel *compiled, Tensors *tensors) {
    Labels labels = {0};
    if (!model_compile(&options->model, true, compiled) ||
        !check_wishes(options, compiled->as_written, &labels))
        return EXIT_FAILED;
    LoadedModel *loaded = jit_load(compiled->program, options->session->diagnostics);
    if (loaded == NULL)
        return EXIT_FAILED;
    int status = run_loaded(options, compiled, loaded, tensors)
                     ? give_results(options, compiled->as_written, &labels, tensors)
                     : EXIT_FAILED;
    jit_unload(loaded);
    return status;
}

int command_run(int argc, char **argv) {
    Session session = session_begin();
    RunOptions options = {.session = &session, .threads = 1, .boxes = {0.5, 0.45, false}};
    options.model = model_options(&session, "native");
    options.frame.session = &session;
    if (!command_line_parse(&argp, argc, argv, &options, &session))
        return session_finish(&session, EXIT_USAGE);
    options.model.runner.threads = (int)options.threads;
    options.pictures = ARENA_ARRAY(session.arena, Image, shown(&options)->count);
    CompiledModel compiled = {0};
    Tensors tensors = {0};
    int status = options.interpret ? interpret(&options, &compiled, &tensors)
                                   : run_compiled(&options, &compiled, &tensors);
    tensors_free(&tensors);
    compiled_model_close(&compiled);
    return session_finish(&session, status);
}
