/* Ops that reduce: global average pooling over the pixels, local response norm over the channels.
 */
#include "backends/kernels/channel_op.h"
#include "backends/kernels/copy.h"
#include "backends/kernels/emit.h"
#include "backends/kernels/kernels.h"
#include "backends/kernels/place.h"
#include "backends/program/buffers.h"
#include "backends/program/call.h"
#include "backends/program/emission.h"
#include "backends/program/math.h"
#include "backends/program/part_sum.h"
#include "backends/program/placement.h"
#include "backends/schedule/shape.h"
#include "backends/schedule/sum_parts.h"
#include "ir/arena.h"
#include "ir/diagnostics.h"
#include "ir/graph.h"
#include "ir/kernel.h"
#include <inttypes.h>
#include <math.h>

/* ---- global average pooling ---- */

enum { POOL_VECTORS = 8 }; /* sums that are kept in flight, to hide the latency of an addition */

typedef struct GlobalPool {
    Emission *emission;
    KernelBuilder *builder;
    const Placement *input, *output;
    const Run *in, *out;
    int in_parameter, out_parameter;
    const Expression *image;
} GlobalPool;

/* Sums of a block of channels: registers of one kind, one for each vector. */
typedef struct PoolSums {
    int registers[POOL_VECTORS];
} PoolSums;

/* What a block of channels is: `vectors` vectors from `channel` on, of which `channels_left` lanes
 * are channels. */
typedef struct PoolBlock {
    const Segment *segment;
    const Expression *channel;
    const int *widths;
    int vectors;
    int64_t channels_left;
} PoolBlock;

static PoolSums pool_sums(const GlobalPool *pool, const PoolBlock *block) {
    PoolSums sums = {{0}};
    for (int v = 0; v < block->vectors; v++)
        sums.registers[v] = kernel_register(pool->builder, block->widths[v]);
    return sums;
}

static void clear_sums(const GlobalPool *pool, const PoolBlock *block, const PoolSums *sums) {
    for (int v = 0; v < block->vectors; v++)
        kernel_splat(pool->builder, sums->registers[v], 0.0f);
}

static void fold_sums(
    const GlobalPool *pool, const PoolBlock *block, const PoolSums *into, const PoolSums *from) {
    for (int v = 0; v < block->vectors; v++)
        kernel_binary(pool->builder, INSTRUCTION_add, into->registers[v], into->registers[v],
            from->registers[v]);
}

static void add_pixel(const GlobalPool *pool, const PoolBlock *block, const Expression *row,
    const Expression *column, const PoolSums *sums) {
    KernelBuilder *builder = pool->builder;
    Arena *arena = pool->emission->arena;
    int lanes = pool->emission->compilation->target->lanes;
    for (int v = 0; v < block->vectors; v++) {
        int value = kernel_register_of(builder, pool->input->element, block->widths[v]);
        const Expression *offset = expression_sum(arena, block->channel,
            expression_multiply(arena, pool->image, pool->in->image_stride),
            expression_multiply(arena, row, pool->in->row_stride),
            expression_multiply(arena, column, pool->in->pixel_stride),
            expression_constant(arena, pool->in->displacement + block->segment->first_channel -
                                           pool->in->first_channel + (int64_t)v * lanes),
            NULL);
        emit_vector_load(builder, value, pool->in_parameter, offset,
            block->channels_left - (int64_t)v * lanes, pool->in->exact);
        kernel_binary(builder, INSTRUCTION_add, sums->registers[v], sums->registers[v],
            emit_as(builder, value, LANE_F32));
    }
}

static const Expression *open_pool_part(const GlobalPool *pool, const char *name,
    const Expression *begin, int64_t size, int64_t whole) {
    const Expression *end = expression_constant(pool->emission->arena, whole);
    return open_part(pool->builder, name, begin, size, whole % size == 0 ? NULL : end, 1);
}

/* One float32 that everything is added to loses a pixel's last bits as it grows, and stands still
 * at 2^24 pixels. So a large image is summed in three steps: up to TERMS_PER_SUM columns of a row
 * into a sum, those of a band of rows into another, the bands into the total. No sum has more terms
 * than about the root of the number of pixels, and the error grows like that. */
static void emit_sum_in_parts(
    const GlobalPool *pool, const PoolBlock *block, const PoolSums *total) {
    KernelBuilder *builder = pool->builder;
    int64_t height = pool->input->height, width = pool->input->width;
    int64_t rows = square_root_above(height), columns = columns_of_sum(width);
    PoolSums band = pool_sums(pool, block), part = pool_sums(pool, block);
    const Expression *first_row = kernel_open_range(builder, "first_row", 0, height, rows);
    clear_sums(pool, block, &band);
    const Expression *row = open_pool_part(pool, "row", first_row, rows, height);
    const Expression *first_column = kernel_open_range(builder, "first_column", 0, width, columns);
    clear_sums(pool, block, &part);
    const Expression *column = open_pool_part(pool, "column", first_column, columns, width);
    add_pixel(pool, block, row, column, &part);
    kernel_close(builder);
    fold_sums(pool, block, &band, &part);
    kernel_close(builder);
    kernel_close(builder);
    fold_sums(pool, block, total, &band);
    kernel_close(builder);
}

