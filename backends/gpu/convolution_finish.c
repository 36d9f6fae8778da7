/* From the sums of a block's threads to the result: slices are added up, then come bias,
 * activation and residual, and what the next layer computes of the tile. */
#include "backends/gpu/convolution.h"
#include "backends/gpu/gpu.h"
#include "backends/gpu/window.h"
#include "backends/program/math.h"
#include "ir/arena.h"
#include "ir/kernel.h"

enum { FEW_SLICES = 4 }; /* that one thread adds up */

/* ---- registers ---- */

/* `count` (4 or 1) registers of one lane as one. */
static int join_lanes(KernelBuilder *builder, const int *lanes, int count) {
    static const int first_two[] = {0, 1}, all[] = {0, 1, 2, 3};
    if (count == 1)
        return lanes[0];
    int low = kernel_register(builder, 2), high = kernel_register(builder, 2);
    int joined = kernel_register(builder, 4);
    kernel_permute(builder, low, lanes[0], lanes[1], first_two);
    kernel_permute(builder, high, lanes[2], lanes[3], first_two);
    kernel_permute(builder, joined, low, high, all);
    return joined;
}

/* ---- the tile in shared memory: [slice][channel of the tile][pixel of the tile] ---- */

static void store_sums(const GpuConvolution *conv, const int *sums) {
    KernelBuilder *builder = conv->builder;
    Arena *arena = conv->arena;
    const GpuConvolutionShape *shape = &conv->shape;
    int threads = shape->quads * shape->parts * shape->slices;
    bool idle = threads < BLOCK_THREADS;
    const Expression *row = expression_add(arena,
        expression_multiply(arena,
            expression_add(
                arena, expression_multiply(arena, conv->slice, shape->parts), conv->part),
            shape->channels * tile_pixels(conv)),
        expression_multiply(arena, conv->quad, shape->pixels));
    if (idle)
        kernel_open_if_less(builder, conv->thread, expression_constant(arena, threads));
    for (int i = 0; i < shape->channels; i++)
        kernel_store(builder, join_lanes(builder, sums + i * shape->pixels, shape->pixels),
            conv->shared, expression_offset(arena, row, i * tile_pixels(conv)), 0, shape->pixels);
    if (idle)
        kernel_close(builder);
    kernel_barrier(builder);
}

/* Opens a loop of all threads over the quads of so many slices. */
static const Expression *open_quads(const GpuConvolution *conv, int64_t slices) {
    int64_t quads = slices * tile_channels(conv) * conv->shape.quads;
    return kernel_open_for(conv->builder, "element", conv->thread,
        expression_constant(conv->arena, quads), BLOCK_THREADS);
}

static int load_quad(const GpuConvolution *conv, const Expression *quad, int64_t slice) {
    int pixels = conv->shape.pixels, reg = kernel_register(conv->builder, pixels);
    kernel_load(conv->builder, reg, conv->shared,
        expression_offset(conv->arena, expression_multiply(conv->arena, quad, pixels),
            slice * tile_channels(conv) * tile_pixels(conv)),
        0, pixels);
    return reg;
}

static void store_quad(const GpuConvolution *conv, int reg, const Expression *quad) {
    int pixels = conv->shape.pixels;
    kernel_store(conv->builder, reg, conv->shared, expression_multiply(conv->arena, quad, pixels),
        0, pixels);
}

/* Halves the slices until few are left. Returns how many. */
static int64_t fold_slices(const GpuConvolution *conv) {
    int64_t slices = conv->shape.slices;
    while (slices > FEW_SLICES) {
        int64_t kept = (slices + 1) / 2;
        const Expression *quad = open_quads(conv, slices - kept);
        int sum = load_quad(conv, quad, 0);
        kernel_binary(conv->builder, INSTRUCTION_add, sum, sum, load_quad(conv, quad, kept));
        store_quad(conv, sum, quad);
        kernel_close(conv->builder);
        kernel_barrier(conv->builder);
        slices = kept;
    }
    return slices;
}

/* ---- bias, activation, residual, store ---- */

/* Adds the bias of channel `index` of the tile. */
static void add_bias(const GpuConvolution *conv, int reg, const Expression *index) {
    KernelBuilder *builder = conv->builder;
    Arena *arena = conv->arena;
    if (conv->has_bias) {
        int bias = kernel_register(builder, conv->shape.pixels);
        kernel_broadcast(builder, bias, conv->weights,
            expression_offset(arena,
                expression_add(
                    arena, expression_multiply(arena, conv->tile, tile_channels(conv)), index),
                conv->bias_offset));
        kernel_binary(builder, INSTRUCTION_add, reg, reg, bias);
    }
    emit_activation(builder, conv->activation, reg);
}

