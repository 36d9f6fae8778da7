/* What a window multiplies by: weights of a depthwise convolution, with biases and scales; or what
 * means are divided by. */
#include "backends/kernels/window.h"
#include "backends/program/call.h"
#include "backends/program/placement.h"
#include "backends/schedule/shape.h"
#include "ir/graph.h"
#include <string.h>

/* What the sums of bytes begin with: they must become those of weight * (x - zero). */
static void pack_starts(const WindowOp *op, const Node *node, float *out) {
    const float *weight = node_weight(node, "weight")->data,
                *zero = node_weight(node, "zero")->data;
    int64_t taps = op->rows.window.kernel[0] * op->rows.window.kernel[1];
    for (int64_t channel = 0; channel < op->input->channels; channel++)
        for (int64_t tap = 0; tap < taps; tap++)
            out[channel] -= weight[channel * taps + tap] * zero[channel];
    for (int64_t channel = 0; op->blocking.sum == LANE_S32 && channel < op->input->channels;
        channel++) {
        int32_t start = (int32_t)out[channel];
        memcpy(&out[channel], &start, sizeof start);
    }
}

static void pack_words(WindowOp *op, KernelCall *call, const float *weights, int64_t taps) {
    int64_t channels = op->input->channels;
    int16_t *words = call_weight_words(op->emission, call, taps * channels, &op->words);
    for (int64_t tap = 0; tap < taps; tap++)
        for (int64_t channel = 0; channel < channels; channel++)
            words[tap * channels + channel] = (int16_t)weights[channel * taps + tap];
}

void pack_window_weights(WindowOp *op, KernelCall *call, const Node *node) {
    const Weight *weight = node_weight(node, "weight"), *bias = NULL;
    int64_t taps = op->rows.window.kernel[0] * op->rows.window.kernel[1],
            channels = op->input->channels;
    size_t row = (size_t)channels * sizeof(float);
    op->has_scales = node->op == OP_quantized_conv;
    if (!op->has_scales)
        bias = node_weight(node, "bias");
    op->has_bias = op->has_scales || bias;
    bool words = op->blocking.sum == LANE_S32, f16 = weight->type.element == ELEMENT_F16;
    op->weight_type = words ? LANE_S16 : f16 ? LANE_F16 : LANE_F32;
    op->bias_offset = words ? 0 : taps * channels;
    if (words)
        pack_words(op, call, weight->data, taps);
    int64_t rows = (words ? 0 : taps) + (op->has_scales ? 3 : bias ? 1 : 0);
    Arena *scratch = arena_create(); /* holds the numbers that become f16 */
    float *packed = f16 ? ARENA_ARRAY(scratch, float, rows *channels)
                        : call_weights(op->emission, call, rows * channels, &op->weights);
    for (int64_t tap = 0; !words && tap < taps; tap++)
        for (int64_t channel = 0; channel < channels; channel++)
            packed[tap * channels + channel] = weight->data[channel * taps + tap];
    if (bias)
        memcpy(packed + op->bias_offset, bias->data, row);
    if (op->has_scales) {
        pack_starts(op, node, packed + op->bias_offset);
        memcpy(packed + op->bias_offset + channels, node_weight(node, "factor")->data, row);
        memcpy(packed + op->bias_offset + 2 * channels, node_weight(node, "offset")->data, row);
    }
    if (f16)
        call_weights_f16(op->emission, call, packed, rows * channels, &op->weights);
    arena_destroy(scratch);
}

/* Cells of a window in one direction that count for the mean, at output `index`. */
static int64_t counted_cells(const WindowOp *op, int axis, int64_t index, bool count_padding) {
    const Window *window = &op->rows.window;
    int64_t size = axis == 0 ? op->input->height : op->input->width;
    int64_t begin = index * window->stride[axis] - window->padding[axis];
    int64_t end = begin + window->kernel[axis];
    int64_t least = count_padding ? -window->padding[axis] : 0;
    int64_t most = count_padding ? size + window->padding[2 + axis] : size;
    begin = begin > least ? begin : least;
    end = end < most ? end : most;
    return end > begin ? end - begin : 1;
}

void pack_window_divisors(WindowOp *op, KernelCall *call, const Node *node) {
    bool count_padding = node_flag(node, "count_padding");
    int64_t height = op->output->height, width = op->output->width;
    int64_t whole = op->rows.window.kernel[0] * op->rows.window.kernel[1];
    op->factor = 1.0f / (float)whole;
    for (int64_t y = 0; y < height; y++)
        for (int64_t x = 0; x < width; x++)
            if (counted_cells(op, 0, y, count_padding) * counted_cells(op, 1, x, count_padding) !=
                whole)
                op->has_divisors = true;
    if (!op->has_divisors)
        return;
    float *divisors = call_weights(op->emission, call, height * width, &op->weights);
    for (int64_t y = 0; y < height; y++)
        for (int64_t x = 0; x < width; x++)
            divisors[y * width + x] = 1.0f / (float)(counted_cells(op, 0, y, count_padding) *
                                                     counted_cells(op, 1, x, count_padding));
}
