/* From the sums of a block's threads to the result: slices are added up, then come bias,
 * activation and residual, and what the next layer computes of the tile. */
#include "backends/gpu/convolution.h"
#include "backends/gpu/gpu.h"
#include "backends/gpu/window.h"
#include "backends/program/math.h"
#include "ir/arena.h"
#include "ir/kernel.h"

/* ---- loads ---- */

/* `lanes` times the bias of channel `index` of the tile. */
static int load_bias(const GpuConvolution *conv, int lanes, const Expression *index) {
    KernelBuilder *builder = conv->builder;
    Arena *arena = conv->arena;
    int bias = kernel_register(builder, lanes);
    kernel_broadcast(builder, bias, conv->weights,
        expression_offset(arena,
            expression_add(
                arena, expression_multiply(arena, conv->tile, tile_channels(conv)), index),
            conv->bias_offset));
    return bias;
}

static int load_residual(
    const GpuConvolution *conv, int lanes, const Expression *channel, const Expression *pixel) {
    int residual = kernel_register(conv->builder, lanes);
    kernel_load(conv->builder, residual, conv->residual.parameter,
        expression_add(conv->arena, access_plane(&conv->residual, channel), pixel), 0, lanes);
    return residual;
}

static const Expression *result_channel(const GpuConvolution *conv, const Expression *index) {
    return expression_add(conv->arena, conv->first_channel, index);
}

/* A channel that there is: for loads whose number may be of no use. */
static const Expression *valid_channel(const GpuConvolution *conv, const Expression *channel) {
    if (conv->group_outputs % tile_channels(conv) == 0)
        return channel;
    return expression_minimum(conv->arena, channel,
        expression_constant(conv->arena, conv->groups * conv->group_outputs - 1));
}

/* Where the plane lies that the thread will store in, from a table. */
static const Expression *early_plane(const GpuConvolution *conv, const Expression *channel) {
    Arena *arena = conv->arena;
    const Expression *last = expression_constant(arena, conv->groups * conv->group_outputs - 1);
    return kernel_let(conv->builder, "plane",
        access_plane(&conv->output, expression_minimum(arena, channel, last)));
}

/* Opens a condition for channel `index` of the tile, when the last tile is not full. */
static bool open_channel(const GpuConvolution *conv, const Expression *index) {
    if (conv->group_outputs % tile_channels(conv) == 0)
        return false;
    kernel_open_if_less(conv->builder, index, conv->channels_left);
    return true;
}

/* Pixels that are stored: with those that fill up planes of the workspace. */
static int64_t stored_pixels(const GpuConvolution *conv) {
    int64_t all = conv->images * conv->height * conv->width;
    return conv->out->flat ? plane_floats(all) : all;
}

/* ---- bias, activation, residual, store ---- */

static void finish_sum(const GpuConvolution *conv, int sum, int bias) {
    if (conv->has_bias)
        kernel_binary(conv->builder, INSTRUCTION_add, sum, sum, bias);
    emit_activation(conv->builder, conv->activation, sum);
}

static void add_residual(const GpuConvolution *conv, int sum, int residual) {
    kernel_binary(conv->builder, INSTRUCTION_add, sum, sum, residual);
    emit_activation(conv->builder, conv->residual_activation, sum);
}

/* `lanes` pixels of a plane, which NULL lets compute from the channel. */
static void store_pixels(const GpuConvolution *conv, int reg, int lanes, const Expression *plane,
    const Expression *channel, const Expression *pixel) {
    KernelBuilder *builder = conv->builder;
    Arena *arena = conv->arena;
    int64_t all = tensor_pixels(conv->out);
    if (!plane)
        plane = access_plane(&conv->output, channel);
    if (conv->out->flat) {
        kernel_store(
            builder, reg, conv->output.parameter, expression_add(arena, plane, pixel), 0, lanes);
        return;
    }
    plane = kernel_let(builder, "plane", plane);
    for (int i = 0; i < lanes; i++) {
        const Expression *at = expression_offset(arena, pixel, i);
        bool partial = i > 0 && all % lanes != 0;
        if (partial)
            kernel_open_if_less(builder, at, expression_constant(arena, all));
        kernel_store(builder, emit_lane(builder, reg, i), conv->output.parameter,
            expression_add(arena, plane, access_pixel(&conv->output, at)), 0, 1);
        if (partial)
            kernel_close(builder);
    }
}

