/* The products of a tile whose weights are of bf16. They lie in pairs of input channels, so that
 * one load brings two for each lane. Where the input is of bf16, too, pairs of it are multiplied
 * and added in one instruction; where it is of f32, the weights are widened, and there are two
 * multiply-adds, as without pairs. */
#include "backends/kernels/convolution/convolution.h"
#include "backends/program/call.h"
#include "backends/program/placement.h"
#include "backends/schedule/tile_model.h"
#include "ir/arena.h"
#include "ir/bf16.h"
#include "ir/graph.h"
#include "ir/kernel.h"
#include <assert.h>

/* ---- packing ---- */

/* Where a group's input channels of one run begin among the packed ones: each run begins with a new
 * pair. */
int64_t packed_inputs(const Convolution *conv, int64_t group) {
    int64_t count = 0;
    for (int i = 0; i < conv->input->run_count; i++)
        count += (group_part(conv, group, i).count + 1) / 2 * 2;
    return count;
}

/* The input channel of the group that is packed at each place; -1 where a pair has only one. */
static const int64_t *packed_order(const Convolution *conv, int64_t group) {
    int64_t begin = group * conv->group_inputs, count = 0;
    int64_t *order = ARENA_ARRAY(conv->arena, int64_t, conv->packed_inputs);
    for (int64_t i = 0; i < conv->packed_inputs; i++)
        order[i] = -1;
    for (int i = 0; i < conv->input->run_count; i++) {
        RunPart part = group_part(conv, group, i);
        for (int64_t j = 0; j < part.count; j++)
            order[count++] = part.first + j - begin;
        count = (count + 1) / 2 * 2;
    }
    return order;
}

/* Pairs of one tap: [pair][output channel][number of the pair]. */
static uint16_t *pack_tap(const Convolution *conv, const float *weights, const int64_t *order,
    int64_t first_output, int64_t outputs, int64_t tap, uint16_t *out) {
    int64_t taps = conv->rows.window.kernel[0] * conv->rows.window.kernel[1];
    for (int64_t pair = 0; pair < conv->packed_inputs; pair += 2)
        for (int64_t output = first_output; output < first_output + outputs; output++)
            for (int64_t i = pair; i < pair + 2; i++, out++) {
                if (order[i] < 0)
                    continue;
                int64_t column = weight_column(conv, order[i]);
                *out =
                    bf16_from_float(weights[(output * conv->group_inputs + column) * taps + tap]);
            }
    return out;
}

void pack_pairs(Convolution *conv, const Weight *weight) {
    int64_t taps = conv->rows.window.kernel[0] * conv->rows.window.kernel[1];
    int64_t outputs = conv->groups * conv->group_outputs;
    uint16_t *packed = call_weight_halves(
        conv->emission, conv->call, outputs * conv->packed_inputs * taps, &conv->weights);
    for (int64_t group = 0; group < conv->groups; group++) {
        const int64_t *order = packed_order(conv, group);
        for (int64_t first = 0; first < conv->group_outputs; first += conv->panel_channels) {
            int64_t left = conv->group_outputs - first;
            int64_t count = left < conv->panel_channels ? left : conv->panel_channels;
            for (int64_t tap = 0; tap < taps; tap++)
                packed = pack_tap(conv, weight->data, order, group * conv->group_outputs + first,
                    count, tap, packed);
        }
    }
}

/* ---- products ---- */

static void load_pairs(const Convolution *conv, const TileRegisters *registers,
    const Expression *offset, int weights[MAX_TILE_VECTORS]) {
    for (int v = 0; v < registers->vectors; v++) {
        int numbers = 2 * registers->widths[v];
        weights[v] = kernel_register_of(conv->builder, LANE_BF16, numbers);
        kernel_load(conv->builder, weights[v], conv->weights,
            expression_offset(
                conv->arena, offset, 2 * (int64_t)v * conv->emission->compilation->target->lanes),
            0, numbers);
    }
}

/* A pair in every lane; of one number alone, what follows it in memory is left out: it may be no
 * number, and that times zero is none, either. */
static int load_input_pair(
    const Convolution *conv, int parameter, const Expression *offset, int width, int channels) {
    enum { MOST_NUMBERS = 32 };
    static const int first_pair[MOST_NUMBERS] = {0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0,
        1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1};
    KernelBuilder *builder = conv->builder;
    int pair = kernel_register_of(builder, LANE_BF16, 2 * width);
    assert(2 * width <= MOST_NUMBERS);
    if (channels == 2) {
        kernel_broadcast_pair(builder, pair, parameter, offset);
        return pair;
    }
    int single = kernel_register_of(builder, LANE_BF16, 2 * width);
    kernel_load(builder, single, parameter, offset, 0, 1);
    kernel_permute(builder, pair, single, single, first_pair);
    return pair;
}

/* Input of bf16. */
static void emit_pair_sums(const PairProducts *products, const int *weights) {
    const Convolution *conv = products->conv;
    const TileRegisters *registers = products->registers;
    for (int p = 0; p < products->tile->pixels; p++) {
        if (!column_inside(conv, products->tile, p))
            continue;
        const Expression *offset = pixel_offset(conv, products->run, products->input, p);
        int pair = -1, width = 0;
        for (int v = 0; v < registers->vectors; v++) {
            int sum = registers->accumulators[p][v];
            if (registers->widths[v] != width)
                pair = load_input_pair(
                    conv, products->parameter, offset, registers->widths[v], products->channels);
            width = registers->widths[v];
            kernel_pair_add(conv->builder, sum, pair, weights[v], sum);
        }
    }
}

/* Input of f32: the products with the first or the second number of each pair. */
static void emit_widened_products(const PairProducts *products, const int *weights, int which) {
    const Convolution *conv = products->conv;
    KernelBuilder *builder = conv->builder;
    const TileRegisters *registers = products->registers;
    InstructionKind widen = which == 0 ? INSTRUCTION_widen_even : INSTRUCTION_widen_odd;
    int widened[MAX_TILE_VECTORS];
    for (int v = 0; v < registers->vectors; v++) {
        widened[v] = kernel_register(builder, registers->widths[v]);
        kernel_unary(builder, widen, widened[v], weights[v]);
    }
    const Expression *input =
        expression_offset(conv->arena, products->input, which * products->run->channel_stride);
    for (int p = 0; p < products->tile->pixels; p++) {
        if (!column_inside(conv, products->tile, p))
            continue;
        const Expression *offset = pixel_offset(conv, products->run, input, p);
        int value = -1, width = 0;
        for (int v = 0; v < registers->vectors; v++) {
            int sum = registers->accumulators[p][v];
            if (registers->widths[v] != width) {
                value = kernel_register(builder, registers->widths[v]);
                kernel_broadcast(builder, value, products->parameter, offset);
            }
            width = registers->widths[v];
            kernel_multiply_add(builder, sum, value, widened[v], sum);
        }
    }
}

void emit_pair_products(const PairProducts *products) {
    const Convolution *conv = products->conv;
    int weights[MAX_TILE_VECTORS];
    load_pairs(conv, products->registers, products->weights, weights);
    if (conv->input->element == LANE_BF16) {
        emit_pair_sums(products, weights);
        return;
    }
    for (int i = 0; i < products->channels; i++)
        emit_widened_products(products, weights, i);
}
