/* The products of a tile of bytes: four input channels at a time, a *quad*, meet the weights of a
 * vector of output channels in one instruction; or in two, of channels 0 and 2 and of 1 and 3,
 * where weights are of 16 bits. Where the product takes a lane of a vector, a load brings four
 * quads. Where inputs are flipped, cells outside of the input count as the 0 that they stand for.
 * Where a run ends within a quad, weights are zero, and whatever byte follows does not matter. */
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

/* ---- quads that are lanes of a vector ---- */

enum { LANE_QUADS = 4, LANE_BYTES = LANE_QUADS * QUAD };

static void emit_dot(const Convolution *conv, int sum, int inputs, int weights) {
    if (conv->product->needs == NEEDS_STEPS)
        kernel_half_dot_add(conv->builder, sum, inputs, weights, sum);
    else if (flips_inputs(conv->product))
        kernel_signed_dot_add(conv->builder, sum, inputs, weights, sum);
    else
        kernel_dot_add(conv->builder, sum, inputs, weights, sum);
}

static int load_weights(
    const Convolution *conv, const TileRegisters *registers, const Expression *at, int v) {
    int weights = kernel_register_of(conv->builder, LANE_U8, LANE_BYTES);
    kernel_load(conv->builder, weights, conv->weights,
        expression_offset(conv->arena, at, QUAD * registers->vectors.firsts[v]), 0, LANE_BYTES);
    return weights;
}

static int flipped_zeros(const Convolution *conv) {
    int zeros = kernel_register_of(conv->builder, LANE_U8, LANE_BYTES);
    kernel_splat(conv->builder, zeros, 128);
    return zeros;
}

/* The channels of the tile's pixel p, as they are multiplied; -1: nothing is. */
static int load_pixel(const GroupedProducts *products, int p) {
    const Convolution *conv = products->conv;
    KernelBuilder *builder = conv->builder;
    bool flips = flips_inputs(conv->product);
    if (!column_inside(conv, products->tile, p))
        return flips ? flipped_zeros(conv) : -1;
    int bytes = kernel_register_of(builder, LANE_U8, LANE_BYTES);
    const Expression *offset = pixel_offset(conv, products->run, products->input, p);
    kernel_load(builder, bytes, products->parameter, offset, 0, LANE_BYTES);
    if (flips)
        kernel_unary(builder, INSTRUCTION_flip, bytes, bytes);
    return bytes;
}

/* One of the quads in all lanes; in halves, if products take them so. */
static int spread_quad(const Convolution *conv, int bytes, int quad) {
    static const int same_quads[LANE_QUADS][LANE_BYTES] = {
        {0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3},
        {4, 5, 6, 7, 4, 5, 6, 7, 4, 5, 6, 7, 4, 5, 6, 7},
        {8, 9, 10, 11, 8, 9, 10, 11, 8, 9, 10, 11, 8, 9, 10, 11},
        {12, 13, 14, 15, 12, 13, 14, 15, 12, 13, 14, 15, 12, 13, 14, 15}};
    static const int same_halves[LANE_QUADS][LANE_BYTES] = {
        {0, 1, 0, 1, 0, 1, 0, 1, 2, 3, 2, 3, 2, 3, 2, 3},
        {4, 5, 4, 5, 4, 5, 4, 5, 6, 7, 6, 7, 6, 7, 6, 7},
        {8, 9, 8, 9, 8, 9, 8, 9, 10, 11, 10, 11, 10, 11, 10, 11},
        {12, 13, 12, 13, 12, 13, 12, 13, 14, 15, 14, 15, 14, 15, 14, 15}};
    bool halves = conv->product->needs == NEEDS_STEPS;
    int spread = kernel_register_of(conv->builder, LANE_U8, LANE_BYTES);
    kernel_permute(
        conv->builder, spread, bytes, bytes, halves ? same_halves[quad] : same_quads[quad]);
    return spread;
}

static void emit_lane_quads(const GroupedProducts *products, int64_t row) {
    const Convolution *conv = products->conv;
    const TileRegisters *registers = products->registers;
    int pixels[MAX_TILE_PIXELS], quads[MAX_TILE_PIXELS];
    for (int p = 0; p < products->tile->pixels; p++)
        pixels[p] = load_pixel(products, p);
    for (int channel = 0; channel < products->channels; channel += QUAD) {
        const Expression *at = expression_offset(conv->arena, products->weights, channel * row);
        for (int p = 0; p < products->tile->pixels; p++)
            if (pixels[p] >= 0)
                quads[p] = spread_quad(conv, pixels[p], channel / QUAD);
        for (int v = 0; v < registers->vectors.count; v++) {
            int weights = load_weights(conv, registers, at, v);
            for (int p = 0; p < products->tile->pixels; p++)
                if (pixels[p] >= 0)
                    emit_dot(conv, registers->accumulators[p][v], quads[p], weights);
        }
    }
}

bool takes_quads_of_rows(const Convolution *conv, const ConvolutionTile *tile) {
    return conv->product->input == LANE_U8 && conv->product->operand == OPERAND_LANE &&
           tile->interior && conv->input->run_count == 1 &&
           conv->input->runs[0].pixel_stride == QUAD && conv->packed_inputs == QUAD &&
           conv->rows.window.dilation[1] == 1 && conv->rows.window.kernel[1] <= LANE_QUADS;
}

void emit_rows_of_quads(
    const Convolution *conv, ConvolutionTile *tile, const TileRegisters *registers) {
    tile->tap = expression_constant(conv->arena, 0);
    const Run *run = &conv->input->runs[0];
    const GroupedProducts row = {conv, tile, registers, run, conv->input_parameters[0],
        tap_input(conv, tile, run, times(conv, tile->group, conv->group_inputs)),
        tap_weights(conv, tile), (int)conv->rows.window.kernel[1] * QUAD};
    emit_lane_quads(&row, weight_row(conv, tile));
}

void emit_outside_rows(const Convolution *conv, ConvolutionTile *tile,
    const TileRegisters *registers, const Expression *begin, const Expression *end) {
    KernelBuilder *builder = conv->builder;
    tile->kernel_row = kernel_open_for(builder, "outside_row", begin, end, 1);
    tile->tap = kernel_open_range(builder, "tap", 0, conv->rows.window.kernel[1], 1);
    const Expression *channel = kernel_open_range(builder, "channel", 0, conv->packed_inputs, QUAD);
    const Expression *at = expression_add(
        conv->arena, tap_weights(conv, tile), times(conv, channel, weight_row(conv, tile)));
    int zeros = flipped_zeros(conv);
    for (int v = 0; v < registers->vectors.count; v++) {
        int weights = load_weights(conv, registers, at, v);
        for (int p = 0; p < tile->pixels; p++)
            emit_dot(conv, registers->accumulators[p][v], zeros, weights);
    }
    for (int i = 0; i < 3; i++)
        kernel_close(builder);
}

void emit_quad_products(const GroupedProducts *products) {
    const Convolution *conv = products->conv;
    int64_t row = weight_row(conv, products->tile);
    if (conv->product->operand == OPERAND_LANE) {
        emit_lane_quads(products, row);
        return;
    }
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