static void emit_pool_sums(const GlobalPool *pool, const PoolBlock *block, const PoolSums *total) {
    KernelBuilder *builder = pool->builder;
    clear_sums(pool, block, total);
    if (pool->input->height * pool->input->width > TERMS_PER_SUM) {
        emit_sum_in_parts(pool, block, total);
        return;
    }
    const Expression *row = kernel_open_range(builder, "row", 0, pool->input->height, 1);
    const Expression *column = kernel_open_range(builder, "column", 0, pool->input->width, 1);
    add_pixel(pool, block, row, column, total);
    kernel_close(builder);
    kernel_close(builder);
}

static void emit_pool_block(const GlobalPool *pool, const PoolBlock *block) {
    KernelBuilder *builder = pool->builder;
    Arena *arena = pool->emission->arena;
    int lanes = pool->emission->compilation->target->lanes;
    PoolSums sums = pool_sums(pool, block);
    emit_pool_sums(pool, block, &sums);
    for (int v = 0; v < block->vectors; v++) {
        int factor = kernel_register(builder, block->widths[v]), sum = sums.registers[v];
        int64_t left = block->channels_left - (int64_t)v * lanes;
        kernel_splat(builder, factor, 1.0f / (float)(pool->input->height * pool->input->width));
        kernel_binary(builder, INSTRUCTION_multiply, sum, sum, factor);
        const Expression *offset = expression_sum(arena, block->channel,
            expression_multiply(arena, pool->image, pool->out->image_stride),
            expression_constant(arena, pool->out->displacement + block->segment->first_channel -
                                           pool->out->first_channel + (int64_t)v * lanes),
            NULL);
        kernel_store(builder, emit_as(builder, sum, pool->output->element), pool->out_parameter,
            offset, 0, left < block->widths[v] ? (int)left : block->widths[v]);
    }
}

static void emit_pool_segment(const GlobalPool *pool, const Segment *segment) {
    int lanes = pool->emission->compilation->target->lanes;
    int widths[POOL_VECTORS];
    int64_t block = (int64_t)POOL_VECTORS * lanes;
    int64_t whole = segment->channel_count / block * block, rest = segment->channel_count - whole;
    if (whole > 0) {
        for (int v = 0; v < POOL_VECTORS; v++)
            widths[v] = lanes;
        const Expression *channel = kernel_open_range(pool->builder, "channel", 0, whole, block);
        emit_pool_block(pool, &(PoolBlock){segment, channel, widths, POOL_VECTORS, block});
        kernel_close(pool->builder);
    }
    if (rest > 0) {
        int vectors =
            vector_widths(pool->emission->compilation->target, rest, widths, POOL_VECTORS);
        const Expression *channel = expression_constant(pool->emission->arena, whole);
        emit_pool_block(pool, &(PoolBlock){segment, channel, widths, vectors, rest});
    }
}

static bool lower_global_pool(Emission *emission, const Node *node) {
    GlobalPool pool = {.emission = emission};
    pool.input = make_channels_last(emission, node, value_placement(emission, node->operands[0]));
    pool.output = place_result(emission, node->results[0]);
    KernelCall call;
    call_begin(emission, &call, node, pool.output->images);
    pool.builder = &call.builder;
    const int *inputs = call_placement(&call, PARAMETER_READ, "input", pool.input);
    const int *outputs = call_placement(&call, PARAMETER_WRITE, "output", pool.output);
    pool.image =
        kernel_open_for(pool.builder, "image", kernel_variable(pool.builder, VARIABLE_BEGIN),
            kernel_variable(pool.builder, VARIABLE_END), 1);
    const Placement *placements[2] = {pool.input, pool.output};
    int count;
    const Segment *segments = channel_segments(emission->arena, placements, 2, &count);
    for (int i = 0; i < count; i++) {
        pool.in = &pool.input->runs[segments[i].runs[0]];
        pool.out = &pool.output->runs[segments[i].runs[1]];
        pool.in_parameter = inputs[segments[i].runs[0]];
        pool.out_parameter = outputs[segments[i].runs[1]];
        emit_pool_segment(&pool, &segments[i]);
    }
    kernel_close(pool.builder);
    call_describe(&call, "global_avg_pool %" PRId64 "x%" PRId64 ", %" PRId64, pool.input->height,
        pool.input->width, pool.input->channels);
    call_end(emission, &call);
    return true;
}

/* ---- over the channels of one pixel ---- */

/* base^-beta, from beta's binary digits: the whole part by products, the digits behind the point by
 * repeated square roots. After 24 digits what is left changes no float. */
