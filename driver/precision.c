#include "driver/precision.h"

#include "driver/image.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { RANDOM_INPUTS = 8, LARGEST_WEIGHT = 127, LARGEST_WEIGHT_WITHOUT_VNNI = 64 };

/* Of layers that read floats, those with more pixels use their weights so often that halving them
 * gains less than widening them costs. */
enum { MOST_PIXELS = 12 };

static const char *const names[] = {
    [PRECISION_FP32] = "fp32", [PRECISION_INT8] = "int8", [PRECISION_BF16] = "bf16"};

const char *precision_name(Precision precision) {
    return names[precision];
}

bool precision_parse(Session *session, const char *name, Precision *precision) {
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(names[i], name) != 0)
            continue;
        *precision = (Precision)i;
        return true;
    }
    diagnostics_error(session->diagnostics, NULL,
        "'%s' is no value for --precision: give fp32, int8 or bf16", name);
    return false;
}

const char *precision_pass(const ModelOptions *options) {
    if (options->precision == PRECISION_FP32)
        return NULL;
    const Target *target = model_target(options);
    if (options->precision == PRECISION_BF16)
        return arena_format(options->session->arena, "bfloat16{values=%s,most-pixels=%d},dead-code",
            target != NULL && target->bf16 == BF16_FAST ? "true" : "false", MOST_PIXELS);
    bool vnni = target != NULL && target->dot_products;
    return arena_format(options->session->arena, "quantize{largest-weight=%d},dead-code",
        vnni ? LARGEST_WEIGHT : LARGEST_WEIGHT_WITHOUT_VNNI);
}

bool precision_has_target(const ModelOptions *options, const Target *target) {
    Session *session = options->session;
    if (options->precision != PRECISION_BF16 || target->bf16 != BF16_NONE)
        return true;
    diagnostics_error(session->diagnostics,
        arena_format(session->arena, "%s have it, and `--target native` where this machine does",
            target_names_with_bf16(session->arena)),
        "there is no code for bf16 on '%s'", options->target);
    return false;
}

/* ---- inputs ---- */

static bool has_picture_ending(const char *path) {
    static const char *const endings[] = {".jpg", ".jpeg", ".png", ".JPG", ".JPEG", ".PNG"};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (ends_with(path, endings[i]))
            return true;
    return false;
}

/* One picture, for every item of the batch. */
static bool read_picture(Tensors *tensors, const char *path, Session *session) {
    const Graph *graph = tensors->graph;
    const GraphInput *input = &graph->inputs[0];
    Image image;
    int64_t batch = input->value->type.dims[0];
    int64_t numbers = tensor_elements(&input->value->type) / batch;
    float *first = tensors_input(tensors, 0);
    if (!image_read(path, session, &image) || !image_prepare(&image, input, session, first))
        return false;
    for (int64_t i = 1; i < batch; i++)
        memcpy(first + i * numbers, first, (size_t)numbers * sizeof(float));
    return true;
}

/* A picture for a network with one image as input, else the raw float32 numbers of the only input.
 */
static bool read_inputs(Tensors *tensors, const char *path, Session *session) {
    if (tensors->graph->input_count != 1) {
        diagnostics_error(session->diagnostics, "--calibration random makes up all inputs",
            "a calibration file is for networks with one input; '%s' has %d", tensors->graph->name,
            tensors->graph->input_count);
        return false;
    }
    if (has_picture_ending(path))
        return read_picture(tensors, path, session);
    return tensors_read_inputs(tensors, &path, 1, session);
}

/* ---- calibration ---- */

/* What was seen of each channel, by value id: lows, then highs. */
typedef struct Calibration {
    const Graph *graph;
    Arena *arena;
    float **ranges;
} Calibration;

