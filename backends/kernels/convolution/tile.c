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

enum { MAX_LANES = 16 };

const Expression *tile_channel(const Convolution *conv, const ConvolutionTile *tile) {
    return expression_add(
        conv->arena, times(conv, tile->group, conv->group_outputs), tile->channel);
}

/* Whether the tap of pixel p lies inside the input's columns; at edges, column and tap are
 * constant. */
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
static int64_t vector_weights(const Convolution *conv, int v) {
    int64_t block = conv->emission->compilation->weight_block;
    int64_t channel = (int64_t)v * conv->emission->compilation->target->lanes;
    if (block == 0)
        return channel;
    const int64_t *kernel = conv->rows.window.kernel;
    return channel / block * block * conv->group_inputs * kernel[0] * kernel[1] + channel % block;
}

void load_tile_weights(const Convolution *conv, const TileRegisters *registers,
    const Expression *offset, int weights[MAX_TILE_VECTORS]) {
    KernelBuilder *builder = conv->builder;
    for (int v = 0; v < registers->vectors; v++) {
        weights[v] = kernel_register(builder, registers->widths[v]);
        kernel_load(builder, weights[v], conv->weights,
            expression_offset(conv->arena, offset, vector_weights(conv, v)), 0,
            registers->widths[v]);
    }
}

/* Of the tile's pixel p. */
const Expression *pixel_offset(
    const Convolution *conv, const Run *run, const Expression *input_offset, int p) {
    return expression_offset(
        conv->arena, input_offset, p * conv->rows.window.stride[1] * run->pixel_stride);
}

