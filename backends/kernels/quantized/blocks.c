/* How the output channels of a convolution of bytes are cut into blocks, its pixels into tiles, and
 * how its weights are packed. */
#include "backends/kernels/quantized/quantized.h"
#include "backends/program/call.h"
#include "backends/program/emission.h"
#include "backends/program/placement.h"
#include "backends/target/target.h"
#include "ir/arena.h"
#include "ir/diagnostics.h"
#include "ir/graph.h"
#include <assert.h>
#include <math.h>
#include <string.h>

int64_t block_channel(const QuantizedBlock *block, int vector, int lane) {
    if (block->packed)
        return lane / 4 * 16 + vector * 4 + lane % 4;
    return (int64_t)vector * block->lanes + lane;
}

/* ---- blocks ---- */

/* The block for the first of `left` channels. */
static QuantizedBlock next_block(const Target *target, bool bytes, int64_t left) {
    int lanes = target->lanes, half = lanes / 2;
    int64_t whole = (int64_t)MAX_BLOCK_VECTORS * lanes;
    QuantizedBlock block = {.lanes = lanes, .vectors = MAX_BLOCK_VECTORS, .packed = bytes};
    block.count = left < whole ? left : whole;
    if (left <= half && half >= 4)
        block.lanes = half;
    if (left <= lanes) {
        block.vectors = 1;
        block.packed = false;
    } else if (left <= whole / 2 && half * MAX_BLOCK_VECTORS >= 16) {
        if (bytes)
            block.lanes = half;
        else
            block.vectors = 2;
    } else if (!bytes && left < whole) {
        block.vectors = (int)((left + lanes - 1) / lanes);
    }
    return block;
}

void choose_quantized_blocks(QuantizedConvolution *conv) {
    const Target *target = conv->emission->compilation->target;
    int64_t taps = conv->window.kernel[0] * conv->window.kernel[1] * conv->group_quads;
    int64_t most = conv->group_outputs / 4 + 1;
    conv->blocks = ARENA_ARRAY(conv->arena, QuantizedBlock, most);
    for (int64_t first = 0; first < conv->group_outputs;) {
        QuantizedBlock block = next_block(target, conv->bytes, conv->group_outputs - first);
        int64_t lanes = (int64_t)block.vectors * block.lanes;
        block.first = first;
        block.weights = conv->group_weights;
        block.scales = conv->group_scales;
        conv->group_weights += taps * lanes * 4;
        conv->group_scales += 3 * lanes;
        assert(conv->block_count < most);
        conv->blocks[conv->block_count++] = block;
        first += block.count;
    }
}

/* ---- packing ---- */

QuantizedSegment *quantized_segments(const QuantizedConvolution *conv, int64_t group, int *count) {
    const Placement *input = conv->input;
    QuantizedSegment *segments = ARENA_ARRAY(conv->arena, QuantizedSegment, input->run_count);
    int64_t begin = group * conv->group_inputs, end = begin + conv->group_inputs;
    *count = 0;
    for (int i = 0; i < input->run_count; i++) {
        const Run *run = &input->runs[i];
        RunPart part = run_part(run, begin, end);
        if (part.count > 0)
            segments[(*count)++] = (QuantizedSegment){
                i, part.first - run->first_channel, part.first - begin, part.count};
    }
    return segments;
}

bool are_whole_numbers(
    Emission *emission, const Node *node, const Weight *weight, int least, int most) {
    for (int64_t i = 0; i < tensor_elements(&weight->type); i++) {
        float x = weight->data[i];
        if (x >= (float)least && x <= (float)most && x == rintf(x))
            continue;
        diagnostics_report(emission->diagnostics, SEVERITY_ERROR, node->where,
            "the pass quantize makes such weights",
            "weight '%s' must hold whole numbers from %d to %d, but has %g", weight->path, least,
            most, (double)x);
        return false;
    }
    return true;
}

