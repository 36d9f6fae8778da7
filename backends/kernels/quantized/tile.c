/* One register tile of a convolution of bytes: pixels x vectors of sums. */
#include "backends/kernels/emit.h"
#include "backends/kernels/quantized/quantized.h"
#include "backends/program/math.h"
#include "backends/program/placement.h"
#include "backends/schedule/shape.h"
#include "ir/arena.h"
#include "ir/kernel.h"
#include <assert.h>

enum { MAX_QUANTIZED_PIXELS = 8, UNROLLED_PRODUCTS = 100 };

typedef struct TileRegisters {
    int sums[MAX_QUANTIZED_PIXELS][MAX_BLOCK_VECTORS];
} TileRegisters;

static const Expression *times(
    const QuantizedConvolution *conv, const Expression *a, int64_t factor) {
    return expression_multiply(conv->arena, a, factor);
}

/* Where `each` numbers a block begin for this tile's block. */
static const Expression *block_offset(const QuantizedConvolution *conv, const QuantizedTile *tile,
    int64_t group_size, int64_t first, int64_t each) {
    return expression_sum(conv->arena, times(conv, tile->group, group_size),
        times(conv, tile->index, each), expression_constant(conv->arena, first), NULL);
}

static const Expression *scale_offset(
    const QuantizedConvolution *conv, const QuantizedTile *tile, int part, int vector) {
    const QuantizedBlock *block = tile->block;
    int64_t lanes = (int64_t)block->vectors * block->lanes;
    return expression_offset(conv->arena,
        block_offset(conv, tile, conv->group_scales, block->scales, 3 * lanes),
        part * lanes + (int64_t)vector * block->lanes);
}

static void start_sums(
    const QuantizedConvolution *conv, const QuantizedTile *tile, TileRegisters *registers) {
    KernelBuilder *builder = conv->builder;
    const QuantizedBlock *block = tile->block;
    for (int v = 0; v < block->vectors; v++) {
        int start = kernel_register_of(builder, LANE_S32, block->lanes);
        kernel_load(builder, start, conv->scales, scale_offset(conv, tile, 0, v), 0, block->lanes);
        for (int p = 0; p < tile->pixels; p++) {
            registers->sums[p][v] = kernel_register_of(builder, LANE_S32, block->lanes);
            kernel_unary(builder, INSTRUCTION_move, registers->sums[p][v], start);
        }
    }
}

/* ---- products ---- */

/* The tap that is looked at: its row is within the input. */
typedef struct Tap {
    const Expression *row, *column; /* of the window */
} Tap;

/* Whether the tap of pixel p lies inside the input's columns; at edges column and tap are constant.
 */
static bool column_inside(
    const QuantizedConvolution *conv, const QuantizedTile *tile, const Tap *tap, int p) {
    int64_t first = 0, column = 0;
    if (tile->interior)
        return true;
    bool constant = expression_is_constant(tile->column, &first) &&
                    expression_is_constant(tap->column, &column);
    assert(constant);
    (void)constant;
    const Window *window = &conv->window;
    int64_t at =
        (first + p) * window->stride[1] - window->padding[1] + column * window->dilation[1];
    return at >= 0 && at < conv->width_in;
}

static void emit_quad(const QuantizedConvolution *conv, const QuantizedTile *tile, const Tap *tap,
    const TileRegisters *registers, int parameter, const Expression *input, int64_t pixel_step,
    const Expression *weights) {
    KernelBuilder *builder = conv->builder;
    const QuantizedBlock *block = tile->block;
    int bytes = 4 * block->lanes, vectors[MAX_BLOCK_VECTORS];
    for (int v = 0; v < block->vectors; v++) {
        vectors[v] = kernel_register_of(builder, LANE_U8, bytes);
        kernel_load(builder, vectors[v], conv->weights,
            expression_offset(conv->arena, weights, (int64_t)v * bytes), 0, bytes);
    }
    for (int p = 0; p < tile->pixels; p++) {
        if (!column_inside(conv, tile, tap, p))
            continue;
        int quad = kernel_register_of(builder, LANE_U8, bytes);
        kernel_broadcast_quad(
            builder, quad, parameter, expression_offset(conv->arena, input, p * pixel_step));
        for (int v = 0; v < block->vectors; v++)
            kernel_dot_add(builder, registers->sums[p][v], quad, vectors[v], registers->sums[p][v]);
    }
}

/* Offset of the first pixel's tap in the run, at `channel` of it. */
static const Expression *input_offset(const QuantizedConvolution *conv, const QuantizedTile *tile,
    const Tap *tap, const Run *run, const Expression *channel) {
    Arena *arena = conv->arena;
    const Window *window = &conv->window;
    const Expression *offset = expression_sum(arena, channel,
        times(conv, tile->column, window->stride[1] * run->pixel_stride),
        times(conv, tap->column, window->dilation[1] * run->pixel_stride),
        times(conv, tile->group, conv->group_shift),
        expression_constant(arena, run->displacement - window->padding[1] * run->pixel_stride),
        NULL);
    if (conv->flat)
        return offset;
    return expression_sum(arena, offset, times(conv, tile->image, run->image_stride),
        window_row_offset(arena, window, run, tile->row, tap->row), NULL);
}