static int emit_negative_power(KernelBuilder *builder, int base, double beta) {
    InstructionKind combine = beta < 0 ? INSTRUCTION_multiply : INSTRUCTION_divide;
    double whole = floor(fabs(beta)), fraction = fabs(beta) - whole;
    int root = kernel_register(builder, 1), result = kernel_register(builder, 1);
    kernel_splat(builder, result, 1.0f);
    for (int i = 0; i < (int)whole; i++)
        kernel_binary(builder, combine, result, result, base);
    kernel_unary(builder, INSTRUCTION_move, root, base);
    for (int digit = 0; digit < 24 && fraction > 0; digit++) {
        kernel_unary(builder, INSTRUCTION_square_root, root, root);
        fraction *= 2;
        if (fraction < 1)
            continue;
        kernel_binary(builder, combine, result, result, root);
        fraction -= 1;
    }
    return result;
}

static void emit_local_response_norm(const ChannelOp *op, const Node *node) {
    KernelBuilder *builder = op->builder;
    Arena *arena = op->emission->arena;
    int64_t size = node_integer(node, "size");
    int64_t before = (size - 1) / 2, after = size - 1 - before;
    const Expression *channel = kernel_open_range(builder, "channel", 0, op->channels, 1);
    const Expression *least = expression_maximum(
        arena, expression_offset(arena, channel, -before), expression_constant(arena, 0));
    const Expression *most = expression_minimum(arena, expression_offset(arena, channel, after + 1),
        expression_constant(arena, op->channels));
    int sum = kernel_register(builder, 1), factor = kernel_register(builder, 1);
    int start = kernel_register(builder, 1);
    kernel_splat(builder, sum, 0.0f);
    PartLoop loop = open_part_loop(builder, "neighbour", least, most, 1,
        sum_part(size < op->channels ? size : op->channels, TERMS_PER_SUM), sum);
    int value = load_channel(op, loop.index, 1);
    kernel_multiply_add(builder, loop.part_sum, value, value, loop.part_sum);
    close_part_loop(builder, &loop);
    kernel_splat(builder, factor, (float)(node_number(node, "alpha") / (double)size));
    kernel_splat(builder, start, (float)node_number(node, "k"));
    kernel_multiply_add(builder, sum, sum, factor, start);
    int power = emit_negative_power(builder, sum, node_number(node, "beta"));
    value = load_channel(op, channel, 1);
    kernel_binary(builder, INSTRUCTION_multiply, value, value, power);
    kernel_store(
        builder, value, op->out_parameter, expression_add(arena, op->out_pixel, channel), 0, 1);
    kernel_close(builder);
}

static bool check_beta(Emission *emission, const Node *node) {
    if (fabs(node_number(node, "beta")) <= (double)LARGEST_BETA)
        return true;
    diagnostics_report(emission->diagnostics, SEVERITY_ERROR, node->where,
        "the interpreter (`riffle run --interpret`) takes any beta",
        "local_response_norm is compiled for a beta from %d to %d only", -LARGEST_BETA,
        LARGEST_BETA);
    return false;
}

static void emit_norm_row(ChannelOp *op, const Node *node) {
    choose_pixel(op, kernel_open_range(op->builder, "column", 0, op->output->width, 1));
    emit_local_response_norm(op, node);
    kernel_close(op->builder);
}

static bool lower_channel_op(Emission *emission, const Node *node) {
    if (node->op == OP_local_response_norm && !check_beta(emission, node))
        return false;
    const Placement *input =
        make_one_run(emission, node, value_placement(emission, node->operands[0]));
    const Placement *output = place_result(emission, node->results[0]);
    KernelCall call;
    call_begin(emission, &call, node, output->images * output->height);
    ChannelOp op = {.emission = emission,
        .builder = &call.builder,
        .input = input,
        .output = output,
        .in = &input->runs[0],
        .out = &output->runs[0],
        .channels = input->channels};
    op.in_parameter = call_placement(&call, PARAMETER_READ, "input", input)[0];
    op.out_parameter = call_placement(&call, PARAMETER_WRITE, "output", output)[0];
    op.row = kernel_open_for(op.builder, "row", kernel_variable(op.builder, VARIABLE_BEGIN),
        kernel_variable(op.builder, VARIABLE_END), 1);
    if (node->op == OP_local_response_norm)
        emit_norm_row(&op, node);
    else
        emit_softmax_row(&op, node->op == OP_log_softmax);
    kernel_close(op.builder);
    call_describe(&call, "%s, %" PRId64 " channels", op_info(node->op)->name, op.channels);
    call_end(emission, &call);
    return true;
}

bool lower_reduction(Emission *emission, const Node *node) {
    switch (node->op) {
    case OP_global_avg_pool:
        return lower_global_pool(emission, node);
    case OP_reduce:
        return lower_reduce(emission, node);
    case OP_arg_max:
        return lower_arg_max(emission, node);
    default:
        return lower_channel_op(emission, node);
    }
}
