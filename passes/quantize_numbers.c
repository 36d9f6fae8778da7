/* The numbers of quantised layers.
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
        channels, ARENA_ARRAY(arena, double, channels), ARENA_ARRAY(arena, int, channels)};
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