/* All quads of a segment; their weights begin `quads` quads behind those of the tap. */
static void emit_segment(const QuantizedConvolution *conv, const QuantizedTile *tile,
    const Tap *tap, const TileRegisters *registers, const QuantizedSegment *segment,
    const Expression *channel, const Expression *weights) {
    KernelBuilder *builder = conv->builder;
    Arena *arena = conv->arena;
    const QuantizedBlock *block = tile->block;
    const Run *run = &conv->input->runs[segment->run];
    int parameter = conv->input_parameters[segment->run];
    int64_t quads = (segment->count + 3) / 4, step = conv->window.stride[1] * run->pixel_stride;
    int64_t quad_weights = 4 * (int64_t)block->vectors * block->lanes;
    const Expression *input = input_offset(conv, tile, tap, run, channel);
    int64_t products = tile->pixels * block->vectors;
    int64_t together = UNROLLED_PRODUCTS / products;
    together = together < 1 ? 1 : together > 4 ? 4 : together;
    int64_t looped = quads <= together ? 0 : quads / together * together;
    if (looped > 0) {
        const Expression *first = kernel_open_range(builder, "quad", 0, looped, together);
        for (int64_t i = 0; i < together; i++)
            emit_quad(conv, tile, tap, registers, parameter,
                expression_offset(
                    arena, expression_add(arena, input, times(conv, first, 4)), 4 * i),
                step,
                expression_offset(arena,
                    expression_add(arena, weights, times(conv, first, quad_weights)),
                    i * quad_weights));
        kernel_close(builder);
    }
    for (int64_t i = looped; i < quads; i++)
        emit_quad(conv, tile, tap, registers, parameter, expression_offset(arena, input, 4 * i),
            step, expression_offset(arena, weights, i * quad_weights));
}

static void emit_tap(const QuantizedConvolution *conv, const QuantizedTile *tile, const Tap *tap,
    const TileRegisters *registers) {
    Arena *arena = conv->arena;
    const QuantizedBlock *block = tile->block;
    int64_t quad_weights = 4 * (int64_t)block->vectors * block->lanes, group = 0;
    int64_t tap_weights = conv->group_quads * quad_weights;
    int64_t row_weights = conv->window.kernel[1] * tap_weights;
    const Expression *weights = expression_sum(arena,
        block_offset(
            conv, tile, conv->group_weights, block->weights, conv->window.kernel[0] * row_weights),
        times(conv, tap->row, row_weights), times(conv, tap->column, tap_weights), NULL);
    if (conv->input->run_count == 1) {
        const QuantizedSegment all = {.count = conv->group_inputs};
        emit_segment(conv, tile, tap, registers, &all, times(conv, tile->group, conv->group_inputs),
            weights);
        return;
    }
    (void)expression_is_constant(tile->group, &group); /* else a loop: that of group 0 */
    int count;
    const QuantizedSegment *segments = quantized_segments(conv, group, &count);
    for (int i = 0; i < count; i++) {
        emit_segment(conv, tile, tap, registers, &segments[i],
            expression_constant(arena, segments[i].channel), weights);
        weights = expression_offset(arena, weights, (segments[i].count + 3) / 4 * quad_weights);
    }
}

static void emit_taps(
    const QuantizedConvolution *conv, const QuantizedTile *tile, const TileRegisters *registers) {
    KernelBuilder *builder = conv->builder;
    const Expression *begin = expression_constant(conv->arena, 0);
    const Expression *end = expression_constant(conv->arena, conv->window.kernel[0]);
    if (!conv->flat)
        window_rows(conv->arena, &conv->window, conv->input->height, conv->output->height,
            tile->row, &begin, &end);
    Tap tap = {.row = kernel_open_for(builder, "kernel_row", begin, end, 1)};
    if (tile->interior) {
        tap.column = kernel_open_range(builder, "tap", 0, conv->window.kernel[1], 1);
        emit_tap(conv, tile, &tap, registers);
        kernel_close(builder);
    }
    for (int64_t column = 0; !tile->interior && column < conv->window.kernel[1]; column++) {
        bool reaches = false;
        tap.column = expression_constant(conv->arena, column);
        for (int p = 0; p < tile->pixels; p++)
            reaches = reaches || column_inside(conv, tile, &tap, p);
        if (reaches)
            emit_tap(conv, tile, &tap, registers);
    }
    kernel_close(builder);
}

/* ---- results ---- */

static const Expression *output_offset(const QuantizedConvolution *conv, const QuantizedTile *tile,
    const Run *run, int p, const Expression *channel) {
    Arena *arena = conv->arena;
    const Expression *offset =
        expression_sum(arena, channel, times(conv, tile->column, run->pixel_stride),
            expression_constant(arena, run->displacement + p * run->pixel_stride), NULL);
    if (conv->flat)
        return offset;
    return expression_sum(arena, offset, times(conv, tile->image, run->image_stride),
        row_offset(arena, run, tile->row), NULL);
}

