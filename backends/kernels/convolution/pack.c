/* The weights of a convolution in the order in which its kernel reads them: per group and panel
 * (the output channels of one tile) as [kernel row][kernel column][input channel][channel of the
 * panel], without padding: the last vector of a panel may read on into what follows. Behind the
 * panels of a group are the weights of its tail (tail.c), and behind all groups the
 * biases. Those of bf16 lie in pairs of input channels (products_pairs.c). */
#include "backends/kernels/convolution/convolution.h"
#include "backends/program/call.h"
#include "ir/graph.h"
#include <string.h>

/* Each row of `channel_count` weights takes the room of `stride`. */
static float *pack_panel(const Convolution *conv, const float *weights, int64_t first_output,
    int64_t channel_count, int64_t stride, float *out) {
    int64_t rows = conv->rows.window.kernel[0], columns = conv->rows.window.kernel[1];
    int64_t inputs = conv->group_inputs;
    for (int64_t row = 0; row < rows; row++)
        for (int64_t column = 0; column < columns; column++)
            for (int64_t input = 0; input < inputs; input++, out += stride)
                for (int64_t channel = 0; channel < channel_count; channel++)
                    out[channel] =
                        weights[(((first_output + channel) * inputs + weight_column(conv, input)) *
                                        rows +
                                    row) *
                                    columns +
                                column];
    return out;
}

/* Panels and tails of all groups, then the biases. */
static void pack_floats(
    const Convolution *conv, const Weight *weight, const Weight *bias, float *packed) {
    int64_t block = conv->emission->compilation->weight_block;
    int64_t panel = block > 0 ? block : conv->blocking.panel_channels;
    for (int64_t group = 0; group < conv->groups; group++) {
        for (int64_t channel = 0; channel < conv->main_outputs; channel += panel) {
            int64_t left = conv->main_outputs - channel, count = left < panel ? left : panel;
            packed = pack_panel(conv, weight->data, group * conv->group_outputs + channel, count,
                block > 0 ? block : count, packed);
        }
        if (conv->main_outputs < conv->group_outputs)
            pack_tail(conv, group, weight->data, bias ? bias->data : NULL, packed);
        packed += tail_weight_floats(conv);
    }
    if (bias)
        memcpy(packed, bias->data, (size_t)bias->type.dims[0] * sizeof(float));
}

static void pack_halves(
    Convolution *conv, const Weight *weight, const Weight *bias, int64_t count) {
    Arena *scratch = arena_create();
    float *floats = ARENA_ARRAY(scratch, float, count);
    pack_floats(conv, weight, bias, floats);
    call_weights_f16(conv->emission, conv->call, floats, count, &conv->weights);
    arena_destroy(scratch);
}

/* Floats of their own, beside weights of another type. */
static void pack_biases(Convolution *conv, const Weight *bias, int64_t outputs) {
    if (bias == NULL)
        return;
    float *biases = call_weights(conv->emission, conv->call, outputs, &conv->biases);
    memcpy(biases, bias->data, (size_t)outputs * sizeof(float));
}

void pack_convolution(Convolution *conv, const Node *node) {
    const Weight *weight = node_weight(node, "weight"), *bias = NULL;
    if (conv->product->input == LANE_U8) {
        pack_bytes(conv, node);
        return;
    }
    bias = node_weight(node, "bias");
    int64_t taps = conv->packed_inputs * conv->rows.window.kernel[0] * conv->rows.window.kernel[1];
    int64_t outputs = conv->groups * conv->group_outputs;
    conv->group_weights = packed_outputs(conv) * taps + tail_weight_floats(conv);
    conv->has_bias = bias != NULL;
    if (conv->product->channels > 1) {
        pack_pairs(conv, weight);
        pack_biases(conv, bias, outputs);
        return;
    }
    if (conv->product->weight == LANE_F16 && conv->product->multiplied == LANE_F32) {
        pack_halves(conv, weight, NULL, conv->groups * conv->group_weights);
        pack_biases(conv, bias, outputs);
        return;
    }
    conv->bias_offset = conv->groups * conv->group_weights;
    int64_t count = conv->bias_offset + (bias ? outputs : 0);
    if (conv->product->weight == LANE_F16) {
        pack_halves(conv, weight, bias, count);
    } else {
        pack_floats(
            conv, weight, bias, call_weights(conv->emission, conv->call, count, &conv->weights));
    }
    conv->biases = conv->weights;
}
