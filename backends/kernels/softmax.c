/* softmax and log_softmax of the pixels of a row. Few channels: several pixels in one vector. More:
 * those of a pixel in registers, so that each exponential is computed once. Many: in loops, and
 * each exponential twice, so that the output buffer is only written. */
#include "backends/kernels/channel_op.h"
#include "backends/kernels/emit.h"
#include "backends/kernels/reduce.h"
#include "backends/program/math.h"
#include "backends/program/part_sum.h"
#include "backends/schedule/shape.h"
#include "backends/schedule/sum_parts.h"
#include "ir/arena.h"
#include "ir/kernel.h"
#include <math.h>

/* ---- in registers ---- */

/* SoftmaxVectors of equal lanes. `group` neighbouring lanes are a pixel; 0: all lanes of all
 * vectors. */
typedef struct SoftmaxVectors {
    KernelBuilder *builder;
    int values[REDUCED_VECTORS];
    int count, lanes, group;
} SoftmaxVectors;

/* Each lane becomes what the lanes of its pixel are combined to. */
static int across_group(const SoftmaxVectors *vectors, InstructionKind combine, int value) {
    KernelBuilder *builder = vectors->builder;
    int lanes = vectors->lanes, group = vectors->group, result = kernel_register(builder, lanes);
    kernel_unary(builder, INSTRUCTION_move, result, value);
    for (int by = 1; by < group; by++) {
        int turned = kernel_register(builder, lanes);
        int *indices = ARENA_ARRAY(builder->arena, int, lanes);
        for (int i = 0; i < lanes; i++)
            indices[i] = i < lanes / group * group ? i / group * group + (i + by) % group : i;
        kernel_permute(builder, turned, value, value, indices);
        kernel_binary(builder, combine, result, result, turned);
    }
    return result;
}

static int across(const SoftmaxVectors *vectors, const int *values, bool adds) {
    KernelBuilder *builder = vectors->builder;
    InstructionKind combine = adds ? INSTRUCTION_add : INSTRUCTION_maximum;
    if (vectors->group > 0)
        return across_group(vectors, combine, values[0]);
    int result = kernel_register(builder, vectors->lanes);
    kernel_unary(builder, INSTRUCTION_move, result, values[0]);
    for (int i = 1; i < vectors->count; i++)
        kernel_binary(builder, combine, result, result, values[i]);
    kernel_unary(
        builder, adds ? INSTRUCTION_reduce_add : INSTRUCTION_reduce_maximum, result, result);
    return result;
}

/* The values become their softmax, or its logarithm. */
static void emit_softmax_of(SoftmaxVectors *vectors, bool logarithm) {
    KernelBuilder *builder = vectors->builder;
    int maximum = across(vectors, vectors->values, false), powers[REDUCED_VECTORS];
    for (int i = 0; i < vectors->count; i++) {
        int value = vectors->values[i];
        powers[i] = logarithm ? kernel_register(builder, vectors->lanes) : value;
        kernel_binary(builder, INSTRUCTION_subtract, value, value, maximum);
        emit_exponential(builder, powers[i], value);
    }
    int sum = across(vectors, powers, true);
    if (logarithm)
        emit_logarithm(builder, sum, sum);
    for (int i = 0; i < vectors->count; i++)
        kernel_binary(builder, logarithm ? INSTRUCTION_subtract : INSTRUCTION_divide,
            vectors->values[i], vectors->values[i], sum);
}

/* `pixels` of few channels each, one behind the other. */
static void emit_pixels(const ChannelOp *op, int lanes, int pixels, bool logarithm) {
    int count = pixels * (int)op->channels;
    SoftmaxVectors vectors = {.builder = op->builder,
        .count = 1,
        .lanes = lanes,
        .group = (int)op->channels,
        .values = {kernel_register(op->builder, lanes)}};
    kernel_load(op->builder, vectors.values[0], op->in_parameter, op->in_pixel, 0, count);
    emit_softmax_of(&vectors, logarithm);
    kernel_store(op->builder, vectors.values[0], op->out_parameter, op->out_pixel, 0, count);
}