/* Stores `count` channels from the block's channel `skipped` on, where each lies. */
static void store_channels(const QuantizedConvolution *conv, const QuantizedTile *tile, int p,
    int64_t skipped, int64_t count, int reg) {
    KernelBuilder *builder = conv->builder;
    Arena *arena = conv->arena;
    const Expression *channel = expression_sum(arena, times(conv, tile->group, conv->group_outputs),
        times(conv, tile->index, tile->block->count),
        expression_constant(arena, tile->block->first + skipped), NULL);
    if (tile->output_run >= 0) {
        const Run *run = &conv->output->runs[tile->output_run];
        kernel_store(builder, reg, conv->output_parameters[tile->output_run],
            output_offset(
                conv, tile, run, p, expression_offset(arena, channel, -run->first_channel)),
            0, (int)count);
        return;
    }
    int64_t first = 0;
    bool constant = expression_is_constant(channel, &first);
    assert(constant);
    (void)constant;
    for (int i = 0; i < conv->output->run_count; i++) {
        const Run *run = &conv->output->runs[i];
        RunPart part = run_part(run, first, first + count);
        if (part.count > 0)
            kernel_store(builder, reg, conv->output_parameters[i],
                output_offset(conv, tile, run, p,
                    expression_constant(arena, part.first - run->first_channel)),
                (int)(part.first - first), (int)part.count);
    }
}

/* Four vectors of integers as one of bytes. */
static int pack_vectors(KernelBuilder *builder, const int *vectors, int lanes) {
    int low = kernel_register_of(builder, LANE_S16, 2 * lanes);
    int high = kernel_register_of(builder, LANE_S16, 2 * lanes);
    int bytes = kernel_register_of(builder, LANE_U8, 4 * lanes);
    kernel_binary(builder, INSTRUCTION_pack, low, vectors[0], vectors[1]);
    kernel_binary(builder, INSTRUCTION_pack, high, vectors[2], vectors[3]);
    kernel_binary(builder, INSTRUCTION_pack, bytes, low, high);
    return bytes;
}

/* results[p][v]: the sums times factor plus offset; integers where results are bytes. */
static void scale_sums(const QuantizedConvolution *conv, const QuantizedTile *tile,
    const TileRegisters *registers, TileRegisters *results) {
    KernelBuilder *builder = conv->builder;
    int lanes = tile->block->lanes;
    for (int v = 0; v < tile->block->vectors; v++) {
        int factor = kernel_register(builder, lanes), offset = kernel_register(builder, lanes);
        kernel_load(builder, factor, conv->scales, scale_offset(conv, tile, 1, v), 0, lanes);
        kernel_load(builder, offset, conv->scales, scale_offset(conv, tile, 2, v), 0, lanes);
        for (int p = 0; p < tile->pixels; p++) {
            int number = kernel_register(builder, lanes);
            kernel_unary(builder, INSTRUCTION_to_float, number, registers->sums[p][v]);
            kernel_multiply_add(builder, number, number, factor, offset);
            results->sums[p][v] = number;
            if (!conv->bytes)
                continue;
            results->sums[p][v] = kernel_register_of(builder, LANE_S32, lanes);
            kernel_unary(builder, INSTRUCTION_to_integer, results->sums[p][v], number);
        }
    }
}

static void store_vector(
    const QuantizedConvolution *conv, const QuantizedTile *tile, int p, int v, int reg) {
    int lanes = tile->block->lanes;
    int64_t left = tile->block->count - (int64_t)v * lanes;
    if (left <= 0)
        return;
    if (conv->bytes) {
        int bytes = kernel_register_of(conv->builder, LANE_U8, lanes);
        kernel_unary(conv->builder, INSTRUCTION_narrow, bytes, reg);
        reg = bytes;
    } else {
        emit_activation(conv->builder, conv->activation, reg);
    }
    store_channels(conv, tile, p, (int64_t)v * lanes, left < lanes ? left : lanes, reg);
}

void emit_quantized_tile(const QuantizedConvolution *conv, const QuantizedTile *tile) {
    TileRegisters registers, results;
    const QuantizedBlock *block = tile->block;
    assert(tile->pixels <= MAX_QUANTIZED_PIXELS);
    start_sums(conv, tile, &registers);
    emit_taps(conv, tile, &registers);
    scale_sums(conv, tile, &registers, &results);
    for (int p = 0; p < tile->pixels; p++) {
        if (block->packed)
            store_channels(conv, tile, p, 0, block->count,
                pack_vectors(conv->builder, results.sums[p], block->lanes));
        for (int v = 0; !block->packed && v < block->vectors; v++)
            store_vector(conv, tile, p, v, results.sums[p][v]);
    }
}
