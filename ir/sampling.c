/* The places of a resize: the formulas of ONNX, in float as ONNX Runtime computes them, since a
 * place that is nearly whole is rounded. */
#include "ir/sampling.h"
#include "ir/arena.h"

#include <assert.h>
#include <math.h>

static float coordinate(const SampleRule *rule, float x) {
    float from = (float)rule->from, to = (float)rule->to;
    float scale = (float)(rule->scale > 0 ? rule->scale : (double)rule->to / (double)rule->from);
    switch (rule->coordinates) {
    case RESIZE_ASYMMETRIC:
        return x / scale;
    case RESIZE_ALIGN_CORNERS:
        return rule->to == 1 ? 0 : x * (from - 1) / (to - 1);
    case RESIZE_TF_HALF_PIXEL:
        return (x + 0.5f) / scale;
    case RESIZE_PYTORCH_HALF_PIXEL:
        return rule->to == 1 ? 0 : (x + 0.5f) / scale - 0.5f;
    case RESIZE_HALF_PIXEL_SYMMETRIC:
        return from / 2 * (1 - to / (scale * from)) + (x + 0.5f) / scale - 0.5f;
    case RESIZE_HALF_PIXEL:
        break;
    }
    return (x + 0.5f) / scale - 0.5f;
}

static float round_place(ResizeRounding rounding, float x) {
    switch (rounding) {
    case RESIZE_FLOOR:
        return floorf(x);
    case RESIZE_CEIL:
        return ceilf(x);
    case RESIZE_ROUND_PREFER_CEIL:
        return floorf(x + 0.5f);
    case RESIZE_ROUND_PREFER_FLOOR:
        break;
    }
    return ceilf(x - 0.5f);
}

static Sample single(int64_t index) {
    return (Sample){index, index, {0.5f, 0.5f}};
}

Sample resize_sample(const SampleRule *rule, int64_t index) {
    float x = coordinate(rule, (float)index), last = (float)(rule->from - 1);
    if (rule->mode == RESIZE_NEAREST)
        x = round_place(rule->rounding, x);
    if (!(x > 0))
        return single(0);
    if (x >= last)
        return single(rule->from - 1);
    int64_t whole = (int64_t)x;
    float fraction = x - (float)whole;
    if (!(fraction > 0))
        return single(whole);
    return (Sample){whole, whole + 1, {1 - fraction, fraction}};
}

Sample *node_samples(const Node *node, int axis, Arena *arena) {
    int64_t from = node->operands[0]->type.dims[2 + axis],
            to = node->results[0]->type.dims[2 + axis];
    Sample *samples = ARENA_ARRAY(arena, Sample, to);
    if (node->op == OP_take) {
        IntegerList list = node_list(node, axis == 0 ? "rows" : "columns");
        for (int64_t i = 0; i < to; i++)
            samples[i] = single(list.items[i]);
        return samples;
    }
    assert(node->op == OP_resize);
    const SampleRule rule = {.mode = (ResizeMode)node_integer(node, "mode"),
        .coordinates = (ResizeCoordinates)node_integer(node, "coordinates"),
        .rounding = (ResizeRounding)node_integer(node, "rounding"),
        .from = from,
        .to = to,
        .scale = node_number(node, axis == 0 ? "row_scale" : "column_scale")};
    for (int64_t i = 0; i < to; i++)
        samples[i] = resize_sample(&rule, i);
    return samples;
}

int64_t border_index(BorderMode mode, int64_t index, int64_t size) {
    if (mode == BORDER_EDGE || size == 1)
        return index < 0 ? 0 : index < size ? index : size - 1;
    int64_t period = mode == BORDER_AROUND ? size : 2 * (size - 1);
    int64_t place = (index % period + period) % period;
    return place < size ? place : period - place;
}

bool samples_are_single(const Sample *samples, int64_t count) {
    for (int64_t i = 0; i < count; i++)
        if (samples[i].first != samples[i].second)
            return false;
    return true;
}

bool samples_are_identity(const Sample *samples, int64_t count, int64_t from) {
    for (int64_t i = 0; i < count; i++)
        if (samples[i].first != i)
            return false;
    return count == from && samples_are_single(samples, count);
}
