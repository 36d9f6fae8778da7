#include "driver/calibration.h"

#include "driver/calibration_moments.h"
#include "driver/image.h"
#include "ir/progress.h"

#include <math.h>
#include <string.h>

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
    size_t bytes = (size_t)(tensor_elements(&input->value->type) / batch *
                            element_type_bytes(input->value->type.element));
    unsigned char *first = tensors_input(tensors, 0);
    if (!image_read(path, session, &image) || !image_prepare(&image, input, session, first))
        return false;
    for (int64_t i = 1; i < batch; i++)
        memcpy(first + (size_t)i * bytes, first, bytes);
    return true;
}

bool calibration_read(Tensors *tensors, const char *path, Session *session) {
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

/* ---- what was seen ---- */

/* Magnitudes are counted by their first bits: 8 of the exponent and 4 of the mantissa, so that a
 * bucket's upper edge is at most 1/16 above what is in it. */
enum { RANDOM_INPUTS = 8, BUCKETS = 1 << 12, BUCKET_SHIFT = 31 - 12 };

typedef struct LayerReader {
    Node *layer;
    WindowMoments *moments;
    struct LayerReader *next;
} LayerReader;

typedef struct Calibration {
    const Graph *graph;
    Arena *arena;
    Diagnostics *diagnostics;
    float **ranges;       /* by value id: lows of the channels, then highs */
    int64_t **magnitudes; /* by value id: of numbers other than 0 */
    int64_t **bins;       /* by value id: shares of the channel's largest magnitude; in turn two */
    double **sums;        /* by value id: of the channels' numbers */
    int64_t *counts;      /* by value id: numbers seen */
    struct LayerReader **readers; /* by value id: layers that read it and have moments */
    bool counts_shares;           /* turn two: ranges are known */
    const char *input;            /* what is run, for messages */
    bool failed;                  /* a number that is not finite was reported */
} Calibration;

static const char *shown_name(const Value *value, Arena *arena) {
    const Node *producer = value->producer;
    if (producer == NULL)
        return arena_format(arena, "input '%s'", value->name);
    const char *op = op_info(producer->op)->name;
    return *producer->path == '\0' ? arena_format(arena, "the layer '%s'", op)
                                   : arena_format(arena, "'%s' (%s)", producer->path, op);
}

/* Later layers hold what the first one that is not finite makes of it. */
static void report_not_finite(Calibration *calibration, const Value *value, float number) {
    if (calibration->failed)
        return;
    calibration->failed = true;
    const char *hint = value->producer == NULL
                           ? "give inputs of the kind that the network will see"
                           : "the weights may be too large, or not finite themselves";
    diagnostics_report(calibration->diagnostics, SEVERITY_ERROR, value->where, hint,
        "calibration: %s has the number %s on %s, which no range of bytes can cover",
        shown_name(value, calibration->arena),
        isnan(number) ? "NaN"
        : number > 0  ? "+infinity"
                      : "-infinity",
        calibration->input);
}

static void start_value(Calibration *calibration, const Value *value) {
    int64_t channels = value->type.dims[1];
    float *range = ARENA_ARRAY(calibration->arena, float, 2 * channels);
    for (int64_t c = 0; c < channels; c++) {
        range[c] = INFINITY;
        range[channels + c] = -INFINITY;
    }
    calibration->ranges[value->id] = range;
    calibration->sums[value->id] = ARENA_ARRAY(calibration->arena, double, channels);
    calibration->magnitudes[value->id] = ARENA_ARRAY(calibration->arena, int64_t, BUCKETS);
}

static void count_magnitude(int64_t *buckets, float number) {
    uint32_t bits;
    float magnitude = fabsf(number);
    memcpy(&bits, &magnitude, sizeof bits);
    buckets[bits >> BUCKET_SHIFT] += magnitude > 0;
}

/* What lies at the channel's end counts to the last bin. */
static void count_shares(Calibration *calibration, const Value *value, const float *numbers) {
    const TensorType *type = &value->type;
    int64_t channels = type->dims[1], plane = type->rank == 4 ? type->dims[2] * type->dims[3] : 1;
    const float *range = calibration->ranges[value->id];
    int64_t **bins = &calibration->bins[value->id];
    if (*bins == NULL)
        *bins = ARENA_ARRAY(calibration->arena, int64_t, MAGNITUDE_BINS);
    for (int64_t i = 0; i < tensor_elements(type); i++) {
        int64_t channel = i / plane % channels;
        float largest = fmaxf(fabsf(range[channel]), fabsf(range[channels + channel]));
        if (numbers[i] == 0)
            continue;
        double share = fabs((double)numbers[i]) / (double)largest;
        int bin = (int)(share * (double)MAGNITUDE_BINS);
        (*bins)[bin < MAGNITUDE_BINS ? bin : MAGNITUDE_BINS - 1]++;
    }
}

static void see_value(Calibration *calibration, const Value *value, const float *numbers) {
    if (calibration->counts_shares) {
        count_shares(calibration, value, numbers);
        return;
    }
    const TensorType *type = &value->type;
    int64_t channels = type->dims[1], plane = type->rank == 4 ? type->dims[2] * type->dims[3] : 1;
    if (calibration->ranges[value->id] == NULL)
        start_value(calibration, value);
    float *range = calibration->ranges[value->id];
    for (int64_t i = 0; i < tensor_elements(type); i++) {
        int64_t channel = i / plane % channels;
        if (!isfinite(numbers[i])) {
            report_not_finite(calibration, value, numbers[i]);
            return;
        }
        range[channel] = fminf(range[channel], numbers[i]);
        range[channels + channel] = fmaxf(range[channels + channel], numbers[i]);
        calibration->sums[value->id][channel] += (double)numbers[i];
        count_magnitude(calibration->magnitudes[value->id], numbers[i]);
    }
    calibration->counts[value->id] += tensor_elements(type);
    for (const LayerReader *reader = calibration->readers[value->id]; reader; reader = reader->next)
        moments_add(reader->moments, numbers);
}

/* What has no channels, as views of other dimensions, is nothing that layers read as bytes. */
static bool is_seen(const Value *value) {
    return value->type.element == ELEMENT_F32 && rank_has_channels(value->type.rank);
}

static void see_node(void *context, const Node *node, float *const *results) {
    for (int i = 0; i < node->result_count; i++)
        if (is_seen(node->results[i]))
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
        if (is_seen(graph->inputs[i].value))
            see_input(calibration, &graph->inputs[i], tensors->inputs[i]);
    return !calibration->failed &&
           graph_interpret(graph, tensors->inputs, tensors->outputs, see_node, calibration,
               session->diagnostics) &&
           !calibration->failed;
}

static bool see_all(const ModelOptions *options, Calibration *calibration) {
    Session *session = options->session;
    Tensors tensors = {0};
    int64_t files = (int64_t)options->calibration.count;
    int work = progress_begin(
        "calibrating on input", files + (options->random_calibration ? RANDOM_INPUTS : 0));
    bool done = tensors_create(calibration->graph, 0, session, &tensors);
    for (size_t i = 0; done && i < options->calibration.count; i++) {
        progress_set((int64_t)i + 1);
        const char *path = options->calibration.paths[i];
        calibration->input = arena_format(calibration->arena, "'%s'", path);
        done =
            calibration_read(&tensors, path, session) && see_inputs(calibration, &tensors, session);
    }
    for (uint64_t seed = 1; done && options->random_calibration && seed <= RANDOM_INPUTS; seed++) {
        progress_set(files + (int64_t)seed);
        calibration->input = "random numbers";
        tensors_randomize_inputs(&tensors, seed);
        done = see_inputs(calibration, &tensors, session);
    }
    progress_end(work);
    tensors_free(&tensors);
    return done;
}

/* ---- ranges that say little ---- */

static const double most_spread = 100, common_share = 0.999;
enum { MOST_NAMES = 3 };

/* Whether no channel changes within its planes, or all numbers are the same. A plane of one number
 * cannot tell the former, nor one number the latter. */
static bool has_no_width(const Calibration *calibration, const Value *value) {
    int64_t channels = value->type.dims[1];
    const float *low = calibration->ranges[value->id], *high = low + channels;
    bool planes = tensor_elements(&value->type) > value->type.dims[0] * channels;
    for (int64_t c = 0; c < channels; c++)
        if (low[c] != high[c] || (!planes && low[c] != low[0]))
            return false;
    return calibration->counts[value->id] > 1;
}

/* The magnitude that all but one in a thousand of the numbers other than 0 stay below. */
static double common_magnitude(const int64_t *buckets) {
    int64_t total = 0, seen = 0;
    for (int i = 0; i < BUCKETS; i++)
        total += buckets[i];
    uint32_t bucket = 0;
    while (bucket < BUCKETS - 1 && (double)(seen += buckets[bucket]) < common_share * (double)total)
        bucket++;
    uint32_t bits = (bucket + 1) << BUCKET_SHIFT;
    float edge;
    memcpy(&edge, &bits, sizeof edge);
    return (double)edge;
}

static bool has_outlier(const Calibration *calibration, const Value *value) {
    int64_t channels = value->type.dims[1];
    const float *range = calibration->ranges[value->id];
    double largest = 0;
    for (int64_t i = 0; i < 2 * channels; i++)
        largest = fmax(largest, fabs((double)range[i]));
    return largest > most_spread * common_magnitude(calibration->magnitudes[value->id]);
}

typedef struct Doubts {
    const Value *first;
    Text names; /* of those after it */
    int count;
} Doubts;

static void doubt(Doubts *doubts, const Calibration *calibration, const Value *value) {
    if (doubts->count++ == 0)
        doubts->first = value;
    else if (doubts->count <= MOST_NAMES)
        text_format(&doubts->names, "%s %s", doubts->count == 2 ? "; the same holds for" : ",",
            shown_name(value, calibration->arena));
}

/* One warning of all of a kind: what follows a layer is often as it is. */
static void report_doubts(Doubts *doubts, const Calibration *calibration, const char *what) {
    if (doubts->count > MOST_NAMES)
        text_format(&doubts->names, " and %d more", doubts->count - MOST_NAMES);
    if (doubts->count > 0)
        diagnostics_report(calibration->diagnostics, SEVERITY_WARNING, doubts->first->where,
            "calibrate with inputs of the kind that the network will see",
            "calibration: the range of %s %s%s", shown_name(doubts->first, calibration->arena),
            what, doubts->names.data == NULL ? "" : doubts->names.data);
    text_free(&doubts->names);
}

static void judge_value(
    Doubts *flat, Doubts *wide, const Calibration *calibration, const Value *value) {
    if (has_no_width(calibration, value))
        doubt(flat, calibration, value);
    else if (has_outlier(calibration, value))
        doubt(wide, calibration, value);
}

static void warn_of_ranges(const Calibration *calibration) {
    const Graph *graph = calibration->graph;
    Doubts flat = {0}, wide = {0};
    for (int i = 0; i < graph->input_count; i++)
        if (is_seen(graph->inputs[i].value))
            judge_value(&flat, &wide, calibration, graph->inputs[i].value);
    for (const Node *node = graph->first; node != NULL; node = node->next)
        for (int i = 0; i < node->result_count; i++)
            if (is_seen(node->results[i]))
                judge_value(&flat, &wide, calibration, node->results[i]);
    report_doubts(&flat, calibration, "has no width, since no channel of it changes");
    report_doubts(&wide, calibration,
        "is over 100 times as wide as 99.9 % of its numbers need, since a few are far larger");
}

/* ---- ranges that leave out the largest numbers ---- */

/* Bytes stand for magnitudes of one sign, or of two. */
enum { LEVELS_OF_ONE_SIGN = 256, LEVELS_OF_TWO = 128 };

static void narrow_value(
    const Calibration *calibration, const CalibrationMethod *method, const Value *value) {
    int64_t channels = value->type.dims[1];
    float *low = calibration->ranges[value->id], *high = low + channels;
    bool is_signed = false;
    for (int64_t c = 0; c < channels; c++)
        is_signed = is_signed || low[c] < 0;
    double share = calibration_share(
        method, calibration->bins[value->id], is_signed ? LEVELS_OF_TWO : LEVELS_OF_ONE_SIGN);
    for (int64_t c = 0; c < channels; c++) {
        float largest = (float)(share * (double)fmaxf(fabsf(low[c]), fabsf(high[c])));
        low[c] = fmaxf(low[c], -largest);
        high[c] = fminf(high[c], largest);
    }
}

/* In a second turn over the inputs, since it asks for shares of each channel's largest number. */
static bool narrow_ranges(const ModelOptions *options, Calibration *calibration) {
    const CalibrationMethod *method = &options->calibration_method;
    const Graph *graph = calibration->graph;
    if (method->kind == CALIBRATION_RANGE)
        return true;
    calibration->counts_shares = true;
    if (!see_all(options, calibration))
        return false;
    for (int i = 0; i < graph->input_count; i++)
        if (is_seen(graph->inputs[i].value))
            narrow_value(calibration, method, graph->inputs[i].value);
    for (const Node *node = graph->first; node != NULL; node = node->next)
        for (int i = 0; i < node->result_count; i++)
            if (is_seen(node->results[i]))
                narrow_value(calibration, method, node->results[i]);
    return true;
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

static Weight *mean_weight(Calibration *calibration, Graph *graph, const Value *value) {
    int64_t channels = value->type.dims[1];
    double count = (double)(calibration->counts[value->id] / channels);
    float *means = ARENA_ARRAY(calibration->arena, float, channels);
    for (int64_t c = 0; c < channels; c++)
        means[c] = (float)(calibration->sums[value->id][c] / count);
    return range_weight(graph, value, "mean", means);
}

/* Puts a range behind the value, before `position` (NULL: at the end). */
static void add_range(Calibration *calibration, Graph *graph, Value *value, Node *position) {
    const float *range = calibration->ranges[value->id];
    Node *node = node_create(graph, OP_range, "", &value, 1, value->where);
    node->weights[0] = range_weight(graph, value, "low", range);
    node->weights[1] = range_weight(graph, value, "high", range + value->type.dims[1]);
    node->weights[2] = mean_weight(calibration, graph, value);
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

/* What the layer's filters meet stands in a range of its own, between the layer and what it reads.
 */
static void add_moments(Graph *graph, const LayerReader *reader) {
    Value *value = reader->layer->operands[0];
    const Node *range = value->producer; /* that of add_range */
    Node *node = node_create(graph, OP_range, "", &value, 1, value->where);
    for (int i = 0; i < 3; i++)
        node->weights[i] = range->weights[i];
    node->weights[3] = moments_weight(reader->moments, graph);
    Diagnostics *diagnostics = diagnostics_create();
    (void)node_infer(graph, node, diagnostics);
    diagnostics_destroy(diagnostics);
    graph_insert_before(graph, reader->layer, node);
    reader->layer->operands[0] = node->results[0];
}

static void add_all_moments(Calibration *calibration, Graph *graph, int values) {
    for (int id = 0; id < values; id++)
        for (const LayerReader *reader = calibration->readers[id]; reader; reader = reader->next)
            add_moments(graph, reader);
}

/* Of every layer that reads a value which is seen. */
static void find_readers(Calibration *calibration) {
    for (Node *node = calibration->graph->first; node != NULL; node = node->next) {
        if (node->operand_count == 0 || !is_seen(node->operands[0]))
            continue;
        WindowMoments *moments = moments_create(node, calibration->arena);
        if (moments == NULL)
            continue;
        LayerReader **slot = &calibration->readers[node->operands[0]->id];
        LayerReader *reader = ARENA_NEW(calibration->arena, LayerReader);
        *reader = (LayerReader){node, moments, *slot};
        *slot = reader;
    }
}

static void add_ranges(Calibration *calibration, Graph *graph) {
    Node *first = graph->first;
    for (Node *node = first, *next; node != NULL; node = next) {
        next = node->next;
        for (int i = 0; i < node->result_count; i++)
            if (is_seen(node->results[i]))
                add_range(calibration, graph, node->results[i], next);
    }
    for (int i = 0; i < graph->input_count; i++)
        if (is_seen(graph->inputs[i].value))
            add_range(calibration, graph, graph->inputs[i].value, first);
}

/* What each value was on the calibration inputs, as nodes of the graph. */
bool calibrate(const ModelOptions *options, Graph *graph) {
    Arena *scratch = arena_create();
    Calibration calibration = {
        .graph = graph, .arena = scratch, .diagnostics = options->session->diagnostics};
    calibration.ranges = ARENA_ARRAY(scratch, float *, graph->next_value_id);
    calibration.magnitudes = ARENA_ARRAY(scratch, int64_t *, graph->next_value_id);
    calibration.bins = ARENA_ARRAY(scratch, int64_t *, graph->next_value_id);
    calibration.sums = ARENA_ARRAY(scratch, double *, graph->next_value_id);
    calibration.counts = ARENA_ARRAY(scratch, int64_t, graph->next_value_id);
    calibration.readers = ARENA_ARRAY(scratch, LayerReader *, graph->next_value_id);
    find_readers(&calibration);
    int values = graph->next_value_id;
    bool done = see_all(options, &calibration);
    if (done)
        warn_of_ranges(&calibration);
    done = done && narrow_ranges(options, &calibration);
    if (done) {
        add_ranges(&calibration, graph);
        add_all_moments(&calibration, graph, values);
    }
    arena_destroy(scratch);
    return done;
}