static void see_value(Calibration *calibration, const Value *value, const float *numbers) {
    const TensorType *type = &value->type;
    int64_t channels = type->dims[1], plane = type->rank == 4 ? type->dims[2] * type->dims[3] : 1;
    float *range = calibration->ranges[value->id];
    if (range == NULL) {
        range = calibration->ranges[value->id] =
            ARENA_ARRAY(calibration->arena, float, 2 * channels);
        for (int64_t c = 0; c < channels; c++) {
            range[c] = INFINITY;
            range[channels + c] = -INFINITY;
        }
    }
    for (int64_t i = 0; i < tensor_elements(type); i++) {
        int64_t channel = i / plane % channels;
        range[channel] = fminf(range[channel], numbers[i]);
        range[channels + channel] = fmaxf(range[channels + channel], numbers[i]);
    }
}

static void see_node(void *context, const Node *node, const float *const *results) {
    for (int i = 0; i < node->result_count; i++)
        see_value(context, node->results[i], results[i]);
}

/* The interpreter does not show inputs: they are converted to NCHW as it does it. */
static void see_input(Calibration *calibration, const GraphInput *input, const float *numbers) {
    const TensorType *type = &input->value->type;
    if (input->layout == LAYOUT_NCHW || type->rank != 4) {
        see_value(calibration, input->value, numbers);
        return;
    }
    int64_t channels = type->dims[1], plane = type->dims[2] * type->dims[3];
    float *planar = ARENA_ARRAY(calibration->arena, float, tensor_elements(type));
    for (int64_t i = 0; i < tensor_elements(type); i++) {
        int64_t image = i / (channels * plane), pixel = i / channels % plane, c = i % channels;
        planar[(image * channels + c) * plane + pixel] = numbers[i];
    }
    see_value(calibration, input->value, planar);
}

static bool see_inputs(Calibration *calibration, Tensors *tensors, Session *session) {
    const Graph *graph = calibration->graph;
    for (int i = 0; i < graph->input_count; i++)
        see_input(calibration, &graph->inputs[i], tensors->inputs[i]);
    return graph_interpret(
        graph, tensors->inputs, tensors->outputs, see_node, calibration, session->diagnostics);
}

static bool see_all(const ModelOptions *options, Calibration *calibration) {
    Session *session = options->session;
    Tensors tensors = {0};
    bool done = tensors_create(calibration->graph, 0, session, &tensors);
    for (size_t i = 0; done && i < options->calibration.count; i++)
        done = read_inputs(&tensors, options->calibration.paths[i], session) &&
               see_inputs(calibration, &tensors, session);
    for (uint64_t seed = 1; done && options->random_calibration && seed <= RANDOM_INPUTS; seed++) {
        tensors_randomize_inputs(&tensors, seed);
        done = see_inputs(calibration, &tensors, session);
    }
    tensors_free(&tensors);
    return done;
}

/* ---- ranges as nodes ---- */

static Weight *range_weight(
    Graph *graph, const Value *value, const char *name, const float *numbers) {
    const char *path = value->producer != NULL && value->producer->path[0] != '\0'
                           ? value->producer->path
                           : "value";
    int64_t channels = value->type.dims[1];
    float *data = ARENA_ARRAY(graph->arena, float, channels);
    memcpy(data, numbers, (size_t)channels * sizeof(float));
    return graph_add_computed_weight(
        graph, arena_format(graph->arena, "%s.%s", path, name), tensor_type(1, &channels), data);
}

/* Puts a range behind the value, before `position` (NULL: at the end). */
static void add_range(Graph *graph, Value *value, const float *range, Node *position) {
    Node *node = node_create(graph, OP_range, "", &value, 1, value->where);
    node->weights[0] = range_weight(graph, value, "low", range);
    node->weights[1] = range_weight(graph, value, "high", range + value->type.dims[1]);
    Diagnostics *diagnostics = diagnostics_create();
    (void)node_infer(graph, node, diagnostics); /* a range of a value of any type is one */
    diagnostics_destroy(diagnostics);
    graph_replace_uses(graph, value, node->results[0]);
    node->operands[0] = value;
    if (position != NULL)
        graph_insert_before(graph, position, node);
    else
        graph_append(graph, node);
}