static void emit_packed_row(ChannelOp *op, int lanes, bool logarithm) {
    int64_t width = op->output->width;
    int pixels = lanes / (int)op->channels;
    int64_t whole = width / pixels * pixels;
    if (whole > 0) {
        choose_pixel(op, kernel_open_range(op->builder, "column", 0, whole, pixels));
        emit_pixels(op, lanes, pixels, logarithm);
        kernel_close(op->builder);
    }
    if (whole < width) {
        choose_pixel(op, expression_constant(op->emission->arena, whole));
        emit_pixels(op, lanes, (int)(width - whole), logarithm);
    }
}

static void emit_pixel(const ChannelOp *op, int lanes, bool logarithm) {
    KernelBuilder *builder = op->builder;
    SoftmaxVectors vectors = {.builder = builder, .lanes = lanes};
    for (int64_t first = 0; first < op->channels; first += lanes) {
        int64_t left = op->channels - first;
        int value = kernel_register(builder, lanes);
        emit_vector_load(builder, value, op->in_parameter,
            expression_offset(builder->arena, op->in_pixel, first), left, op->in->exact);
        if (left < lanes)
            value = replace_rest(builder, value, (int)left, -INFINITY);
        vectors.values[vectors.count++] = value;
    }
    emit_softmax_of(&vectors, logarithm);
    for (int i = 0; i < vectors.count; i++) {
        int64_t first = (int64_t)i * lanes, left = op->channels - first;
        kernel_store(builder, vectors.values[i], op->out_parameter,
            expression_offset(builder->arena, op->out_pixel, first), 0,
            left < lanes ? (int)left : lanes);
    }
}

/* ---- in loops ---- */

/* One set of registers for vectors, one for the single channels at the end. */
typedef struct Softmax {
    int maximum[2], sum[2];
} Softmax;

typedef void EmitStretch(const ChannelOp *op, const Expression *channel, int lanes, void *context);

/* Full vectors in a loop, then single channels. */
static void for_channels(const ChannelOp *op, EmitStretch *emit, void *context) {
    int lanes = op->emission->compilation->target->lanes;
    int64_t whole = op->channels / lanes * lanes;
    if (whole > 0) {
        emit(op, kernel_open_range(op->builder, "channel", 0, whole, lanes), lanes, context);
        kernel_close(op->builder);
    }
    if (whole < op->channels) {
        emit(op, kernel_open_range(op->builder, "channel", whole, op->channels, 1), 1, context);
        kernel_close(op->builder);
    }
}

static void emit_maximum(const ChannelOp *op, const Expression *channel, int lanes, void *context) {
    Softmax *softmax = context;
    int value = load_channel(op, channel, lanes), single = lanes == 1;
    kernel_binary(op->builder, INSTRUCTION_maximum, softmax->maximum[single],
        softmax->maximum[single], value);
}

/* exp(x - maximum): computed once for the sum and once for the result, so that the output buffer is
 * only written. */
static int shifted_exponential(
    const ChannelOp *op, const Expression *channel, int lanes, const Softmax *softmax) {
    int value = load_channel(op, channel, lanes);
    kernel_binary(op->builder, INSTRUCTION_subtract, value, value, softmax->maximum[lanes == 1]);
    emit_exponential(op->builder, value, value);
    return value;
}

/* Full vectors, those of a part after the other, then single channels. */
static void emit_softmax_sums(const ChannelOp *op, const Softmax *softmax) {
    KernelBuilder *builder = op->builder;
    int lanes = op->emission->compilation->target->lanes;
    int64_t whole = op->channels / lanes * lanes;
    for (int single = 0; single < 2; single++) {
        int64_t first = single ? whole : 0, end = single ? op->channels : whole;
        if (first == end)
            continue;
        int width = single ? 1 : lanes;
        Arena *arena = op->emission->arena;
        PartLoop loop = open_part_loop(builder, "channel", expression_constant(arena, first),
            expression_constant(arena, end), width, sum_part((end - first) / width, TERMS_PER_SUM),
            softmax->sum[single]);
        int value = shifted_exponential(op, loop.index, width, softmax);
        kernel_binary(builder, INSTRUCTION_add, loop.part_sum, loop.part_sum, value);
        close_part_loop(builder, &loop);
    }
}

