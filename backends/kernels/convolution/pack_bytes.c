/* Packs the weights that bytes are multiplied by, for each panel [tap][quad of input
 * channels][vector of the panel][lane][channel of the quad], and for each panel what its epilogue
 * reads (finish_bytes.c). Products that take the quad in two halves have their weights as
 * [vector][half][lane][pair]: those of 16 bits first channels 0 and 2, then 1 and 3; those that are
 * multiplied in steps first 0 and 1, then 2 and 3. */
#include "backends/kernels/convolution/convolution.h"
#include "backends/program/call.h"
#include "ir/graph.h"
#include <string.h>

/* A panel of a group: `first` is the output channel in the whole tensor. */
typedef struct Panel {
    PanelVectors vectors;
    int64_t group, first, count;
} Panel;

static int64_t count_taps(const Convolution *conv) {
    return conv->rows.window.kernel[0] * conv->rows.window.kernel[1];
}

/* Where packed weights are written: `bytes` or `words`, the other is NULL. */
typedef struct Packed {
    uint8_t *bytes;
    int16_t *words;
} Packed;

/* Where the weight of channel i of the quad lies among those of a vector. */
static int64_t weight_place(const Product *product, int i, int64_t lane, int64_t lanes) {
    if (product->weight == LANE_S16)
        return i % 2 * 2 * lanes + lane * 2 + i / 2;
    if (product->needs == NEEDS_STEPS)
        return i / 2 * 2 * lanes + lane * 2 + i % 2;
    return lane * QUAD + i;
}

/* The four weights that lane `lane` of `lanes` multiplies with a quad; those of no channel are
 * zero. */
static void pack_quad(const Product *product, const float *filter, const int64_t *order,
    int64_t stride, Packed out, int64_t lane, int64_t lanes) {
    for (int i = 0; i < QUAD; i++) {
        int weight = (int)(order[i] < 0 ? 0 : filter[order[i] * stride]);
        int64_t place = weight_place(product, i, lane, lanes);
        if (out.bytes)
            out.bytes[place] = (uint8_t)(int8_t)weight;
        else
            out.words[place] = (int16_t)weight;
    }
}

/* Behind the first `count`. */
static Packed packed_at(Packed packed, int64_t count) {
    return packed.bytes ? (Packed){packed.bytes + count, NULL}
                        : (Packed){NULL, packed.words + count};
}

static Packed pack_panel(const Convolution *conv, const float *weights, const int64_t *order,
    const Panel *panel, Packed out) {
    int64_t taps = count_taps(conv), filter = conv->group_inputs * taps;
    const PanelVectors *vectors = &panel->vectors;
    for (int64_t tap = 0; tap < taps; tap++)
        for (int64_t quad = 0; quad < conv->packed_inputs; quad += QUAD)
            for (int v = 0; v < vectors->count; v++) {
                for (int lane = 0; lane < vectors->widths[v]; lane++) {
                    int64_t channel = panel_channel(vectors, v, lane);
                    if (channel < panel->count)
                        pack_quad(conv->product, weights + (panel->first + channel) * filter + tap,
                            order + quad, taps, out, lane, vectors->widths[v]);
                }
                out = packed_at(out, QUAD * vectors->widths[v]);
            }
    return out;
}

/* What a sum starts with: it must become that of weight * (x - zero). */
static int32_t first_sum(const Convolution *conv, const Node *node, int64_t group, int64_t output) {
    const float *zero = node_weight(node, "zero")->data + group * conv->group_inputs;
    int64_t taps = count_taps(conv), sum = 0, flipped = flips_inputs(conv->product) ? 128 : 0;
    const float *filter = node_weight(node, "weight")->data + output * conv->group_inputs * taps;
    for (int64_t i = 0; i < conv->group_inputs * taps; i++)
        sum -= (int64_t)filter[i] * ((int64_t)zero[i / taps] - flipped);
    return (int32_t)sum;
}

static float *pack_scales(
    const Convolution *conv, const Node *node, const Panel *panel, float *out) {
    const float *factor = node_weight(node, "factor")->data;
    const float *offset = node_weight(node, "offset")->data;
    const PanelVectors *vectors = &panel->vectors;
    for (int v = 0; v < vectors->count; v++)
        for (int lane = 0; lane < vectors->widths[v]; lane++) {
            int64_t channel = panel_channel(vectors, v, lane), output = panel->first + channel;
            float *at = out + vectors->firsts[v] + lane;
            if (channel >= panel->count)
                continue;
            int32_t start = first_sum(conv, node, panel->group, output);
            memcpy(at + SCALE_START * vectors->lanes, &start, sizeof start);
            at[SCALE_FACTOR * vectors->lanes] = factor[output];
            at[SCALE_OFFSET * vectors->lanes] = offset[output];
        }
    return out + SCALE_KINDS * vectors->lanes;
}

/* The index-th panel of the group. */
static Panel get_panel(const Convolution *conv, int64_t group, int64_t index) {
    int64_t first = index * conv->blocking.panel_channels, left = conv->group_outputs - first;
    int64_t count = left < conv->blocking.panel_channels ? left : conv->blocking.panel_channels;
    return (Panel){panel_vectors(conv->emission->compilation, &conv->sizes, count), group,
        group * conv->group_outputs + first, count};
}

void pack_bytes(Convolution *conv, const Node *node) {
    int64_t lanes = 0, panels = group_panels(conv);
    for (int64_t i = 0; i < panels; i++)
        lanes += get_panel(conv, 0, i).vectors.lanes;
    conv->group_weights = lanes * conv->packed_inputs * count_taps(conv);
    conv->group_scales = lanes * SCALE_KINDS;
    int64_t count = conv->groups * conv->group_weights;
    Packed weights = {0};
    if (conv->product->weight == LANE_S16)
        weights.words = call_weight_words(conv->emission, conv->call, count, &conv->weights);
    else
        weights.bytes = call_weight_bytes(conv->emission, conv->call, count, &conv->weights);
    for (int64_t group = 0; group < conv->groups; group++) {
        const int64_t *order = packed_order(conv, group);
        Packed packed = packed_at(weights, group * conv->group_weights);
        for (int64_t i = 0; i < panels; i++) {
            Panel panel = get_panel(conv, group, i);
            packed = pack_panel(conv, node_weight(node, "weight")->data, order, &panel, packed);
        }
    }
    float *scales =
        call_weights(conv->emission, conv->call, conv->groups * conv->group_scales, &conv->biases);
    for (int64_t group = 0; group < conv->groups; group++)
        for (int64_t i = 0; i < panels; i++) {
            Panel panel = get_panel(conv, group, i);
            scales = pack_scales(conv, node, &panel, scales);
        }
}