static void add_ranges(Graph *graph, float *const *ranges) {
    Node *first = graph->first;
    for (Node *node = first, *next; node != NULL; node = next) {
        next = node->next;
        for (int i = 0; i < node->result_count; i++)
            if (node->results[i]->type.element == ELEMENT_F32)
                add_range(graph, node->results[i], ranges[node->results[i]->id], next);
    }
    for (int i = 0; i < graph->input_count; i++)
        add_range(graph, graph->inputs[i].value, ranges[graph->inputs[i].value->id], first);
}

/* What each value was on the calibration inputs, as nodes of the graph. */
static bool calibrate(const ModelOptions *options, Graph *graph) {
    Arena *scratch = arena_create();
    Calibration calibration = {.graph = graph, .arena = scratch};
    calibration.ranges = ARENA_ARRAY(scratch, float *, graph->next_value_id);
    bool done = see_all(options, &calibration);
    if (done)
        add_ranges(graph, calibration.ranges);
    arena_destroy(scratch);
    return done;
}

bool precision_apply(const ModelOptions *options, Graph *graph) {
    if (options->precision == PRECISION_FP32)
        return true;
    if (options->precision == PRECISION_INT8 && !calibrate(options, graph))
        return false;
    PipelineOptions pipeline = {.registry = options->registry, .verify_each = options->verify_each};
    return pipeline_run(graph, precision_pass(options), &pipeline, options->session->diagnostics);
}

/* ---- what it costs ---- */

static int64_t first_class(const float *numbers, int64_t count) {
    int64_t best = 0;
    for (int64_t i = 1; i < count; i++)
        if (numbers[i] > numbers[best])
            best = i;
    return best;
}

typedef struct Agreement {
    int64_t inputs, same;
    double largest_value, largest_difference;
} Agreement;

static void compare_outputs(
    const GraphOutput *output, const float *expected, const float *actual, Agreement *agreement) {
    int64_t batch = output->value->type.dims[0];
    int64_t count = tensor_elements(&output->value->type) / batch;
    for (int64_t n = 0; n < batch; n++) {
        agreement->inputs++;
        agreement->same +=
            first_class(expected + n * count, count) == first_class(actual + n * count, count);
    }
    for (int64_t i = 0; i < batch * count; i++) {
        double difference = fabs((double)expected[i] - (double)actual[i]);
        agreement->largest_value = fmax(agreement->largest_value, fabs((double)expected[i]));
        agreement->largest_difference = fmax(agreement->largest_difference, difference);
    }
}

bool precision_compare(Precision precision, const Graph *reference, const Graph *graph,
    const FileList *files, Session *session) {
    Tensors expected = {0}, actual = {0};
    Agreement agreement = {0};
    bool done = tensors_create(reference, 0, session, &expected) &&
                tensors_create(graph, 0, session, &actual);
    for (size_t i = 0; done && i < files->count; i++) {
        done = read_inputs(&expected, files->paths[i], session);
        for (int j = 0; done && j < graph->input_count; j++)
            memcpy(tensors_input(&actual, j), expected.inputs[j], expected.buffers[j].bytes);
        done =
            done &&
            graph_interpret(
                reference, expected.inputs, expected.outputs, NULL, NULL, session->diagnostics) &&
            graph_interpret(graph, actual.inputs, actual.outputs, NULL, NULL, session->diagnostics);
        if (done)
            compare_outputs(
                &reference->outputs[0], expected.outputs[0], actual.outputs[0], &agreement);
    }
    if (done)
        printf("%s and fp32 on %lld inputs: the same first class on %lld; largest difference %.3g, "
               "where the largest |value| is %.3g\n",
            precision_name(precision), (long long)agreement.inputs, (long long)agreement.same,
            agreement.largest_difference, agreement.largest_value);
    tensors_free(&expected);
    tensors_free(&actual);
    return done;
}
