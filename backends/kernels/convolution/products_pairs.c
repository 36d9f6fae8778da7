/* The products of a tile whose weights are of bf16. They lie in pairs of input channels, so that
 * one load brings two for each lane. Where the input is of bf16, too, pairs of it are multiplied
 * and added in one instruction; where it is of f32, the weights are widened, and there are two
 * multiply-adds, as without pairs. */
#include "backends/kernels/convolution/convolution.h"
#include "backends/program/placement.h"
#include "backends/schedule/tile_model.h"
#include "ir/arena.h"
#include "ir/bf16.h"
#include "ir/kernel.h"
#include <assert.h>

static void load_pairs(const Convolution *conv, const TileRegisters *registers,
    const Expression *offset, int weights[MAX_TILE_VECTORS]) {
    for (int v = 0; v < registers->vectors.count; v++) {
        int numbers = 2 * registers->vectors.widths[v];
        weights[v] = kernel_register_of(conv->builder, LANE_BF16, numbers);
        kernel_load(conv->builder, weights[v], conv->weights,
            expression_offset(conv->arena, offset, 2 * registers->vectors.firsts[v]), 0, numbers);
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
static void emit_pair_sums(const GroupedProducts *products, const int *weights) {
    const Convolution *conv = products->conv;
    const TileRegisters *registers = products->registers;
    for (int p = 0; p < products->tile->pixels; p++) {
        if (!column_inside(conv, products->tile, p))
            continue;
        const Expression *offset = pixel_offset(conv, products->run, products->input, p);
        int pair = -1, width = 0;
        for (int v = 0; v < registers->vectors.count; v++) {
            int sum = registers->accumulators[p][v];
            if (registers->vectors.widths[v] != width)
                pair = load_input_pair(conv, products->parameter, offset,
                    registers->vectors.widths[v], products->channels);
            width = registers->vectors.widths[v];
            kernel_pair_add(conv->builder, sum, pair, weights[v], sum);
        }
    }
}

/* Input of f32: the products with the first or the second number of each pair. */
static void emit_widened_products(const GroupedProducts *products, const int *weights, int which) {
    const Convolution *conv = products->conv;
    KernelBuilder *builder = conv->builder;
    const TileRegisters *registers = products->registers;
    InstructionKind widen = which == 0 ? INSTRUCTION_widen_even : INSTRUCTION_widen_odd;
    int widened[MAX_TILE_VECTORS];
    for (int v = 0; v < registers->vectors.count; v++) {
        widened[v] = kernel_register(builder, registers->vectors.widths[v]);
        kernel_unary(builder, widen, widened[v], weights[v]);
    }
    const Expression *input =
        expression_offset(conv->arena, products->input, which * products->run->channel_stride);
    for (int p = 0; p < products->tile->pixels; p++) {
        if (!column_inside(conv, products->tile, p))
            continue;
        const Expression *offset = pixel_offset(conv, products->run, input, p);
        int value = -1, width = 0;
        for (int v = 0; v < registers->vectors.count; v++) {
            int sum = registers->accumulators[p][v];
            if (registers->vectors.widths[v] != width) {
                value = kernel_register(builder, registers->vectors.widths[v]);
                kernel_broadcast(builder, value, products->parameter, offset);
            }
            width = registers->vectors.widths[v];
            kernel_multiply_add(builder, sum, value, widened[v], sum);
        }
    }
}

void emit_pair_products(const GroupedProducts *products) {
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
