/* The products of a tile on targets whose multiply-add takes one lane of a register for all: a load
 * brings several numbers of the input, in place of one broadcast for each. */
#include "backends/kernels/convolution/convolution.h"
#include "backends/kernels/emit.h"
#include "backends/program/placement.h"
#include "backends/schedule/shape.h"
#include "backends/schedule/tile_model.h"
#include "backends/target/target.h"
#include "ir/arena.h"
#include "ir/kernel.h"
#include <assert.h>

/* A register for a vector of the input. */
static int new_values(const Convolution *conv) {
    return kernel_register_of(conv->builder, conv->product->input,
        sum_lanes(conv->emission->compilation->target, conv->product));
}

/* The multiply-adds of one pixel by a lane of a register. */
static void emit_lane_row(const Convolution *conv, const TileRegisters *registers,
    const int *accumulators, int values, int lane, const int *weights) {
    KernelBuilder *builder = conv->builder;
    int lanes = sum_lanes(conv->emission->compilation->target, conv->product);
    LaneType type = builder->kernel->register_types[values];
    int value = kernel_register_of(builder, type, lanes);
    int *same_lanes = ARENA_ARRAY(conv->arena, int, lanes);
    for (int i = 0; i < lanes; i++)
        same_lanes[i] = lane;
    kernel_permute(builder, value, values, values, same_lanes);
    for (int v = 0; v < registers->vectors.count; v++) {
        assert(registers->vectors.widths[v] == lanes);
        kernel_multiply_add(builder, accumulators[v], value, weights[v], accumulators[v]);
    }
}

/* The same of up to as many channels as a vector has lanes, for targets whose multiply-add takes
 * one lane of a register for all: a pixel's channels are one load. */
void emit_lane_products(const Convolution *conv, const ConvolutionTile *tile,
    const TileRegisters *registers, const Run *run, int parameter, const Expression *input_offset,
    const Expression *weight_offset, int channels) {
    KernelBuilder *builder = conv->builder;
    int values[MAX_TILE_PIXELS];
    for (int p = 0; p < tile->pixels; p++) {
        values[p] = new_values(conv);
        if (!column_inside(conv, tile, p))
            continue;
        emit_vector_load(builder, values[p], parameter, pixel_offset(conv, run, input_offset, p),
            channels, run->exact);
        values[p] = as_multiplied(conv, values[p]);
    }
    for (int channel = 0; channel < channels; channel++) {
        int weights[MAX_TILE_VECTORS];
        load_tile_weights(conv, registers,
            expression_offset(conv->arena, weight_offset, channel * weight_row(conv, tile)),
            weights);
        for (int p = 0; p < tile->pixels; p++) {
            if (!column_inside(conv, tile, p))
                continue;
            emit_lane_row(conv, registers, registers->accumulators[p], values[p], channel, weights);
        }
    }
}

/* The columns of a planar input that the taps of a kernel row look at. */
static int64_t row_span(const Convolution *conv, const ConvolutionTile *tile) {
    const Window *window = &conv->rows.window;
    return (tile->pixels - 1) * window->stride[1] + (window->kernel[1] - 1) * window->dilation[1] +
           1;
}

/* Whether they are loaded as a few vectors, of which multiply-adds take lanes. */
bool takes_lanes_of_rows(
    const Convolution *conv, const ConvolutionTile *tile, const TileRegisters *registers) {
    const Target *target = conv->emission->compilation->target;
    int64_t span = row_span(conv, tile), lanes = sum_lanes(target, conv->product);
    int64_t products = conv->rows.window.kernel[1] * tile->pixels * registers->vectors.count;
    return conv->product->operand == OPERAND_LANE && conv->product->input == LANE_F32 &&
           tile->interior && conv->input->run_count == 1 &&
           conv->input->runs[0].pixel_stride == 1 && span >= lanes &&
           span <= tile->pixels * lanes && products <= UNROLLED_MULTIPLY_ADDS;
}

/* The taps of one kernel row and one input channel. The last vector of a row ends where the row
 * does, so that nothing behind it is read. */
static void emit_row_products(const Convolution *conv, ConvolutionTile *tile,
    const TileRegisters *registers, const Expression *input, const Expression *weight) {
    KernelBuilder *builder = conv->builder;
    const Window *window = &conv->rows.window;
    int lanes = sum_lanes(conv->emission->compilation->target, conv->product);
    int columns[MAX_TILE_PIXELS];
    int64_t span = row_span(conv, tile), last = span - lanes;
    for (int64_t first = 0; first < span; first += lanes) {
        int reg = new_values(conv);
        kernel_load(builder, reg, conv->input_parameters[0],
            expression_offset(conv->arena, input, first < last ? first : last), 0, lanes);
        columns[first / lanes] = as_multiplied(conv, reg);
    }
    for (int64_t tap = 0; tap < window->kernel[1]; tap++) {
        int weights[MAX_TILE_VECTORS];
        load_tile_weights(conv, registers,
            expression_offset(
                conv->arena, weight, tap * conv->group_inputs * weight_row(conv, tile)),
            weights);
        for (int p = 0; p < tile->pixels; p++) {
            int64_t column = p * window->stride[1] + tap * window->dilation[1];
            int64_t first = column / lanes * lanes, begin = first < last ? first : last;
            emit_lane_row(conv, registers, registers->accumulators[p], columns[column / lanes],
                (int)(column - begin), weights);
        }
    }
}

void emit_rows_by_lane(
    const Convolution *conv, ConvolutionTile *tile, const TileRegisters *registers) {
    Arena *arena = conv->arena;
    tile->tap = expression_constant(arena, 0);
    int64_t part = conv->blocking.parts.inputs + conv->blocking.parts.taps > 0
                       ? (convolution_sum_part(&conv->sizes) - 1) / conv->rows.window.kernel[1] + 1
                       : 0;
    const Expression *channel = open_parts(
        conv, "channel", tile->tap, expression_constant(arena, conv->group_inputs), 1, part);
    const Expression *run_channel =
        expression_add(arena, times(conv, tile->group, conv->group_inputs), channel);
    emit_row_products(conv, tile, registers,
        tap_input(conv, tile, &conv->input->runs[0], run_channel),
        expression_add(
            arena, tap_weights(conv, tile), times(conv, channel, weight_row(conv, tile))));
    close_parts(conv, tile, registers, part);
}
