/* What follows the sums of a tile of bytes. For each panel `biases` has what its lanes start with
 * (integers), the factors and the offsets that make numbers of sums; vectors of integers become
 * bytes, all of a panel at once. */
#include "backends/kernels/convolution/convolution.h"
#include "backends/kernels/emit.h"
#include "backends/program/math.h"
#include "backends/schedule/tile_model.h"
#include "ir/arena.h"
#include "ir/kernel.h"

void load_scale(const Convolution *conv, const ConvolutionTile *tile, const PanelVectors *vectors,
    ScaleKind kind, int v, int reg) {
    const Expression *offset = expression_sum(conv->arena,
        times(conv, tile->group, conv->group_scales),
        times(conv, tile->panel, SCALE_KINDS * conv->blocking.panel_channels),
        expression_constant(conv->arena, (int)kind * vectors->lanes + vectors->firsts[v]), NULL);
    kernel_load(conv->builder, reg, conv->biases, offset, 0, vectors->widths[v]);
}

/* results[p][v]: the sums times factor plus offset; integers where results are bytes. */
static void scale_sums(const Convolution *conv, const ConvolutionTile *tile,
    const TileRegisters *registers, int results[MAX_TILE_PIXELS][MAX_TILE_VECTORS]) {
    KernelBuilder *builder = conv->builder;
    const PanelVectors *vectors = &registers->vectors;
    for (int v = 0; v < vectors->count; v++) {
        int lanes = vectors->widths[v];
        int factor = kernel_register(builder, lanes), offset = kernel_register(builder, lanes);
        load_scale(conv, tile, vectors, SCALE_FACTOR, v, factor);
        load_scale(conv, tile, vectors, SCALE_OFFSET, v, offset);
        for (int p = 0; p < tile->pixels; p++) {
            int number = kernel_register(builder, lanes);
            kernel_unary(builder, INSTRUCTION_to_float, number, registers->accumulators[p][v]);
            kernel_multiply_add(builder, number, number, factor, offset);
            results[p][v] = number;
            if (conv->output->element != LANE_U8)
                continue;
            results[p][v] = kernel_register_of(builder, LANE_S32, lanes);
            kernel_unary(builder, INSTRUCTION_to_integer, results[p][v], number);
        }
    }
}

static void store_vector(const Convolution *conv, const ConvolutionTile *tile,
    const PanelVectors *vectors, int p, int v, int reg) {
    int lanes = vectors->widths[v], first = vectors->firsts[v];
    int64_t left = tile->channel_count - first;
    if (left <= 0)
        return;
    if (conv->output->element != LANE_U8) {
        emit_convolution_result(conv, tile, p, first, reg, lanes);
        return;
    }
    int bytes = kernel_register_of(conv->builder, LANE_U8, lanes);
    kernel_unary(conv->builder, INSTRUCTION_narrow, bytes, reg);
    const Expression *channel = expression_offset(conv->arena, tile_channel(conv, tile), first);
    store_lanes(
        conv, tile, &(PixelLanes){channel, p, 0, (int)(left < lanes ? left : lanes)}, bytes);
}

void finish_byte_sums(
    const Convolution *conv, const ConvolutionTile *tile, const TileRegisters *registers) {
    const PanelVectors *vectors = &registers->vectors;
    int results[MAX_TILE_PIXELS][MAX_TILE_VECTORS];
    scale_sums(conv, tile, registers, results);
    for (int p = 0; p < tile->pixels; p++) {
        if (vectors->packed)
            store_lanes(conv, tile,
                &(PixelLanes){tile_channel(conv, tile), p, 0, (int)tile->channel_count},
                emit_packed_bytes(conv->builder, results[p], vectors->count, vectors->widths[0]));
        for (int v = 0; !vectors->packed && v < vectors->count; v++)
            store_vector(conv, tile, vectors, p, v, results[p][v]);
    }
}
