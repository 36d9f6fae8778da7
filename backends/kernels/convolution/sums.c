/* The sums of a tile: where they begin, and how long ones are taken in parts.
 *
 * A register that thousands of products are added to loses their last bits. So where an output has
 * more than LONGEST_SUM of them, each part of them begins with zero and is then added to the total.
 * A flat convolution whose input channels are cut into blocks for the cache has its totals in
 * memory between the blocks: there each block is a part. Any other one holds its totals in
 * registers, beside those of the parts, of which compilers keep the former on the stack while they
 * are not needed.
 *
 * Sums of fp16 are shorter: each part is one of so many products as were asked for, and the totals
 * are of f32, also in memory between blocks of input channels. */
#include "backends/kernels/convolution/convolution.h"
#include "backends/kernels/emit.h"
#include "backends/program/part_sum.h"
#include "backends/schedule/sum_parts.h"
#include "backends/schedule/tile_model.h"
#include "ir/kernel.h"
#include <string.h>

static bool has_totals(const Convolution *conv) {
    return conv->blocking.parts.inputs + conv->blocking.parts.taps + conv->blocking.parts.rows > 0;
}

/* Totals of a wider type than the sums of parts. */
static bool has_wide_totals(const Convolution *conv) {
    return has_totals(conv) && conv->product->sum == LANE_F16;
}

LaneType total_type(const Convolution *conv) {
    return has_wide_totals(conv) ? LANE_F32 : conv->product->sum;
}

/* ---- between blocks of input channels ---- */

/* Where the sums of pixel p, from channel `first` on, wait for the next block of input channels. */
static const Expression *partial_sum_offset(
    const Convolution *conv, const ConvolutionTile *tile, int p, int first) {
    const Expression *before =
        expression_add(conv->arena, tile->index, times(conv, conv->first_tile, -1));
    return expression_offset(conv->arena,
        times(conv, before, conv->blocking.tile.pixels * conv->blocking.panel_channels),
        p * conv->blocking.panel_channels + first);
}

static void load_partial_sums(const Convolution *conv, const ConvolutionTile *tile,
    const TileRegisters *registers, int sums[MAX_TILE_PIXELS][MAX_TILE_VECTORS]) {
    for (int v = 0; v < registers->vectors.count; v++)
        for (int p = 0; p < tile->pixels; p++) {
            int width = registers->vectors.widths[v];
            int reg = kernel_register_of(conv->builder, total_type(conv), width);
            sums[p][v] = reg;
            kernel_load(conv->builder, reg, conv->partial_sums,
                partial_sum_offset(conv, tile, p, registers->vectors.firsts[v]), 0, width);
        }
}

static void add_partial_sums(
    const Convolution *conv, const ConvolutionTile *tile, const TileRegisters *registers) {
    for (int p = 0; p < tile->pixels; p++)
        for (int v = 0; v < registers->vectors.count; v++) {
            int width = registers->vectors.widths[v], sum = kernel_register(conv->builder, width);
            int accumulator = registers->accumulators[p][v];
            kernel_load(conv->builder, sum, conv->partial_sums,
                partial_sum_offset(conv, tile, p, registers->vectors.firsts[v]), 0, width);
            kernel_binary(conv->builder, INSTRUCTION_add, accumulator, accumulator, sum);
        }
}

static void store_partial_sums(
    const Convolution *conv, const ConvolutionTile *tile, const TileRegisters *registers) {
    for (int p = 0; p < tile->pixels; p++)
        for (int v = 0; v < registers->vectors.count; v++)
            kernel_store(conv->builder, registers->accumulators[p][v], conv->partial_sums,
                partial_sum_offset(conv, tile, p, registers->vectors.firsts[v]), 0,
                registers->vectors.widths[v]);
}

/* ---- the start and the end ---- */

/* New registers that hold the bias, or zeros. */
static void start_registers(const Convolution *conv, const ConvolutionTile *tile,
    const TileRegisters *registers, bool bias, LaneType type,
    int sums[MAX_TILE_PIXELS][MAX_TILE_VECTORS]) {
    KernelBuilder *builder = conv->builder;
    const Expression *channel = tile_channel(conv, tile);
    for (int v = 0; v < registers->vectors.count; v++) {
        int width = registers->vectors.widths[v];
        LaneType loaded =
            conv->biases == conv->weights ? conv->product->weight : conv->product->sum;
        int start = kernel_register_of(builder, bias ? loaded : type, width);
        if (conv->product->sum == LANE_S32)
            load_scale(conv, tile, &registers->vectors, SCALE_START, v, start);
        else if (bias)
            kernel_load(builder, start, conv->biases,
                expression_offset(
                    conv->arena, channel, conv->bias_offset + registers->vectors.firsts[v]),
                0, width);
        else
            kernel_splat(builder, start, 0.0f);
        start = emit_as(builder, start, type);
        for (int p = 0; p < tile->pixels; p++) {
            sums[p][v] = kernel_register_of(builder, type, width);
            kernel_unary(builder, INSTRUCTION_move, sums[p][v], start);
        }
    }
}

void start_sums(const Convolution *conv, const ConvolutionTile *tile, TileRegisters *registers) {
    bool first = tile->first_input == 0, totals = has_totals(conv);
    LaneType sum = conv->product->sum;
    if (!first && convolution_sum_part(&conv->sizes) == 0) {
        load_partial_sums(conv, tile, registers, registers->accumulators);
        return;
    }
    if (totals && !first)
        load_partial_sums(conv, tile, registers, registers->totals);
    else if (totals)
        start_registers(conv, tile, registers, conv->has_bias, total_type(conv), registers->totals);
    start_registers(
        conv, tile, registers, first && conv->has_bias && !totals, sum, registers->accumulators);
}

bool finish_sums(const Convolution *conv, const ConvolutionTile *tile, TileRegisters *registers) {
    if (has_totals(conv))
        memcpy(registers->accumulators, registers->totals, sizeof registers->totals);
    if (tile->first_input > 0 && convolution_sum_part(&conv->sizes) > 0 && !has_wide_totals(conv))
        add_partial_sums(conv, tile, registers);
    if (tile->first_input + tile->input_count == conv->group_inputs)
        return true;
    store_partial_sums(conv, tile, registers);
    return false;
}

/* ---- parts ---- */

void end_part(
    const Convolution *conv, const ConvolutionTile *tile, const TileRegisters *registers) {
    for (int p = 0; p < tile->pixels; p++)
        for (int v = 0; v < registers->vectors.count; v++) {
            int total = registers->totals[p][v], part = registers->accumulators[p][v];
            kernel_binary(conv->builder, INSTRUCTION_add, total, total,
                emit_as(conv->builder, part, total_type(conv)));
            kernel_splat(conv->builder, part, 0.0f);
        }
}

const Expression *open_parts(const Convolution *conv, const char *name, const Expression *begin,
    const Expression *end, int64_t step, int64_t part) {
    if (part == 0)
        return kernel_open_for(conv->builder, name, begin, end, step);
    int64_t least, most;
    bool even = expression_is_constant(begin, &least) && expression_is_constant(end, &most) &&
                (most - least) % part == 0;
    const Expression *first = kernel_open_for(conv->builder, "part", begin, end, part);
    return open_part(conv->builder, name, first, part, even ? NULL : end, step);
}

void close_parts(const Convolution *conv, const ConvolutionTile *tile,
    const TileRegisters *registers, int64_t part) {
    kernel_close(conv->builder);
    if (part == 0)
        return;
    end_part(conv, tile, registers);
    kernel_close(conv->builder);
}