/* The four weights that a lane multiplies with a quad; those beyond the segment are zero. */
static void pack_quad(const QuantizedConvolution *conv, const float *filter,
    const QuantizedSegment *segment, int64_t quad, int64_t tap, uint8_t *out) {
    int64_t taps = conv->window.kernel[0] * conv->window.kernel[1];
    for (int64_t i = 0; i < 4; i++) {
        int64_t channel = 4 * quad + i;
        float weight =
            channel < segment->count ? filter[(segment->first + channel) * taps + tap] : 0;
        out[i] = (uint8_t)(int8_t)weight;
    }
}

static void pack_block(
    const QuantizedConvolution *conv, int64_t group, const QuantizedBlock *block, uint8_t *packed) {
    int segment_count;
    const QuantizedSegment *segments = quantized_segments(conv, group, &segment_count);
    const Weight *weight = node_weight(conv->node, "weight");
    int64_t taps = conv->window.kernel[0] * conv->window.kernel[1];
    int64_t filter_size = conv->group_inputs * taps;
    int64_t tap_bytes = conv->group_quads * 4 * block->vectors * block->lanes;
    for (int64_t tap = 0; tap < taps; tap++) {
        uint8_t *out = packed + tap * tap_bytes;
        for (int s = 0; s < segment_count; s++)
            for (int64_t quad = 0; 4 * quad < segments[s].count; quad++)
                for (int v = 0; v < block->vectors; v++)
                    for (int lane = 0; lane < block->lanes; lane++, out += 4) {
                        int64_t channel = block_channel(block, v, lane);
                        int64_t output = group * conv->group_outputs + block->first + channel;
                        if (channel < block->count)
                            pack_quad(conv, weight->data + output * filter_size, &segments[s], quad,
                                tap, out);
                    }
    }
}

/* What a sum starts with: it must become that of weight * (x - zero). */
static int32_t first_sum(const QuantizedConvolution *conv, int64_t group, int64_t output) {
    const float *zero = node_weight(conv->node, "zero")->data + group * conv->group_inputs;
    int64_t taps = conv->window.kernel[0] * conv->window.kernel[1];
    const float *filter =
        node_weight(conv->node, "weight")->data + output * conv->group_inputs * taps;
    int64_t sum = 0;
    for (int64_t i = 0; i < conv->group_inputs * taps; i++)
        sum -= (int64_t)filter[i] * (int64_t)zero[i / taps];
    return (int32_t)sum;
}

static void pack_scales(
    const QuantizedConvolution *conv, int64_t group, const QuantizedBlock *block, float *out) {
    const float *factor = node_weight(conv->node, "factor")->data;
    const float *offset = node_weight(conv->node, "offset")->data;
    int64_t lanes = (int64_t)block->vectors * block->lanes;
    for (int64_t i = 0; i < lanes; i++) {
        int64_t channel = block_channel(block, (int)(i / block->lanes), (int)(i % block->lanes));
        int64_t output = group * conv->group_outputs + block->first + channel;
        if (channel >= block->count)
            continue;
        int32_t start = first_sum(conv, group, output);
        memcpy(&out[i], &start, sizeof start);
        out[lanes + i] = factor[output];
        out[2 * lanes + i] = offset[output];
    }
}

bool pack_quantized(QuantizedConvolution *conv) {
    int most = conv->emission->compilation->target->dot_products ? 127 : 64;
    if (!are_whole_numbers(
            conv->emission, conv->node, node_weight(conv->node, "weight"), -most, most) ||
        !are_whole_numbers(conv->emission, conv->node, node_weight(conv->node, "zero"), 0, 255))
        return false;
    int64_t bytes = conv->groups * conv->group_weights;
    uint8_t *weights = call_weight_bytes(conv->emission, conv->call, bytes, &conv->weights);
    for (int64_t group = 0; group < conv->groups; group++)
        for (int i = 0; i < conv->block_count; i++)
            pack_block(conv, group, &conv->blocks[i],
                weights + group * conv->group_weights + conv->blocks[i].weights);
    float *scales =
        call_weights(conv->emission, conv->call, conv->groups * conv->group_scales, &conv->scales);
    for (int64_t group = 0; group < conv->groups; group++)
        for (int i = 0; i < conv->block_count; i++)
            pack_scales(conv, group, &conv->blocks[i],
                scales + group * conv->group_scales + conv->blocks[i].scales);
    return true;
}
