/* The numbers of quantised layers.
 *
 * Of a model that was quantised elsewhere (fake_quantize), activations have its scales and weights
 * are the whole numbers that they were. Else:
 *
 * A sum over input channels i of w[o][i] * x[i], with x[i] = (q[i] - zero[i]) * s[i], is one over
 * whole numbers when w[o][i] * s[i] = W[o][i] * S[o]: the scales of the input are folded into the
 * weights before these get one scale for each output channel. So every channel of a value may have
 * a scale of its own, and ops that only move channels have nothing to do. */
#include "passes/quantize.h"

#include <math.h>

/* Of the widest channel's range. Smaller ones serve a channel's own numbers better, but not the
 * weights of its readers, whose scale the widest product decides; half was the best of those tried
 * (docs/precision.md). */
static const double least_share = 0.5;

ByteScale byte_scale_create(Arena *arena, const FoundRange *found) {
    int64_t channels = found->channels;
    ByteScale result = {
        channels, ARENA_ARRAY(arena, double, channels), ARENA_ARRAY(arena, int, channels), false};
    double widest = 0, wider = 1 + found->room;
    for (int64_t c = 0; c < channels; c++)
        widest = fmax(widest, fmax((double)found->high[c], 0) - fmin((double)found->low[c], 0));
    for (int64_t c = 0; c < channels; c++) {
        double low = fmin((double)found->low[c], 0), high = fmax((double)found->high[c], 0);
        double bottom = fmin(low, fmax(wider * low, found->bounds.low));
        double top = fmax(high, fmin(wider * high, found->bounds.high));
        top = fmax(top, bottom + least_share * widest);
        double scale = (top - bottom) / 255;
        result.scale[c] = scale > 0 && isfinite(scale) ? scale : 1;
        result.zero[c] = (int)fmin(255, fmax(0, rint(-bottom / result.scale[c])));
    }
    return result;
}

const double *given_grid(Arena *arena, const Value *value, const Formula **inner) {
    const Node *node = value->producer;
    if (node == NULL)
        return NULL;
    const char *attribute = activation_attribute(node);
    const Formula *formula = attribute != NULL ? node_formula_attribute(node, attribute)
                             : op_computes_elements(node->op) ? node_formula(node, arena)
                                                              : NULL;
    const double *grid = formula_peel(arena, formula, OP_fake_quantize, inner);
    bool bytes = grid != NULL && grid[0] > 0 && isfinite(grid[0]) && grid[1] == rint(grid[1]) &&
                 grid[2] == rint(grid[2]) && grid[1] <= 0 && grid[1] >= -255 && grid[2] >= 0 &&
                 grid[2] - grid[1] <= 255;
    return bytes ? grid : NULL;
}

ByteScale byte_scale_given(Arena *arena, const double *grid, int64_t channels) {
    ByteScale result = {
        channels, ARENA_ARRAY(arena, double, channels), ARENA_ARRAY(arena, int, channels), true};
    for (int64_t c = 0; c < channels; c++) {
        result.scale[c] = grid[0];
        result.zero[c] = -(int)grid[1];
    }
    return result;
}

bool byte_scale_is_uniform(const ByteScale *scale) {
    for (int64_t c = 1; c < scale->channels; c++)
        if (scale->scale[c] != scale->scale[0] || scale->zero[c] != scale->zero[0])
            return false;
    return true;
}

/* The step that all numbers are whole multiples of, none of them more than `limit` times; 0 where
 * there is none. They were multiplied in f32. */
static double whole_step(const float *numbers, int64_t count, int limit) {
    static const double most_off = 1e-4; /* of a step: f32 is right to 1e-5 of it */
    double largest = 0;
    for (int64_t i = 0; i < count; i++)
        largest = fmax(largest, fabs((double)numbers[i]));
    if (largest == 0)
        return 1;
    for (int times = limit; times > 0 && isfinite(largest); times--) {
        double step = largest / times;
        int64_t i = 0;
        while (i < count &&
               fabs((double)numbers[i] / step - rint((double)numbers[i] / step)) <= most_off)
            i++;
        if (i == count)
            return step;
    }
    return 0;
}