/* With loads that were made ahead, or NULL. */
static void finish_pixels(const GpuConvolution *conv, int reg, int lanes, const FinishLoads *ahead,
    const Expression *index, const Expression *pixel) {
    const Expression *channel = result_channel(conv, index);
    bool partial = open_channel(conv, index);
    int bias = ahead ? ahead->bias : conv->has_bias ? load_bias(conv, lanes, index) : -1;
    finish_sum(conv, reg, bias);
    if (conv->has_residual)
        add_residual(
            conv, reg, ahead ? ahead->residual : load_residual(conv, lanes, channel, pixel));
    store_pixels(conv, reg, lanes, ahead ? ahead->plane : NULL, channel, pixel);
    if (partial)
        kernel_close(conv->builder);
}

/* One slice, no next layer: straight from the registers. */
static void finish_registers(const GpuConvolution *conv, const int *sums) {
    KernelBuilder *builder = conv->builder;
    Arena *arena = conv->arena;
    const GpuConvolutionShape *shape = &conv->shape;
    const Expression *pixel = kernel_let(builder, "out_pixel",
        expression_add(
            arena, conv->first_pixel, expression_multiply(arena, conv->quad, shape->pixels)));
    int closes = open_threads(conv, (int64_t)shape->quads * shape->parts);
    kernel_open_if_less(
        builder, pixel, expression_constant(arena, conv->images * conv->height * conv->width));
    for (int i = 0; i < shape->channels; i++)
        finish_pixels(conv, join_lanes(builder, sums + i * shape->pixels, shape->pixels),
            shape->pixels, NULL,
            expression_offset(arena, expression_multiply(arena, conv->part, shape->channels), i),
            pixel);
    for (closes++; closes > 0; closes--)
        kernel_close(builder);
}

static void finish_slices(
    const GpuConvolution *conv, const TileUnits *units, const FinishLoads *loads, int64_t slices) {
    KernelBuilder *builder = conv->builder;
    int closes = 0;
    TileUnit unit = loads->unit;
    if (loads->early)
        closes = open_threads(conv, units->count);
    else
        unit = open_units(conv, units, &closes);
    kernel_open_if_less(
        builder, unit.out_pixel, expression_constant(conv->arena, stored_pixels(conv)));
    finish_pixels(conv, add_slices(conv, units, &unit, slices), units->lanes,
        loads->early ? loads : NULL, unit.index, unit.out_pixel);
    for (closes++; closes > 0; closes--)
        kernel_close(builder);
}

/* ---- the next layer, from the tile ---- */

static void complete_tile(
    const GpuConvolution *conv, const TileUnits *units, const FinishLoads *loads, int64_t slices) {
    KernelBuilder *builder = conv->builder;
    int closes = 0, bias = loads->bias;
    TileUnit unit = loads->unit;
    if (loads->early)
        closes = open_threads(conv, units->count);
    else
        unit = open_units(conv, units, &closes);
    int sum = add_slices(conv, units, &unit, slices);
    if (!loads->early && conv->has_bias)
        bias = load_bias(conv, units->lanes, unit.index);
    finish_sum(conv, sum, bias);
    kernel_store(builder, sum, conv->shared, unit.in_tile, 0, units->lanes);
    while (closes-- > 0)
        kernel_close(builder);
    kernel_barrier(builder);
}

typedef struct TileChannel {
    const GpuConvolution *conv;
    const Expression *first; /* offset of the channel's first number */
} TileChannel;

static void load_tile(
    const void *context, int reg, const Expression *row, const Expression *column) {
    const TileChannel *channel = context;
    const GpuConvolution *conv = channel->conv;
    Arena *arena = conv->arena;
    const Expression *in_tile =
        expression_add(arena, row, expression_multiply(arena, conv->first_row, -1));
    kernel_load(conv->builder, reg, conv->shared,
        expression_sum(
            arena, channel->first, expression_multiply(arena, in_tile, conv->width), column, NULL),
        0, 1);
}

