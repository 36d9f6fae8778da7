/* The products of a tile of bytes: four input channels at a time, a *quad*, meet the weights of a
 * vector of output channels in one instruction. Where a run ends within a quad, weights are zero,
 * and whatever byte follows does not matter. */
#include "backends/kernels/convolution/convolution.h"
#include "backends/schedule/tile_model.h"
#include "ir/arena.h"
#include "ir/kernel.h"

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
        int quad = kernel_register_of(builder, LANE_U8, bytes);
        kernel_broadcast_quad(
            builder, quad, products->parameter, pixel_offset(conv, products->run, input, p));
        for (int v = 0; v < registers->vectors.count; v++) {
            int sum = registers->accumulators[p][v];
            kernel_dot_add(builder, sum, quad, weights[v], sum);
        }
    }
}

void emit_quad_products(const GroupedProducts *products) {
    const Convolution *conv = products->conv;
    int64_t row = weight_row(conv, products->tile);
    for (int channel = 0; channel < products->channels; channel += QUAD)
        emit_quad(products, expression_offset(conv->arena, products->input, channel),
            expression_offset(conv->arena, products->weights, channel * row));
}