static void add_residual(
    const GpuConvolution *conv, int reg, const Expression *channel, const Expression *pixel) {
    KernelBuilder *builder = conv->builder;
    Arena *arena = conv->arena;
    int pixels = conv->shape.pixels;
    if (!conv->has_residual)
        return;
    int other = kernel_register(builder, pixels);
    kernel_load(builder, other, conv->residual.parameter,
        expression_add(arena, access_plane(&conv->residual, channel), pixel), 0, pixels);
    kernel_binary(builder, INSTRUCTION_add, reg, reg, other);
    emit_activation(builder, conv->residual_activation, reg);
}

static void store_pixels(
    const GpuConvolution *conv, int reg, const Expression *channel, const Expression *pixel) {
    KernelBuilder *builder = conv->builder;
    Arena *arena = conv->arena;
    int64_t all = tensor_pixels(conv->out);
    int pixels = conv->shape.pixels;
    const Expression *plane = access_plane(&conv->output, channel);
    if (conv->out->flat) {
        kernel_store(
            builder, reg, conv->output.parameter, expression_add(arena, plane, pixel), 0, pixels);
        return;
    }
    plane = kernel_let(builder, "plane", plane);
    for (int i = 0; i < pixels; i++) {
        const Expression *at = expression_offset(arena, pixel, i);
        bool partial = i > 0 && all % pixels != 0;
        if (partial)
            kernel_open_if_less(builder, at, expression_constant(arena, all));
        kernel_store(builder, emit_lane(builder, reg, i), conv->output.parameter,
            expression_add(arena, plane, access_pixel(&conv->output, at)), 0, 1);
        if (partial)
            kernel_close(builder);
    }
}

/* Opens a condition for channel `index` of the tile, when the last tile is not full. */
static bool open_channel(const GpuConvolution *conv, const Expression *index) {
    if (conv->group_outputs % tile_channels(conv) == 0)
        return false;
    kernel_open_if_less(conv->builder, index, conv->channels_left);
    return true;
}

static void finish_pixels(
    const GpuConvolution *conv, int reg, const Expression *index, const Expression *pixel) {
    const Expression *channel = expression_add(conv->arena, conv->first_channel, index);
    bool partial = open_channel(conv, index);
    add_bias(conv, reg, index);
    add_residual(conv, reg, channel, pixel);
    store_pixels(conv, reg, channel, pixel);
    if (partial)
        kernel_close(conv->builder);
}

/* One slice, no next layer: straight from the registers. */
static void finish_registers(const GpuConvolution *conv, const int *sums) {
    KernelBuilder *builder = conv->builder;
    Arena *arena = conv->arena;
    const GpuConvolutionShape *shape = &conv->shape;
    int threads = shape->quads * shape->parts;
    bool idle = threads < BLOCK_THREADS;
    const Expression *pixel = kernel_let(builder, "out_pixel",
        expression_add(
            arena, conv->first_pixel, expression_multiply(arena, conv->quad, shape->pixels)));
    if (idle)
        kernel_open_if_less(builder, conv->thread, expression_constant(arena, threads));
    kernel_open_if_less(
        builder, pixel, expression_constant(arena, conv->images * conv->height * conv->width));
    for (int i = 0; i < shape->channels; i++)
        finish_pixels(conv, join_lanes(builder, sums + i * shape->pixels, shape->pixels),
            expression_offset(arena, expression_multiply(arena, conv->part, shape->channels), i),
            pixel);
    kernel_close(builder);
    if (idle)
        kernel_close(builder);
}

/* Adds up what is left of the slices, in *quad of the loop that is open. */
static int add_slices(const GpuConvolution *conv, const Expression *quad, int64_t slices) {
    int sum = load_quad(conv, quad, 0);
    for (int64_t slice = 1; slice < slices; slice++)
        kernel_binary(conv->builder, INSTRUCTION_add, sum, sum, load_quad(conv, quad, slice));
    return sum;
}

static void finish_slices(const GpuConvolution *conv, int64_t slices) {
    KernelBuilder *builder = conv->builder;
    Arena *arena = conv->arena;
    const Expression *quad = open_quads(conv, 1);
    const Expression *index =
        kernel_let(builder, "index", expression_divide(arena, quad, conv->shape.quads));
    const Expression *pixel = kernel_let(builder, "out_pixel",
        expression_add(arena, conv->first_pixel,
            expression_multiply(
                arena, expression_remainder(arena, quad, conv->shape.quads), conv->shape.pixels)));
    kernel_open_if_less(
        builder, pixel, expression_constant(arena, conv->images * conv->height * conv->width));
    finish_pixels(conv, add_slices(conv, quad, slices), index, pixel);
    kernel_close(builder);
    kernel_close(builder);
}

