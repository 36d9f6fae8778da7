/* The products of a tile of bytes: four input channels at a time, a *quad*, meet the weights of a
 * vector of output channels in one instruction; or in two, of channels 0 and 2 and of 1 and 3,
 * where weights are of 16 bits. Where a run ends within a quad, weights are zero, and whatever byte
 * follows does not matter. */
#include "backends/kernels/convolution/convolution.h"
#include "backends/schedule/tile_model.h"
#include "ir/arena.h"
#include "ir/kernel.h"

static int load_quad(const GroupedProducts *products, const Expression *input, int p, int bytes) {
    const Convolution *conv = products->conv;
    int quad = kernel_register_of(conv->builder, LANE_U8, bytes);
    kernel_broadcast_quad(
        conv->builder, quad, products->parameter, pixel_offset(conv, products->run, input, p));
    return quad;
}

static void emit_quad(
    const GroupedProducts *products, const Expression *input, const Expression *at) {
    const Convolution *conv = products->conv;
    const TileRegisters *registers = products->registers;
    KernelBuilder *builder = conv->builder;
    int bytes = QUAD * registers->vectors.widths[0], weights[MAX_TILE_VECTORS];
    for (int v = 0; v < registers->vectors.count; v++) {
        weights[v] = kernel_register_of(builder, LANE_U8, bytes);
        kernel_load(builder, weights[v], conv->weights,
            expression_offset(conv->arena, at, QUAD * registers->vectors.firsts[v]), 0, bytes);
    }
    for (int p = 0; p < products->tile->pixels; p++) {
        if (!column_inside(conv, products->tile, p))
            continue;
        int quad = load_quad(products, input, p, bytes);
        for (int v = 0; v < registers->vectors.count; v++) {
            int sum = registers->accumulators[p][v];
            kernel_dot_add(builder, sum, quad, weights[v], sum);
        }
    }
}

/* Weights are loaded late, since those of a vector serve few pixels. */
static void emit_wide_quad(
    const GroupedProducts *products, const Expression *input, const Expression *at) {
    static const InstructionKind widen[2] = {INSTRUCTION_widen_even, INSTRUCTION_widen_odd};
    const Convolution *conv = products->conv;
    const TileRegisters *registers = products->registers;
    KernelBuilder *builder = conv->builder;
    int lanes = registers->vectors.widths[0], inputs[MAX_TILE_PIXELS][2];
    for (int p = 0; p < products->tile->pixels; p++) {
        if (!column_inside(conv, products->tile, p))
            continue;
        int quad = load_quad(products, input, p, QUAD * lanes);
        for (int half = 0; half < 2; half++) {
            inputs[p][half] = kernel_register_of(builder, LANE_S16, 2 * lanes);
            kernel_unary(builder, widen[half], inputs[p][half], quad);
        }
    }
    for (int v = 0; v < registers->vectors.count; v++)
        for (int half = 0; half < 2; half++) {
            int weights = kernel_register_of(builder, LANE_S16, 2 * lanes);
            kernel_load(builder, weights, conv->weights,
                expression_offset(
                    conv->arena, at, QUAD * registers->vectors.firsts[v] + half * 2 * lanes),
                0, 2 * lanes);
            for (int p = 0; p < products->tile->pixels; p++) {
                int sum = registers->accumulators[p][v];
                if (column_inside(conv, products->tile, p))
                    kernel_pair_add(builder, sum, inputs[p][half], weights, sum);
            }
        }
}

void emit_quad_products(const GroupedProducts *products) {
    const Convolution *conv = products->conv;
    int64_t row = weight_row(conv, products->tile);
    bool wide = conv->product->weight == LANE_S16;
    for (int channel = 0; channel < products->channels; channel += QUAD) {
        const Expression *input = expression_offset(conv->arena, products->input, channel);
        const Expression *at = expression_offset(conv->arena, products->weights, channel * row);
        if (wide)
            emit_wide_quad(products, input, at);
        else
            emit_quad(products, input, at);
    }
}
