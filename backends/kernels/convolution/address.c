/* Where a tile finds its inputs and weights. */
#include "backends/kernels/convolution/convolution.h"
#include "backends/kernels/emit.h"
#include "backends/program/math.h"
#include "backends/program/placement.h"
#include "ir/arena.h"
#include "ir/kernel.h"
#include <assert.h>

const Expression *tile_channel(const Convolution *conv, const ConvolutionTile *tile) {
    return expression_add(
        conv->arena, times(conv, tile->group, conv->group_outputs), tile->channel);
}

bool column_inside(const Convolution *conv, const ConvolutionTile *tile, int p) {
    int64_t first = 0, tap = 0;
    if (tile->interior)
        return true;
    bool constant =
        expression_is_constant(tile->column, &first) && expression_is_constant(tile->tap, &tap);
    assert(constant);
    (void)constant;
    int64_t column = (first + p) * conv->rows.window.stride[1] - conv->rows.window.padding[1] +
                     tap * conv->rows.window.dilation[1];
    return column >= 0 && column < conv->width_in;
}

/* Where the weights of the tile's vector v begin, from those of the tile. */
static int64_t vector_weights(const Convolution *conv, int channel) {
    int64_t block = conv->emission->compilation->weight_block;
    if (block == 0)
        return channel;
    const int64_t *kernel = conv->rows.window.kernel;
    return channel / block * block * conv->group_inputs * kernel[0] * kernel[1] + channel % block;
}

int as_multiplied(const Convolution *conv, int reg) {
    if (conv->product->weight != LANE_F16)
        return reg;
    return emit_as(
        conv->builder, emit_as(conv->builder, reg, conv->product->multiplied), conv->product->sum);
}

void load_tile_weights(const Convolution *conv, const TileRegisters *registers,
    const Expression *offset, int weights[MAX_TILE_VECTORS]) {
    KernelBuilder *builder = conv->builder;
    for (int v = 0; v < registers->vectors.count; v++) {
        weights[v] =
            kernel_register_of(builder, conv->product->weight, registers->vectors.widths[v]);
        kernel_load(builder, weights[v], conv->weights,
            expression_offset(
                conv->arena, offset, vector_weights(conv, registers->vectors.firsts[v])),
            0, registers->vectors.widths[v]);
        weights[v] = as_multiplied(conv, weights[v]);
    }
}

const Expression *pixel_offset(
    const Convolution *conv, const Run *run, const Expression *input_offset, int p) {
    return expression_offset(
        conv->arena, input_offset, p * conv->rows.window.stride[1] * run->pixel_stride);
}

const Expression *tap_input(const Convolution *conv, const ConvolutionTile *tile, const Run *run,
    const Expression *run_channel) {
    Arena *arena = conv->arena;
    const Window *window = &conv->rows.window;
    const Expression *input = expression_sum(arena, times(conv, run_channel, run->channel_stride),
        times(conv, tile->group, conv->group_shift),
        times(conv, column_in(arena, &conv->rows, run, tile->column),
            window->stride[1] * run->pixel_stride),
        times(conv, tile->tap, window->dilation[1] * run->pixel_stride),
        expression_constant(arena, run->displacement - window->padding[1] * run->pixel_stride),
        NULL);
    if (conv->flat)
        return input;
    return expression_sum(arena, input, times(conv, tile->image, run->image_stride),
        window_row_offset(arena, window, run, tile->row, tile->kernel_row), NULL);
}

/* Of the first channel. */
const Expression *tap_weights(const Convolution *conv, const ConvolutionTile *tile) {
    int64_t weights = conv->packed_inputs * weight_row(conv, tile);
    return expression_sum(conv->arena, tile->weight_offset,
        times(conv, tile->kernel_row, conv->rows.window.kernel[1] * weights),
        times(conv, tile->tap, weights), NULL);
}