/* x - maximum - log(sum), for log_softmax. */
static void emit_difference(
    const ChannelOp *op, const Expression *channel, int lanes, void *context) {
    Softmax *softmax = context;
    int value = load_channel(op, channel, lanes), single = lanes == 1;
    kernel_binary(op->builder, INSTRUCTION_subtract, value, value, softmax->maximum[single]);
    kernel_binary(op->builder, INSTRUCTION_subtract, value, value, softmax->sum[single]);
    kernel_store(op->builder, value, op->out_parameter,
        expression_add(op->emission->arena, op->out_pixel, channel), 0, lanes);
}

static void emit_quotient(
    const ChannelOp *op, const Expression *channel, int lanes, void *context) {
    Softmax *softmax = context;
    int value = shifted_exponential(op, channel, lanes, softmax);
    kernel_binary(op->builder, INSTRUCTION_divide, value, value, softmax->sum[lanes == 1]);
    kernel_store(op->builder, value, op->out_parameter,
        expression_add(op->emission->arena, op->out_pixel, channel), 0, lanes);
}

/* Joins the vector's and the single part of a reduction, and spreads the result over both. */
static void join_parts(
    const ChannelOp *op, InstructionKind reduce, InstructionKind combine, int *parts) {
    KernelBuilder *builder = op->builder;
    int total = kernel_register(builder, 1);
    kernel_unary(builder, reduce, total, parts[0]);
    kernel_binary(builder, combine, parts[1], parts[1], total);
    kernel_unary(builder, reduce, parts[0], parts[1]);
}

static void emit_long_softmax(const ChannelOp *op, bool logarithm) {
    KernelBuilder *builder = op->builder;
    Softmax softmax;
    for (int i = 0; i < 2; i++) {
        int lanes = i == 0 ? op->emission->compilation->target->lanes : 1;
        softmax.maximum[i] = kernel_register(builder, lanes);
        softmax.sum[i] = kernel_register(builder, lanes);
        kernel_splat(builder, softmax.maximum[i], -INFINITY);
        kernel_splat(builder, softmax.sum[i], 0.0f);
    }
    for_channels(op, emit_maximum, &softmax);
    join_parts(op, INSTRUCTION_reduce_maximum, INSTRUCTION_maximum, softmax.maximum);
    emit_softmax_sums(op, &softmax);
    join_parts(op, INSTRUCTION_reduce_add, INSTRUCTION_add, softmax.sum);
    if (logarithm) {
        emit_logarithm(builder, softmax.sum[1], softmax.sum[1]);
        kernel_unary(builder, INSTRUCTION_reduce_maximum, softmax.sum[0], softmax.sum[1]);
    }
    for_channels(op, logarithm ? emit_difference : emit_quotient, &softmax);
}

/* ---- which of them ---- */

void emit_softmax_row(ChannelOp *op, bool logarithm) {
    int lanes = op->emission->compilation->target->lanes;
    bool dense = op->in->pixel_stride == op->channels && op->out->pixel_stride == op->channels;
    if (dense && op->channels <= lanes / 2) {
        emit_packed_row(op, lanes, logarithm);
        return;
    }
    choose_pixel(op, kernel_open_range(op->builder, "column", 0, op->output->width, 1));
    if (op->channels <= (int64_t)REDUCED_VECTORS * lanes)
        emit_pixel(op, vector_width(op->emission->compilation->target, op->channels), logarithm);
    else
        emit_long_softmax(op, logarithm);
    kernel_close(op->builder);
}