/* The multiply-adds of one tap and one input channel. */
static void emit_products(const Convolution *conv, const ConvolutionTile *tile,
    const TileRegisters *registers, const Run *run, int parameter, const Expression *input_offset,
    const Expression *weight_offset) {
    static const int first_lanes[MAX_LANES] = {
        0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    KernelBuilder *builder = conv->builder;
    const int *widths = registers->widths;
    int weights[MAX_TILE_VECTORS];
    load_tile_weights(conv, registers, weight_offset, weights);
    for (int p = 0; p < tile->pixels; p++) {
        if (!column_inside(conv, tile, p))
            continue;
        const Expression *offset = pixel_offset(conv, run, input_offset, p);
        int value = kernel_register(builder, widths[0]), narrow = value;
        kernel_broadcast(builder, value, parameter, offset);
        for (int v = 0; v < registers->vectors; v++) {
            if (v > 0 && widths[v] != widths[0]) {
                narrow = kernel_register(builder, widths[v]);
                if (conv->emission->compilation->target
                        ->memory_broadcast) /* an operand: takes no register */
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
    int64_t line = 64 / weight_bytes(conv);
    int64_t biases = conv->has_bias ? conv->groups * conv->group_outputs : 0;
    int64_t layer =
        conv->groups * conv->group_weights + biases * (int64_t)sizeof(float) / weight_bytes(conv);
    int64_t quarter = conv->emission->compilation->target->l2_bytes / 4 / weight_bytes(conv);
    if (conv->items != ITEMS_PANEL_TILE || layer > quarter)
        return quarter;
    return (layer + line - 1) / line * line;
}

/* Weights are read once a run and lie in the order of the layers: each tile brings its share of
 * those that come later into the second-level cache, of this layer or the next. Where threads share
 * tiles each thread needs all weights: either half of the tiles brings them all. */
static void emit_prefetch(
    const Convolution *conv, const ConvolutionTile *tile, const Expression *input, int channels) {
    if (conv->prefetching_tiles == 0)
        return;
    Arena *arena = conv->arena;
    int64_t line = 64 / weight_bytes(conv), tiles = conv->prefetching_tiles;
    if (conv->items != ITEMS_PANEL_TILE)
        tiles = (tiles + 1) / 2;
    int64_t step = (tile->channel_count + tiles - 1) / tiles;
    const Expression *turn = tile->index;
    if (tiles < conv->prefetching_tiles)
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
    int64_t first;                    /* channel of the group */
} ChannelProducts;

static int64_t channels_at_once(const Convolution *conv, const Run *run) {
    const Target *target = conv->emission->compilation->target;
    if (conv->halves)
        return 2;
    return target->lane_multiply_add && run->channel_stride == 1 ? target->lanes : 1;
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
    if (conv->halves)
        emit_pair_products(&(PairProducts){
            conv, tile, products->registers, run, products->parameter, input, weight, channels});
    else if (channels_at_once(conv, run) > 1)
        emit_lane_products(
            conv, tile, products->registers, run, products->parameter, input, weight, channels);
    else
        emit_products(conv, tile, products->registers, run, products->parameter, input, weight);
    emit_prefetch(conv, tile, expression_offset(conv->arena, index, products->first), channels);
}

/* Of the first pixel, where the tap looks, in a channel of the run. */
const Expression *tap_input(const Convolution *conv, const ConvolutionTile *tile, const Run *run,
    const Expression *run_channel) {
    Arena *arena = conv->arena;
    const Window *window = &conv->rows.window;
    const Expression *input = expression_sum(arena, times(conv, run_channel, run->channel_stride),
        times(conv, tile->group, conv->group_shift),
        times(conv, tile->column, window->stride[1] * run->pixel_stride),
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

/* One tap over `count` channels of the group, which lie in one run; their weights are those of the
 * packed inputs from `first` on. Returns how many inputs there are after the last end of a part. */
static int64_t emit_channel_loop(const Convolution *conv, const ConvolutionTile *tile,
    const TileRegisters *registers, int run_index, const Expression *run_channel, int64_t first,
    int64_t count) {
    Arena *arena = conv->arena;
    const Run *run = &conv->input->runs[run_index];
    const ChannelProducts products = {conv, tile, registers, run, conv->input_parameters[run_index],
        tap_input(conv, tile, run, run_channel),
        expression_offset(arena, tap_weights(conv, tile), first * weight_row(conv, tile)), first};
    int64_t channels = channels_at_once(conv, run), whole = count - count % channels;
    int64_t part = count > conv->parts.inputs ? conv->parts.inputs : 0;
    if (count * tile->pixels * registers->vectors <= UNROLLED_MULTIPLY_ADDS)
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
        const Expression *group = times(conv, tile->group, conv->group_inputs);
        int64_t left = emit_channel_loop(conv, tile, registers, 0,
            expression_offset(arena, group, tile->first_input), tile->first_input,
            tile->input_count);
        if (conv->parts.inputs > 0 && left > 0)
            end_part(conv, tile, registers);
        return;
    }
    int64_t group_begin = first_group(tile) * conv->group_inputs;
    int64_t begin = group_begin + tile->first_input, end = begin + tile->input_count;
    int64_t unrolled = 0, blocks = 0, paired = 0, pending = 0;
    for (int i = 0; i < conv->input->run_count; i++) {
        const Run *run = &conv->input->runs[i];
        RunPart part = run_part(run, begin, end);
        if (part.count == 0)
            continue;
        int64_t here = part.count * tile->pixels * registers->vectors;
        if (here <= UNROLLED_MULTIPLY_ADDS && unrolled + here > UNROLLED_MULTIPLY_ADDS) {
            if (blocks++ > 0)
                kernel_close(conv->builder);
            open_block(conv, blocks);
            unrolled = 0;
        }
        unrolled = here <= UNROLLED_MULTIPLY_ADDS ? unrolled + here : 0; /* a loop ends a block */
        int64_t left = emit_channel_loop(conv, tile, registers, i,
            expression_constant(arena, part.first - run->first_channel),
            conv->halves ? paired : part.first - group_begin, part.count);
        pending = left == part.count ? pending + left : left;
        if (conv->parts.inputs > 0 && pending >= conv->parts.inputs) {
            end_part(conv, tile, registers);
            pending = 0;
        }
        paired += (part.count + 1) / 2 * 2;
    }
    if (conv->parts.inputs > 0 && pending > 0)
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
    if (takes_lanes_of_rows(conv, tile, registers)) {
        emit_rows_by_lane(conv, tile, registers);
        return;
    }
    if (tile->interior) {
        tile->tap = open_parts(conv, "tap", expression_constant(conv->arena, 0),
            expression_constant(conv->arena, taps), 1, conv->parts.taps);
        emit_channels(conv, tile, registers);
        close_parts(conv, tile, registers, conv->parts.taps);
        return;
    }
    int64_t pending = 0;
    for (int64_t tap = 0; tap < taps; tap++) {
        tile->tap = expression_constant(conv->arena, tap);
        if (!tap_reaches_input(conv, tile))
            continue;
        emit_channels(conv, tile, registers);
        if (++pending == conv->parts.taps) {
            end_part(conv, tile, registers);
            pending = 0;
        }
    }
    if (conv->parts.taps > 0 && pending > 0)
        end_part(conv, tile, registers);
}

/* Offset of the tile's pixel p, channel `channel` of the run (relative to the run). */
static const Expression *output_offset(const Convolution *conv, const ConvolutionTile *tile,
    const Run *run, int p, const Expression *channel) {
    Arena *arena = conv->arena;
    const Expression *offset = expression_sum(arena, times(conv, channel, run->channel_stride),
        times(conv, tile->column, run->pixel_stride),
        expression_constant(arena, run->displacement + p * run->pixel_stride), NULL);
    if (!conv->flat)
        offset = expression_sum(arena, offset, times(conv, tile->image, run->image_stride),
            row_offset(arena, run, tile->row), NULL);
    return offset;
}

/* Where a residual is read. */
typedef struct PixelPlace {
    const Convolution *conv;
    const ConvolutionTile *tile;
    int pixel;
} PixelPlace;

static const Expression *pixel_base(const void *context, const Run *run) {
    const PixelPlace *place = context;
    Arena *arena = place->conv->arena;
    return output_offset(place->conv, place->tile, run, place->pixel,
        expression_constant(arena, -run->displacement));
}

/* A part of such lanes, in one run. */
typedef struct LanesPart {
    int run, first_lane, count;
    const Expression *offset;
} LanesPart;

/* Writes the parts, at most one a run; returns their number. `only`: the run in which all lie, or
 * -1. */
static int lanes_parts(const Convolution *conv, const ConvolutionTile *tile,
    const Placement *placement, int only, const PixelLanes *place, LanesPart *parts) {
    Arena *arena = conv->arena;
    if (only >= 0) {
        const Run *run = &placement->runs[only];
        parts[0] = (LanesPart){only, place->first_lane, place->count,
            output_offset(conv, tile, run, place->pixel,
                expression_offset(arena, place->channel, -run->first_channel))};
        return 1;
    }
    int64_t first = 0;
    int count = 0;
    bool constant = expression_is_constant(place->channel, &first);
    assert(constant);
    (void)constant;
    for (int i = 0; i < placement->run_count; i++) {
        const Run *run = &placement->runs[i];
        RunPart part = run_part(run, first, first + place->count);
        if (part.count > 0)
            parts[count++] =
                (LanesPart){i, place->first_lane + (int)(part.first - first), (int)part.count,
                    output_offset(conv, tile, run, place->pixel,
                        expression_constant(arena, part.first - run->first_channel))};
    }
    return count;
}

void store_lanes(
    const Convolution *conv, const ConvolutionTile *tile, const PixelLanes *place, int reg) {
    LanesPart *parts = ARENA_ARRAY(conv->arena, LanesPart, conv->output->run_count);
    int count = lanes_parts(conv, tile, conv->output, tile->output_run, place, parts);
    for (int i = 0; i < count; i++)
        kernel_store(conv->builder, reg, conv->output_parameters[parts[i].run], parts[i].offset,
            parts[i].first_lane, parts[i].count);
}

void load_residual_lanes(
    const Convolution *conv, const ConvolutionTile *tile, const PixelLanes *place, int reg) {
    KernelBuilder *builder = conv->builder;
    LanesPart *parts = ARENA_ARRAY(conv->arena, LanesPart, conv->residual->run_count);
    int count = lanes_parts(conv, tile, conv->residual, tile->residual_run, place, parts);
    kernel_splat(builder, reg, 0.0f);
    for (int i = 0; i < count; i++) {
        int part = kernel_register(builder, builder->kernel->register_lanes[reg]);
        kernel_load(builder, part, conv->residual_parameters[parts[i].run], parts[i].offset,
            parts[i].first_lane, parts[i].count);
        kernel_binary(builder, INSTRUCTION_add, reg, reg, part);
    }
}

/* A vector of the residual: where it lies in one run, the channel may be an expression; else it is
 * put together. */
static void load_residual(const Convolution *conv, const ConvolutionTile *tile,
    const Expression *channel, int p, int64_t count, int reg) {
    KernelBuilder *builder = conv->builder;
    if (tile->residual_run >= 0) {
        const Run *run = &conv->residual->runs[tile->residual_run];
        emit_vector_load(builder, reg, conv->residual_parameters[tile->residual_run],
            output_offset(
                conv, tile, run, p, expression_offset(conv->arena, channel, -run->first_channel)),
            count, run->exact);
        return;
    }
    int64_t first = 0;
    bool constant = expression_is_constant(channel, &first);
    assert(constant);
    (void)constant;
    const PixelPlace place = {conv, tile, p};
    int gathered = emit_gather(builder, conv->residual, conv->residual_parameters, first,
        (int)count, builder->kernel->register_lanes[reg], pixel_base, &place);
    kernel_unary(builder, INSTRUCTION_move, reg, gathered);
}

void emit_convolution_result(
    const Convolution *conv, const ConvolutionTile *tile, int p, int v, int reg, int width) {
    KernelBuilder *builder = conv->builder;
    int64_t before = (int64_t)v * conv->emission->compilation->target->lanes;
    int64_t left = tile->channel_count - before, count = left < width ? left : width;
    const Expression *channel = expression_offset(conv->arena, tile_channel(conv, tile), before);
    emit_activation(builder, conv->activation, reg);
    if (conv->residual) {
        int other = kernel_register(builder, width);
        load_residual(conv, tile, channel, p, count, other);
        kernel_binary(builder, INSTRUCTION_add, reg, reg, other);
        emit_activation(builder, conv->residual_activation, reg);
    }
    if (conv->output->element == LANE_BF16) {
        int half = kernel_register_of(builder, LANE_BF16, width);
        kernel_unary(builder, INSTRUCTION_narrow, half, reg);
        reg = half;
    }
    store_lanes(conv, tile, &(PixelLanes){channel, p, 0, (int)count}, reg);
}

static void finish_tile(
    const Convolution *conv, const ConvolutionTile *tile, const TileRegisters *registers) {
    for (int p = 0; p < tile->pixels; p++)
        for (int v = 0; v < registers->vectors; v++)
            emit_convolution_result(
                conv, tile, p, v, registers->accumulators[p][v], registers->widths[v]);
}

/* The tiles of all panels and groups share what goes with their pixels. */
static void fetch_rows(const Convolution *conv, const ConvolutionTile *tile) {
    if (conv->flat || !conv->rows.fetch)
        return;
    Arena *arena = conv->arena;
    int64_t panels = group_panels(conv);
    const FetchingTile fetching = {.image = tile->image,
        .row = tile->row,
        .column = tile->column,
        .pixels = tile->pixels,
        .share = expression_add(arena, times(conv, tile->group, panels),
            expression_divide(arena, tile->channel, conv->panel_channels)),
        .shares = panels * conv->groups};
    emit_row_fetch(conv->builder, conv->rows.fetch, &fetching);
}

void emit_convolution_tile(const Convolution *conv, ConvolutionTile *tile) {
    TileRegisters registers;
    fetch_rows(conv, tile);
    registers.vectors =
        tile_widths(conv->emission->compilation->target, tile->channel_count, registers.widths);
    start_sums(conv, tile, &registers);
    const Expression *begin = expression_constant(conv->arena, 0);
    const Expression *end = expression_constant(conv->arena, conv->rows.window.kernel[0]);
    if (!conv->flat)
        window_rows(conv->arena, &conv->rows.window, conv->rows.height_in, conv->rows.height_out,
            tile->row, &begin, &end);
    tile->kernel_row = open_parts(conv, "kernel_row", begin, end, 1, conv->parts.rows);
    emit_taps(conv, tile, &registers);
    close_parts(conv, tile, &registers, conv->parts.rows);
    if (finish_sums(conv, tile, &registers))
        finish_tile(conv, tile, &registers);
}
