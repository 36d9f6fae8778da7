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

ByteScale byte_scale_create(Arena *arena, const float *low, const float *high, int64_t channels) {
    ByteScale result = {
        channels, ARENA_ARRAY(arena, double, channels), ARENA_ARRAY(arena, int, channels), false};
    double widest = 0;
    for (int64_t c = 0; c < channels; c++)
        widest = fmax(widest, fmax((double)high[c], 0) - fmin((double)low[c], 0));
    for (int64_t c = 0; c < channels; c++) {
        double bottom = fmin((double)low[c], 0), top = fmax((double)high[c], 0);
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

void quantize_scales(Graph *graph, const char *path, const ByteScale *scale, Weight **weights) {
    double *factors = ARENA_ARRAY(graph->arena, double, scale->channels);
    for (int64_t c = 0; c < scale->channels; c++)
        factors[c] = 1 / scale->scale[c];
    weights[0] = add_vector(graph, path, "factor", factors, scale->channels);
    weights[1] = add_zeros(graph, path, scale);
}

void quantize_product(Graph *graph, const Node *layer, const ByteScale *operand,
    const ByteScale *result, int limit, Weight **weights) {
    const Weight *weight = node_weight(layer, "weight"), *bias = node_weight(layer, "bias");
    int64_t outputs = weight->type.dims[0], inputs = weight->type.dims[1];
    int64_t filter = tensor_elements(&weight->type) / outputs, taps = filter / inputs;
    int64_t groups = operand->channels / inputs;
    weights[0] = graph_add_computed_weight(graph, weight->path, weight->type, NULL);
    float *whole = weight_allocate(graph, weights[0]);
    double *factors = ARENA_ARRAY(graph->arena, double, outputs);
    double *offsets = ARENA_ARRAY(graph->arena, double, outputs);
    for (int64_t o = 0; o < outputs; o++) {
        const float *row = weight->data + o * filter;
        const double *scale = operand->scale + o / (outputs / groups) * inputs;
        double largest = 0;
        for (int64_t i = 0; i < filter; i++)
            largest = fmax(largest, fabs((double)row[i] * scale[i / taps]));
        double step = largest > 0 && isfinite(largest) ? largest / limit : 1;
        if (operand->given)
            step = whole_step(row, filter, limit) * scale[0];
        for (int64_t i = 0; i < filter; i++)
            whole[o * filter + i] = (float)rint((double)row[i] * scale[i / taps] / step);
        factors[o] = step;
        offsets[o] = bias == NULL ? 0 : (double)bias->data[o];
        if (result != NULL) {
            factors[o] /= result->scale[o];
            offsets[o] = offsets[o] / result->scale[o] + result->zero[o];
        }
    }
    weight_rest(weight);
    weight_rest(weights[0]);
    const char *path = weight->path;
    weights[1] = add_zeros(graph, path, operand);
    weights[2] = add_vector(graph, path, "factor", factors, outputs);
    weights[3] = add_vector(graph, path, "offset", offsets, outputs);
}