/* ---- the next layer, from the tile ---- */

static void complete_tile(const GpuConvolution *conv, int64_t slices) {
    const Expression *quad = open_quads(conv, 1);
    int sum = add_slices(conv, quad, slices);
    add_bias(conv, sum, expression_divide(conv->arena, quad, conv->shape.quads));
    store_quad(conv, sum, quad);
    kernel_close(conv->builder);
    kernel_barrier(conv->builder);
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

static void finish_window(const GpuConvolution *conv) {
    KernelBuilder *builder = conv->builder;
    Arena *arena = conv->arena;
    const GpuWindowOp *op = &conv->window_op;
    int64_t pixels = conv->shape.rows * op->width_out;
    const Expression *element = kernel_open_for(builder, "element", conv->thread,
        expression_constant(arena, tile_channels(conv) * pixels), BLOCK_THREADS);
    const Expression *index =
        kernel_let(builder, "index", expression_divide(arena, element, pixels));
    const Expression *rest = expression_remainder(arena, element, pixels);
    const Expression *row = kernel_let(builder, "y",
        expression_add(arena, conv->first_row_out, expression_divide(arena, rest, op->width_out)));
    const Expression *column =
        kernel_let(builder, "x", expression_remainder(arena, rest, op->width_out));
    const Expression *channel =
        kernel_let(builder, "channel", expression_add(arena, conv->first_channel, index));
    bool partial_rows = op->height_out % conv->shape.rows != 0;
    if (partial_rows)
        kernel_open_if_less(builder, row, expression_constant(arena, op->height_out));
    bool partial = open_channel(conv, index);
    TileChannel tile = {
        conv, kernel_let(builder, "first_in_tile",
                  expression_add(
                      arena, expression_multiply(arena, index, tile_pixels(conv)), conv->shift))};
    int value = emit_window(op, builder, channel, row, column, load_tile, &tile);
    kernel_store(builder, value, conv->output.parameter,
        expression_add(arena, access_plane(&conv->output, channel),
            access_position(&conv->output, conv->image, row, column)),
        0, 1);
    for (int close = 1 + partial_rows + partial; close > 0; close--)
        kernel_close(builder);
}

/* Each channel has `lanes` threads, a power of two; the first of them adds up what they found. */
static void finish_pool(const GpuConvolution *conv) {
    KernelBuilder *builder = conv->builder;
    Arena *arena = conv->arena;
    int64_t lanes = 32, pixels = conv->height * conv->width;
    while (lanes * tile_channels(conv) > BLOCK_THREADS)
        lanes /= 2;
    int partial_sums = kernel_local(builder, BLOCK_THREADS);
    const Expression *lane =
        kernel_let(builder, "lane", expression_remainder(arena, conv->thread, lanes));
    const Expression *index =
        kernel_let(builder, "index", expression_divide(arena, conv->thread, lanes));
    int sum = emit_splat(builder, 1, 0.0f), total = emit_splat(builder, 1, 0.0f);
    kernel_open_if_less(builder, index, expression_constant(arena, tile_channels(conv)));
    const Expression *pixel =
        kernel_open_for(builder, "pixel", lane, expression_constant(arena, pixels), lanes);
    int value = kernel_register(builder, 1);
    kernel_load(builder, value, conv->shared,
        expression_sum(
            arena, expression_multiply(arena, index, tile_pixels(conv)), conv->shift, pixel, NULL),
        0, 1);
    kernel_binary(builder, INSTRUCTION_add, sum, sum, value);
    kernel_close(builder);
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

void emit_finish(GpuConvolution *conv, const int *sums) {
    if (conv->shape.rows == 0 && conv->shape.slices == 1) {
        finish_registers(conv, sums);
        return;
    }
    conv->shared =
        kernel_local(conv->builder, conv->shape.slices * tile_channels(conv) * tile_pixels(conv));
    store_sums(conv, sums);
    int64_t slices = fold_slices(conv);
    if (conv->shape.rows == 0) {
        finish_slices(conv, slices);
        return;
    }
    complete_tile(conv, slices);
    if (is_window_op(conv->next))
        finish_window(conv);
    else
        finish_pool(conv);
}