/* An output of the next layer, of the thread. */
typedef struct WindowPoint {
    const Expression *index; /* channel of the tile */
    const Expression *rest;  /* number among the outputs of the tile's channel */
    const Expression *channel;
} WindowPoint;

static int64_t window_outputs(const GpuConvolution *conv) {
    return tile_channels(conv) * conv->shape.rows * conv->window_op.width_out;
}

static WindowPoint window_point(const GpuConvolution *conv, const Expression *element) {
    Arena *arena = conv->arena;
    int64_t pixels = conv->shape.rows * conv->window_op.width_out;
    WindowPoint point;
    point.index = kernel_let(conv->builder, "index", expression_divide(arena, element, pixels));
    point.rest = expression_remainder(arena, element, pixels);
    point.channel = kernel_let(conv->builder, "channel", result_channel(conv, point.index));
    return point;
}

static void finish_window(const GpuConvolution *conv, const FinishLoads *loads) {
    KernelBuilder *builder = conv->builder;
    Arena *arena = conv->arena;
    const GpuWindowOp *op = &conv->window_op;
    int closes;
    const Expression *element = open_elements(conv, window_outputs(conv), &closes);
    WindowPoint point = window_point(conv, element);
    const Expression *row = kernel_let(builder, "y",
        expression_add(
            arena, conv->first_row_out, expression_divide(arena, point.rest, op->width_out)));
    const Expression *column =
        kernel_let(builder, "x", expression_remainder(arena, point.rest, op->width_out));
    if (op->height_out % conv->shape.rows != 0) {
        kernel_open_if_less(builder, row, expression_constant(arena, op->height_out));
        closes++;
    }
    closes += open_channel(conv, point.index);
    TileChannel tile = {
        conv, kernel_let(builder, "first_in_tile",
                  expression_add(arena, channel_in_tile(conv, point.index), conv->shift))};
    int value = emit_window(op, builder, loads->window.taps ? &loads->window : NULL, point.channel,
        row, column, load_tile, &tile);
    kernel_store(builder, value, conv->output.parameter,
        expression_add(arena,
            loads->window_plane ? loads->window_plane : access_plane(&conv->output, point.channel),
            access_position(&conv->output, conv->image, row, column)),
        0, 1);
    while (closes-- > 0)
        kernel_close(builder);
}

/* Each channel has `lanes` threads, a power of two; the first of them adds up what they found. */
static void finish_pool(const GpuConvolution *conv) {
    KernelBuilder *builder = conv->builder;
    Arena *arena = conv->arena;
    int64_t lanes = 1, pixels = conv->height * conv->width;
    while (lanes < 32 && lanes * lanes < pixels && 2 * lanes * tile_channels(conv) <= BLOCK_THREADS)
        lanes *= 2;
    int partial_sums = kernel_local(builder, BLOCK_THREADS);
    const Expression *lane =
        kernel_let(builder, "lane", expression_remainder(arena, conv->thread, lanes));
    const Expression *index =
        kernel_let(builder, "index", expression_divide(arena, conv->thread, lanes));
    int sum = emit_splat(builder, 1, 0.0f), total = emit_splat(builder, 1, 0.0f);
    kernel_open_if_less(builder, index, expression_constant(arena, tile_channels(conv)));
    const Expression *step = kernel_open_range(builder, "step", 0, (pixels + lanes - 1) / lanes, 1);
    const Expression *pixel = kernel_let(
        builder, "pixel", expression_add(arena, lane, expression_multiply(arena, step, lanes)));
    if (pixels % lanes != 0)
        kernel_open_if_less(builder, pixel, expression_constant(arena, pixels));
    int value = kernel_register(builder, 1);
    kernel_load(builder, value, conv->shared,
        expression_sum(arena, channel_in_tile(conv, index), conv->shift, pixel, NULL), 0, 1);
    kernel_binary(builder, INSTRUCTION_add, sum, sum, value);
    for (int closes = 2 + (pixels % lanes != 0); closes > 0; closes--)
        kernel_close(builder);
    kernel_store(builder, sum, partial_sums, conv->thread, 0, 1);
    kernel_barrier(builder);
    /* lane 0 of a channel that is there */
    const Expression *left = conv->group_outputs % tile_channels(conv) == 0
                                 ? expression_constant(arena, tile_channels(conv))
                                 : expression_minimum(arena, conv->channels_left,
                                       expression_constant(arena, tile_channels(conv)));
    kernel_open_if_less(builder,
        expression_add(arena, index, expression_multiply(arena, lane, tile_channels(conv))), left);
    const Expression *other = kernel_open_range(builder, "other", 0, lanes, 1);
    value = kernel_register(builder, 1);
    kernel_load(builder, value, partial_sums, expression_add(arena, conv->thread, other), 0, 1);
    kernel_binary(builder, INSTRUCTION_add, total, total, value);
    kernel_close(builder);
    kernel_binary(
        builder, INSTRUCTION_multiply, total, total, emit_splat(builder, 1, 1.0f / (float)pixels));
    const Expression *zero = expression_constant(arena, 0);
    kernel_store(builder, total, conv->output.parameter,
        expression_add(arena,
            access_plane(&conv->output, expression_add(arena, conv->first_channel, index)),
            access_position(&conv->output, conv->image, zero, zero)),
        0, 1);
    kernel_close(builder);
}