bool weights_are_whole(const Node *layer, int limit) {
    const Weight *weight = node_weight(layer, "weight");
    int64_t outputs = weight->type.dims[0], filter = tensor_elements(&weight->type) / outputs;
    bool whole = weight->data != NULL;
    for (int64_t o = 0; whole && o < outputs; o++)
        whole = whole_step(weight->data + o * filter, filter, limit) > 0;
    return whole;
}

bool byte_scale_has_zero_points(const ByteScale *scale) {
    for (int64_t c = 0; c < scale->channels; c++)
        if (scale->zero[c] != 0)
            return true;
    return false;
}

static Weight *add_vector(
    Graph *graph, const char *path, const char *name, const double *numbers, int64_t count) {
    float *data = ARENA_ARRAY(graph->arena, float, count);
    for (int64_t i = 0; i < count; i++)
        data[i] = (float)numbers[i];
    return graph_add_computed_weight(
        graph, arena_format(graph->arena, "%s.%s", path, name), tensor_type(1, &count), data);
}

static Weight *add_zeros(Graph *graph, const char *path, const ByteScale *scale) {
    double *zeros = ARENA_ARRAY(graph->arena, double, scale->channels);
    for (int64_t c = 0; c < scale->channels; c++)
        zeros[c] = scale->zero[c];
    return add_vector(graph, path, "zero", zeros, scale->channels);
}

void quantize_scales(Graph *graph, const char *path, const ByteScale *scale,
    const Preprocessing *pixels, Weight **weights) {
    double *factors = ARENA_ARRAY(graph->arena, double, scale->channels);
    double *terms = ARENA_ARRAY(graph->arena, double, scale->channels);
    for (int64_t c = 0; c < scale->channels; c++) {
        double step = scale->scale[c] * (pixels != NULL ? pixels->std[c] : 1);
        factors[c] = (pixels != NULL ? pixels->scale : 1) / step;
        terms[c] = scale->zero[c] - (pixels != NULL ? pixels->mean[c] / step : 0);
    }
    weights[0] = add_vector(graph, path, "factor", factors, scale->channels);
    weights[1] = add_zeros(graph, path, scale);
    weights[2] = pixels != NULL ? add_vector(graph, path, "term", terms, scale->channels) : NULL;
}

/* ---- products ---- */

/* The share of the layer's results whose window has the tap inside the operand, along one axis. */
static double inside_share(int64_t tap, int64_t before, int64_t stride, int64_t dilation,
    int64_t length, int64_t results) {
    int64_t inside = 0;
    for (int64_t i = 0; i < results; i++) {
        int64_t at = i * stride - before + tap * dilation;
        inside += at >= 0 && at < length;
    }
    return (double)inside / (double)results;
}

/* That share of each tap, rows times columns. */
static double *inside_shares(const Node *layer, int64_t taps, Arena *arena) {
    double *shares = ARENA_ARRAY(arena, double, taps);
    for (int64_t tap = 0; tap < taps; tap++)
        shares[tap] = 1;
    if (layer->op != OP_conv)
        return shares;
    const int64_t *kernel = node_weight(layer, "weight")->type.dims + 2;
    const int64_t *stride = node_list(layer, "stride").items;
    const int64_t *padding = node_list(layer, "padding").items;
    const int64_t *dilation = node_list(layer, "dilation").items;
    const int64_t *from = layer->operands[0]->type.dims + 2;
    const int64_t *to = layer->results[0]->type.dims + 2;
    for (int64_t tap = 0; tap < taps; tap++)
        for (int axis = 0; axis < 2; axis++) {
            int64_t at = axis == 0 ? tap / kernel[1] : tap % kernel[1];
            shares[tap] *=
                inside_share(at, padding[axis], stride[axis], dilation[axis], from[axis], to[axis]);
        }
    return shares;
}

/* One filter: its weights times the scales of what they multiply, and what became of them. */
typedef struct Filter {
    const float *row;
    float *whole;
    const double *scale; /* of the operand's channels that it reads */
    int64_t length, taps;
    double step;
} Filter;

/* The step that the filter's weights are whole multiples of; what they are of it before rounding.
 */
