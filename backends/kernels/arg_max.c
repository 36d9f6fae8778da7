/* arg_max: the largest number so far and its index stand in two registers. */
#include "backends/kernels/kernels.h"
#include "backends/kernels/reduce.h"
#include "backends/program/math.h"
#include "ir/arena.h"
#include "ir/reduction.h"
#include <inttypes.h>
#include <math.h>

typedef struct ArgMax {
    const Reducer *reducer;
    KernelBuilder *builder;
    bool least, last;
} ArgMax;

static ArgMax arg_max_of(const Reducer *reducer) {
    const Node *node = reducer->node;
    return (ArgMax){reducer, reducer->builder, node_flag(node, "least"), node_flag(node, "last")};
}

/* The index becomes the position where the value is larger, or also where it is equal. */
static void emit_contest(const ArgMax *op, int best, int index, int value, int position) {
    KernelBuilder *builder = op->builder;
    int lanes = builder->kernel->register_lanes[best];
    int wins = kernel_register(builder, lanes), step = kernel_register(builder, lanes);
    if (op->last) {
        kernel_binary(builder, INSTRUCTION_is_less, wins, value, best);
        kernel_binary(builder, INSTRUCTION_subtract, wins, emit_number(builder, lanes, 1.0f), wins);
    } else {
        kernel_binary(builder, INSTRUCTION_is_less, wins, best, value);
    }
    kernel_binary(builder, INSTRUCTION_subtract, step, position, index);
    kernel_multiply_add(builder, index, wins, step, index);
    kernel_binary(builder, INSTRUCTION_maximum_or_nan, best, best, value);
}

static void make_largest(const ArgMax *op, int value) {
    int lanes = op->builder->kernel->register_lanes[value];
    if (op->least)
        kernel_binary(op->builder, INSTRUCTION_multiply, value, value,
            emit_number(op->builder, lanes, -1.0f));
}

/* What is NaN where the largest number is, and no larger than an index elsewhere. */
static void spread_nan(const ArgMax *op, int best, int index) {
    int lanes = op->builder->kernel->register_lanes[best];
    kernel_binary(op->builder, INSTRUCTION_minimum, best, emit_number(op->builder, lanes, 0), best);
    kernel_binary(op->builder, INSTRUCTION_maximum_or_nan, index, index, best);
}

/* ---- channels stay ---- */

static void emit_kept_block(Reducer *reducer, const ReducedBlock *block) {
    ArgMax op = arg_max_of(reducer);
    KernelBuilder *builder = op.builder;
    int best[REDUCED_VECTORS], index[REDUCED_VECTORS], position[REDUCED_VECTORS];
    for (int v = 0; v < block->vectors; v++) {
        int lanes = block->widths[v];
        bool alike = v > 0 && block->widths[v - 1] == lanes;
        best[v] = emit_number(builder, lanes, -INFINITY);
        index[v] = emit_number(builder, lanes, 0);
        position[v] = alike ? position[v - 1] : emit_number(builder, lanes, 0);
    }
    const Expression *at[4] = {reducer->at[0], NULL, reducer->at[2], reducer->at[3]};
    int64_t axis = node_integer(reducer->node, "axis");
    at[axis] =
        kernel_open_range(builder, "index", 0, reducer->node->operands[0]->type.dims[axis], 1);
    for (int v = 0; v < block->vectors; v++) {
        int value = load_reduced(reducer, block, v, at);
        make_largest(&op, value);
        emit_contest(&op, best[v], index[v], value, position[v]);
    }
    for (int v = 0; v < block->vectors; v++)
        if (v == 0 || position[v] != position[v - 1])
            kernel_binary(builder, INSTRUCTION_add, position[v], position[v],
                emit_number(builder, block->widths[v], 1.0f));
    kernel_close(builder);
    for (int v = 0; v < block->vectors; v++) {
        spread_nan(&op, best[v], index[v]);
        store_reduced(reducer, block, v, index[v]);
    }
}

/* ---- channels are reduced ---- */