/* ---- the whole ---- */

static bool is_shared(const GpuConvolution *conv) {
    return conv->shape.rows > 0 || conv->shape.slices > 1;
}

/* What the thread's only unit needs. */
static void load_unit_ahead(GpuConvolution *conv, const TileUnits *units, FinishLoads *loads) {
    KernelBuilder *builder = conv->builder;
    const Expression *index, *channel;
    loads->early = true;
    loads->unit = only_unit(conv, units);
    index = loads->unit.index;
    channel = result_channel(conv, index);
    if (conv->shape.rows == 0 && conv->output.table >= 0)
        loads->plane = early_plane(conv, channel);
    int closes = open_threads(conv, units->count);
    if (conv->has_bias)
        loads->bias = load_bias(conv, units->lanes, index);
    if (conv->has_residual) {
        kernel_open_if_less(
            builder, loads->unit.out_pixel, expression_constant(conv->arena, stored_pixels(conv)));
        loads->residual =
            load_residual(conv, units->lanes, valid_channel(conv, channel), loads->unit.out_pixel);
        closes++;
    }
    while (closes-- > 0)
        kernel_close(builder);
}

/* What the thread's only output of the next layer needs. */
static void load_window_ahead(GpuConvolution *conv, FinishLoads *loads) {
    bool weights = window_loads_ahead(&conv->window_op) && sums_leave_registers(conv);
    if (!weights && conv->output.table < 0)
        return;
    WindowPoint point = window_point(conv, conv->thread);
    if (conv->output.table >= 0)
        loads->window_plane = early_plane(conv, point.channel);
    if (!weights)
        return;
    int closes = open_threads(conv, window_outputs(conv));
    loads->window =
        emit_window_loads(&conv->window_op, conv->builder, valid_channel(conv, point.channel));
    while (closes-- > 0)
        kernel_close(conv->builder);
}

FinishLoads emit_finish_loads(GpuConvolution *conv) {
    FinishLoads loads = {.bias = -1, .residual = -1};
    if (!is_shared(conv) || conv->taps > 1) /* whose sums leave no registers */
        return loads;
    TileUnits units = tile_units(conv);
    if (units.count <= BLOCK_THREADS)
        load_unit_ahead(conv, &units, &loads);
    if (conv->shape.rows > 0 && is_window_op(conv->next) && window_outputs(conv) <= BLOCK_THREADS)
        load_window_ahead(conv, &loads);
    return loads;
}

void emit_finish(GpuConvolution *conv, const FinishLoads *loads, const int *sums) {
    if (!is_shared(conv)) {
        finish_registers(conv, sums);
        return;
    }
    TileUnits units = tile_units(conv);
    conv->shared = kernel_local(conv->builder, conv->shape.channels * channel_floats(&conv->shape));
    store_sums(conv, sums);
    int64_t slices = fold_slices(conv, &units);
    if (conv->shape.rows == 0) {
        finish_slices(conv, &units, loads, slices);
        return;
    }
    complete_tile(conv, &units, loads, slices);
    if (is_window_op(conv->next))
        finish_window(conv, loads);
    else
        finish_pool(conv);
}
