/* One register tile of a convolution: pixels x vectors of output channels. */
#include "backends/kernels/convolution/convolution.h"
#include "backends/kernels/emit.h"
#include "backends/kernels/gather.h"
#include "backends/kernels/row_fetch.h"
#include "backends/program/math.h"
#include "backends/program/placement.h"
#include "backends/schedule/shape.h"
#include "backends/schedule/tile_model.h"
#include "backends/target/target.h"
#include "ir/arena.h"
#include "ir/kernel.h"
#include <assert.h>

/* The multiply-adds of one tap and one input channel. */
static void emit_products(const Convolution *conv, const ConvolutionTile *tile,
    const TileRegisters *registers, const Run *run, int parameter, const Expression *input_offset,
    const Expression *weight_offset) {
    static const int first_lanes[MAX_LANES] = {
        0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    KernelBuilder *builder = conv->builder;
    const int *widths = registers->vectors.widths;
    int weights[MAX_TILE_VECTORS];
    load_tile_weights(conv, registers, weight_offset, weights);
    for (int p = 0; p < tile->pixels; p++) {
        if (!column_inside(conv, tile, p))
            continue;
        const Expression *offset = pixel_offset(conv, run, input_offset, p);
        LaneType type = conv->product->input;
        int value = kernel_register_of(builder, type, widths[0]);
        kernel_broadcast(builder, value, parameter, offset);
        value = as_multiplied(conv, value);
        int narrow = value;
        for (int v = 0; v < registers->vectors.count; v++) {
            if (v > 0 && widths[v] != widths[0]) {
                narrow =
                    kernel_register_of(builder, builder->kernel->register_types[value], widths[v]);
                if (conv->emission->compilation->target->memory_broadcast &&
                    conv->product->input == conv->product->sum) /* an operand: takes no register */
                    kernel_broadcast(builder, narrow, parameter, offset);
                else
                    kernel_permute(builder, narrow, value, value, first_lanes);
            }
            int accumulator = registers->accumulators[p][v];
            kernel_multiply_add(builder, accumulator, narrow, weights[v], accumulator);
        }
    }
}

/* From a weight to the one that is fetched while it is used: a quarter of the second-level cache,
 * or where threads share panels the length of a shorter layer, since the next one is often alike:
 * then what a thread fetches are panels of its own. */
static int64_t prefetch_distance(const Convolution *conv) {
    int64_t line = 64 / weight_bytes(conv->product);
    int64_t biases = conv->has_bias ? conv->groups * conv->group_outputs : 0;
    int64_t layer = conv->groups * conv->group_weights +
                    biases * (int64_t)sizeof(float) / weight_bytes(conv->product);
    int64_t quarter =
        conv->emission->compilation->target->l2_bytes / 4 / weight_bytes(conv->product);
    if (conv->blocking.items != ITEMS_PANEL_TILE || layer > quarter)
        return quarter;
    return (layer + line - 1) / line * line;
}

/* Weights are read once a run and lie in the order of the layers: each tile brings its share of
 * those that come later into the second-level cache, of this layer or the next. Where threads share
 * tiles each thread needs all weights: either half of the tiles brings them all. */
static void emit_prefetch(
    const Convolution *conv, const ConvolutionTile *tile, const Expression *input, int channels) {
    if (conv->blocking.prefetching_tiles == 0)
        return;
    Arena *arena = conv->arena;
    int64_t line = 64 / weight_bytes(conv->product), tiles = conv->blocking.prefetching_tiles;
    if (conv->blocking.items != ITEMS_PANEL_TILE)
        tiles = (tiles + 1) / 2;
    int64_t step = (tile->channel_count + tiles - 1) / tiles;
    const Expression *turn = tile->index;
    if (tiles < conv->blocking.prefetching_tiles)
        turn = expression_remainder(arena, turn, tiles);
    const Expression *position =
        expression_add(arena, times(conv, turn, conv->group_inputs), input);
    const Expression *offset = expression_sum(arena, tile->weight_offset,
        times(conv, position, step), expression_constant(arena, prefetch_distance(conv)), NULL);
    for (int64_t done = 0; done < step * channels; done += line)
        kernel_prefetch(conv->builder, conv->weights, expression_offset(arena, offset, done));
}

/* One tap over channels that lie in one run. */
typedef struct ChannelProducts {
    const Convolution *conv;
    const ConvolutionTile *tile;
    const TileRegisters *registers;
    const Run *run;
    int parameter;
    const Expression *input, *weight; /* offsets of the first channel */
    const Expression *first;          /* channel of the group */
} ChannelProducts;

/* Whether a vector of channels is loaded, of which multiply-adds take lanes. */
static bool takes_lanes(const Convolution *conv, const Run *run) {
    return conv->product->operand == OPERAND_LANE && run->channel_stride == 1;
}

static int64_t channels_at_once(
    const Convolution *conv, const Run *run, const TileRegisters *registers, int pixels) {
    enum { MOST_QUADS = 4 };
    if (takes_lanes(conv, run))
        return sum_lanes(conv->emission->compilation->target, conv->product) *
               conv->product->channels;
    if (conv->product->input != LANE_U8)
        return conv->product->channels;
    if (conv->product->weight == LANE_S16) /* more of them LLVM mixes, and runs out of registers */
        return conv->product->channels;
    int quads = UNROLLED_MULTIPLY_ADDS / (pixels * registers->vectors.count);
    return conv->product->channels * (quads < 1 ? 1 : quads > MOST_QUADS ? MOST_QUADS : quads);
}

/* From the index-th channel on. */
static void emit_channel_products(
    const ChannelProducts *products, const Expression *index, int channels) {
    const Convolution *conv = products->conv;
    const ConvolutionTile *tile = products->tile;
    const Run *run = products->run;
    const Expression *input =
        expression_add(conv->arena, products->input, times(conv, index, run->channel_stride));
    const Expression *weight =
        expression_add(conv->arena, products->weight, times(conv, index, weight_row(conv, tile)));
    const GroupedProducts several = {
        conv, tile, products->registers, run, products->parameter, input, weight, channels};
    if (conv->product->input == LANE_U8)
        emit_quad_products(&several);
    else if (conv->product->channels == 2)
        emit_pair_products(&several);
    else if (takes_lanes(conv, run))
        emit_lane_products(
            conv, tile, products->registers, run, products->parameter, input, weight, channels);
    else
        emit_products(conv, tile, products->registers, run, products->parameter, input, weight);
    emit_prefetch(conv, tile, expression_add(conv->arena, index, products->first), channels);
}

/* Instructions of one tap over so many channels: of bytes one for a product of four, of halves as
 * of floats. */
static int64_t count_products(const Convolution *conv, const ConvolutionTile *tile,
    const TileRegisters *registers, int64_t channels) {
    bool bytes = conv->product->input == LANE_U8;
    int64_t products = bytes ? whole_products(conv, channels) / conv->product->channels : channels;
    return products * tile->pixels * registers->vectors.count;
}

/* One tap over `count` channels of the group, which lie in one run; their weights are those of the
 * packed inputs from `first` on. Returns how many inputs there are after the last end of a part. */
static int64_t emit_channel_loop(const Convolution *conv, const ConvolutionTile *tile,
    const TileRegisters *registers, int run_index, const Expression *run_channel,
    const Expression *first, int64_t count) {
    Arena *arena = conv->arena;
    const Run *run = &conv->input->runs[run_index];
    const ChannelProducts products = {conv, tile, registers, run, conv->input_parameters[run_index],
        tap_input(conv, tile, run, run_channel),
        expression_add(arena, tap_weights(conv, tile), times(conv, first, weight_row(conv, tile))),
        first};
    int64_t channels = channels_at_once(conv, run, registers, tile->pixels),
            whole = count - count % channels;
    int64_t part = count > conv->blocking.parts.inputs ? conv->blocking.parts.inputs : 0;
    if (count_products(conv, tile, registers, count) <= UNROLLED_MULTIPLY_ADDS)
        whole = 0;
    if (whole > 0) {
        const Expression *channel = open_parts(conv, "channel", expression_constant(arena, 0),
            expression_constant(arena, whole), channels, part);
        emit_channel_products(&products, channel, (int)channels);
        close_parts(conv, tile, registers, part);
    }
    for (int64_t channel = whole; channel < count; channel += channels) {
        int64_t left = count - channel;
        emit_channel_products(&products, expression_constant(arena, channel),
            (int)(left < channels ? left : channels));
    }
    return part > 0 ? count - whole : count;
}

/* Begins a block of its own for what follows, up to kernel_close: a condition that always holds,
 * for a kernel is called with begin < end, and that LLVM does not know to. Each of `number` is
 * another one, so that it does not join them. */
static void open_block(const Convolution *conv, int64_t number) {
    KernelBuilder *builder = conv->builder;
    kernel_open_if_less(builder, kernel_variable(builder, VARIABLE_BEGIN),
        expression_offset(conv->arena, kernel_variable(builder, VARIABLE_END), number));
}

static void emit_channels(
    const Convolution *conv, const ConvolutionTile *tile, const TileRegisters *registers) {
    Arena *arena = conv->arena;
    if (conv->input->run_count == 1) {
        const Expression *first = expression_constant(arena, tile->first_input);
        if (tile->input_shift)
            first = expression_add(arena, tile->input_shift, first);
        int64_t left = emit_channel_loop(conv, tile, registers, 0,
            expression_add(arena, times(conv, tile->group, conv->group_inputs), first), first,
            tile->input_count);
        if (conv->blocking.parts.inputs > 0 && left > 0)
            end_part(conv, tile, registers);
        return;
    }
    int64_t group_begin = first_group(tile) * conv->group_inputs;
    int64_t begin = group_begin + tile->first_input, end = begin + tile->input_count;
    int64_t unrolled = 0, blocks = 0, packed = 0, pending = 0;
    for (int i = 0; i < conv->input->run_count; i++) {
        const Run *run = &conv->input->runs[i];
        RunPart part = run_part(run, begin, end);
        if (part.count == 0)
            continue;
        int64_t here = count_products(conv, tile, registers, part.count);
        if (here <= UNROLLED_MULTIPLY_ADDS && unrolled + here > UNROLLED_MULTIPLY_ADDS) {
            if (blocks++ > 0)
                kernel_close(conv->builder);
            open_block(conv, blocks);
            unrolled = 0;
        }
        unrolled = here <= UNROLLED_MULTIPLY_ADDS ? unrolled + here : 0; /* a loop ends a block */
        int64_t left = emit_channel_loop(conv, tile, registers, i,
            expression_constant(arena, part.first - run->first_channel),
            expression_constant(
                arena, conv->product->channels > 1 ? packed : part.first - group_begin),
            part.count);
        pending = left == part.count ? pending + left : left;
        if (conv->blocking.parts.inputs > 0 && pending >= conv->blocking.parts.inputs) {
            end_part(conv, tile, registers);
            pending = 0;
        }
        packed += whole_products(conv, part.count);
    }
    if (conv->blocking.parts.inputs > 0 && pending > 0)
        end_part(conv, tile, registers);
    if (blocks > 0)
        kernel_close(conv->builder);
}

static bool tap_reaches_input(const Convolution *conv, const ConvolutionTile *tile) {
    for (int p = 0; p < tile->pixels; p++)
        if (column_inside(conv, tile, p))
            return true;
    return false;
}

/* The taps of one kernel row, one after the other: a loop, or at the edges a body for each. Taps
 * must not share a body: they look at overlapping columns, and LLVM would keep each column it has
 * loaded in a register for the next tap, at the cost of the accumulators. */
static void emit_taps(
    const Convolution *conv, ConvolutionTile *tile, const TileRegisters *registers) {
    int64_t taps = conv->rows.window.kernel[1];
    if (takes_quads_of_rows(conv, tile)) {
        emit_rows_of_quads(conv, tile, registers);
        return;
    }
    if (takes_lanes_of_rows(conv, tile, registers)) {
        emit_rows_by_lane(conv, tile, registers);
        return;
    }
    if (tile->interior) {
        tile->tap = open_parts(conv, "tap", expression_constant(conv->arena, 0),
            expression_constant(conv->arena, taps), 1, conv->blocking.parts.taps);
        emit_channels(conv, tile, registers);
        close_parts(conv, tile, registers, conv->blocking.parts.taps);
        return;
    }
    int64_t pending = 0;
    for (int64_t tap = 0; tap < taps; tap++) {
        tile->tap = expression_constant(conv->arena, tap);
        if (!tap_reaches_input(conv, tile) && !flips_inputs(conv->product))
            continue;
        emit_channels(conv, tile, registers);
        if (++pending == conv->blocking.parts.taps) {
            end_part(conv, tile, registers);
            pending = 0;
        }
    }
    if (conv->blocking.parts.taps > 0 && pending > 0)
        end_part(conv, tile, registers);
}

static void finish_tile(
    const Convolution *conv, const ConvolutionTile *tile, const TileRegisters *registers) {
    if (conv->product->sum == LANE_S32) {
        finish_byte_sums(conv, tile, registers);
        return;
    }
    for (int p = 0; p < tile->pixels; p++)
        for (int v = 0; v < registers->vectors.count; v++)
            emit_convolution_result(conv, tile, p, registers->vectors.firsts[v],
                registers->accumulators[p][v], registers->vectors.widths[v]);
}

/* The tiles of all panels and groups share what goes with their pixels. */
static void fetch_rows(const Convolution *conv, const ConvolutionTile *tile) {
    if (conv->flat || !conv->rows.fetch)
        return;
    Arena *arena = conv->arena;
    int64_t panels = group_panels(conv);
    const FetchingTile fetching = {.image = tile->image,
        .row = tile->row,
        .column = column_in(conv->arena, &conv->rows, NULL, tile->column),
        .pixels = tile->pixels,
        .share = expression_add(arena, times(conv, tile->group, panels),
            expression_divide(arena, tile->channel, conv->blocking.panel_channels)),
        .shares = panels * conv->groups};
    emit_row_fetch(conv->builder, conv->rows.fetch, &fetching);
}

/* Those before `begin` and from `end` on, where there are some. */
static void emit_rows_outside(const Convolution *conv, ConvolutionTile *tile,
    const TileRegisters *registers, const Expression *begin, const Expression *end) {
    Arena *arena = conv->arena;
    int64_t first = 0, last = 0, rows = conv->rows.window.kernel[0];
    const Expression *none = expression_constant(arena, 0), *all = expression_constant(arena, rows);
    begin = expression_minimum(arena, begin, all);
    end = expression_maximum(arena, begin, end);
    if (!expression_is_constant(begin, &first) || first > 0)
        emit_outside_rows(conv, tile, registers, none, begin);
    if (!expression_is_constant(end, &last) || last < rows)
        emit_outside_rows(conv, tile, registers, end, all);
}

void emit_convolution_tile(const Convolution *conv, ConvolutionTile *tile) {
    TileRegisters registers;
    fetch_rows(conv, tile);
    registers.vectors = tile_vectors(conv, tile);
    start_sums(conv, tile, &registers);
    const Expression *begin = expression_constant(conv->arena, 0);
    const Expression *end = expression_constant(conv->arena, conv->rows.window.kernel[0]);
    if (!conv->flat)
        window_rows(conv->arena, &conv->rows.window, conv->rows.height_in, conv->rows.height_out,
            tile->row, &begin, &end);
    if (!conv->flat && flips_inputs(conv->product))
        emit_rows_outside(conv, tile, &registers, begin, end);
    tile->kernel_row = open_parts(conv, "kernel_row", begin, end, 1, conv->blocking.parts.rows);
    emit_taps(conv, tile, &registers);
    close_parts(conv, tile, &registers, conv->blocking.parts.rows);
    if (finish_sums(conv, tile, &registers))
        finish_tile(conv, tile, &registers);
}