static void measure_filter(Filter *filter, const QuantizedProduct *product, double *exact) {
    double largest = 0;
    for (int64_t i = 0; i < filter->length; i++) {
        exact[i] = (double)filter->row[i] * filter->scale[i / filter->taps];
        largest = fmax(largest, fabs(exact[i]));
    }
    filter->step = largest > 0 && isfinite(largest) ? largest / product->limit : 1;
    if (product->operand->given)
        filter->step = whole_step(filter->row, filter->length, product->limit) * filter->scale[0];
    for (int64_t i = 0; i < filter->length; i++)
        exact[i] /= filter->step;
}

static void round_filter(
    Filter *filter, const QuantizedProduct *product, const Rounding *rounding, double *exact) {
    measure_filter(filter, product, exact);
    if (rounding != NULL) {
        rounding_apply(rounding, exact, product->limit, filter->whole);
        return;
    }
    for (int64_t i = 0; i < filter->length; i++)
        filter->whole[i] = (float)rint(exact[i]);
}

/* How the filters of a group are rounded, or NULL: each weight to the nearest whole number. */
static Rounding *group_rounding(
    const QuantizedProduct *product, const Filter *filter, int64_t group, Arena *arena) {
    const Weight *moments = product->moments;
    if (moments == NULL || product->operand->given || moments->type.dims[1] != filter->length ||
        moments->type.dims[0] * (filter->length / filter->taps) != product->operand->channels)
        return NULL;
    double *scales = ARENA_ARRAY(arena, double, filter->length);
    for (int64_t i = 0; i < filter->length; i++)
        scales[i] = filter->scale[i / filter->taps];
    return rounding_create(
        moments->data + group * filter->length * filter->length, filter->length, scales, arena);
}

/* What the filter's mean result lost by rounding its weights. */
static double lost_mean(const Filter *filter, const float *mean, const double *shares) {
    double lost = 0;
    for (int64_t i = 0; i < filter->length; i++) {
        int64_t channel = i / filter->taps;
        double now = (double)filter->whole[i] * filter->step / filter->scale[channel];
        lost += ((double)filter->row[i] - now) * (double)mean[channel] * shares[i % filter->taps];
    }
    return isfinite(lost) ? lost : 0;
}

void quantize_product(Graph *graph, const QuantizedProduct *product, Weight **weights) {
    const Node *layer = product->layer;
    const ByteScale *operand = product->operand, *result = product->result;
    const Weight *weight = node_weight(layer, "weight"), *bias = node_weight(layer, "bias");
    int64_t outputs = weight->type.dims[0], inputs = weight->type.dims[1];
    int64_t length = tensor_elements(&weight->type) / outputs, taps = length / inputs;
    int64_t groups = operand->channels / inputs;
    weights[0] = graph_add_computed_weight(graph, weight->path, weight->type, NULL);
    float *whole = weight_allocate(graph, weights[0]);
    double *factors = ARENA_ARRAY(graph->arena, double, outputs);
    double *offsets = ARENA_ARRAY(graph->arena, double, outputs);
    const double *shares = inside_shares(layer, taps, graph->arena);
    bool corrects = product->mean != NULL && !operand->given;
    Arena *scratch = arena_create();
    double *exact = ARENA_ARRAY(scratch, double, length);
    Rounding *rounding = NULL;
    for (int64_t o = 0; o < outputs; o++) {
        int64_t group = o / (outputs / groups), first = group * inputs; /* operand's channels */
        Filter filter = {
            weight->data + o * length, whole + o * length, operand->scale + first, length, taps, 1};
        if (o % (outputs / groups) == 0)
            rounding = group_rounding(product, &filter, group, scratch);
        round_filter(&filter, product, rounding, exact);
        factors[o] = filter.step;
        offsets[o] = bias == NULL ? 0 : (double)bias->data[o];
        if (corrects)
            offsets[o] += lost_mean(&filter, product->mean->data + first, shares);
        if (result != NULL) {
            factors[o] /= result->scale[o];
            offsets[o] = offsets[o] / result->scale[o] + result->zero[o];
        }
    }
    arena_destroy(scratch);
    weight_rest(weight);
    weight_rest(weights[0]);
    if (product->moments != NULL)
        weight_rest(product->moments);
    const char *path = weight->path;
    weights[1] = add_zeros(graph, path, operand);
    weights[2] = add_vector(graph, path, "factor", factors, outputs);
    weights[3] = add_vector(graph, path, "offset", offsets, outputs);
}