/* Lane i is first + i. */
static int emit_positions(KernelBuilder *builder, int lanes, int64_t first) {
    int position = emit_number(builder, lanes, (float)first);
    for (int bit = 1; bit < lanes; bit *= 2) {
        int higher = emit_number(builder, lanes, (float)bit);
        int *indices = ARENA_ARRAY(builder->arena, int, lanes);
        for (int i = 0; i < lanes; i++)
            indices[i] = i & bit ? lanes + i : i;
        kernel_binary(builder, INSTRUCTION_add, higher, higher, position);
        int joined = kernel_register(builder, lanes);
        kernel_permute(builder, joined, position, higher, indices);
        position = joined;
    }
    return position;
}

static void contest_vector(const ArgMax *op, int run, const Expression *channel, int count,
    int best, int index, int position) {
    int lanes = op->builder->kernel->register_lanes[best];
    int value = load_channels(op->reducer, run, channel, count, lanes, op->reducer->at);
    make_largest(op, value);
    emit_contest(op, best, index, replace_rest(op->builder, value, count, -INFINITY), position);
}

static void contest_run(const ArgMax *op, int run, int best, int index) {
    KernelBuilder *builder = op->builder;
    const Run *from = &op->reducer->input->runs[run];
    int lanes = builder->kernel->register_lanes[best];
    int64_t whole = from->channel_count / lanes * lanes;
    int position = emit_positions(builder, lanes, from->first_channel);
    if (whole > 0) {
        const Expression *channel = kernel_open_range(builder, "channel", 0, whole, lanes);
        contest_vector(op, run, channel, lanes, best, index, position);
        kernel_binary(builder, INSTRUCTION_add, position, position,
            emit_number(builder, lanes, (float)lanes));
        kernel_close(builder);
    }
    if (whole < from->channel_count)
        contest_vector(op, run, expression_constant(builder->arena, whole),
            (int)(from->channel_count - whole), best, index, position);
}

/* Of the lanes that have the largest number, the first index or the last. Where all numbers are
 * minus infinity, what stands behind the channels is as large: the last index is at most theirs. */
static void emit_winner(const ArgMax *op, int64_t channels, int *best, int *index) {
    enum { BEYOND = 2 * LARGEST_INDEX };
    KernelBuilder *builder = op->builder;
    int lanes = builder->kernel->register_lanes[*best];
    int largest = emit_folded(builder, INSTRUCTION_maximum_or_nan, *best);
    int all = kernel_register(builder, lanes);
    kernel_unary(builder, INSTRUCTION_reduce_maximum, all, largest);
    kernel_binary(builder, INSTRUCTION_is_less, all, *best, all);
    kernel_multiply_add(builder, *index, all,
        emit_number(builder, lanes, op->last ? (float)-BEYOND : (float)BEYOND), *index);
    *index = emit_folded(builder, op->last ? INSTRUCTION_maximum : INSTRUCTION_minimum, *index);
    *best = largest;
    if (op->last)
        kernel_binary(builder, INSTRUCTION_minimum, *index, *index,
            emit_number(builder, 1, (float)(channels - 1)));
}

static void emit_channels(const Reducer *reducer) {
    ArgMax op = arg_max_of(reducer);
    int lanes = channel_lanes(reducer);
    int best = emit_number(op.builder, lanes, -INFINITY);
    int index = emit_number(op.builder, lanes, 0);
    for (int i = 0; i < reducer->input->run_count; i++)
        contest_run(&op, i, best, index);
    emit_winner(&op, reducer->input->channels, &best, &index);
    spread_nan(&op, best, index);
    store_number(reducer, index);
}

bool lower_arg_max(Emission *emission, const Node *node) {
    Reducer reducer;
    begin_reducer(&reducer, emission, node);
    if (node_reduces(node, 1))
        emit_channels(&reducer);
    else
        for_reduced_blocks(&reducer, emit_kept_block);
    call_describe(&reducer.call, "arg_max of %" PRId64 ", %" PRId64 " channels",
        node_reduced_count(node), reducer.input->channels);
    end_reducer(&reducer);
    return true;
}
