/* reduce, over any of images, channels, rows and columns. Where channels stay, vectors of them are
 * made of the pixels; where they do not, a vector is made of those of all pixels, and one number of
 * its lanes. */
#include "backends/kernels/reduce.h"
#include "backends/kernels/copy.h"
#include "backends/kernels/emit.h"
#include "backends/kernels/kernels.h"
#include "backends/kernels/place.h"
#include "backends/program/buffers.h"
#include "backends/program/math.h"
#include "backends/program/part_sum.h"
#include "backends/program/reduction_code.h"
#include "backends/schedule/shape.h"
#include "backends/schedule/sum_parts.h"
#include "ir/arena.h"
#include "ir/reduction.h"
#include <inttypes.h>

/* Channels in more pieces are joined before they are reduced. */
enum { MOST_REDUCED_RUNS = 8 };

/* ---- what arg_max does, too ---- */

void begin_reducer(Reducer *reducer, Emission *emission, const Node *node) {
    Arena *arena = emission->arena;
    reducer->emission = emission;
    reducer->node = node;
    reducer->input =
        make_channels_last(emission, node, value_placement(emission, node->operands[0]));
    if (node_reduces(node, 1) && reducer->input->run_count > MOST_REDUCED_RUNS)
        reducer->input = make_one_run(emission, node, reducer->input);
    const Placement *output = reducer->output = place_result(emission, node->results[0]);
    call_begin(emission, &reducer->call, node, output->images * output->height);
    KernelBuilder *builder = reducer->builder = &reducer->call.builder;
    reducer->inputs = call_placement(&reducer->call, PARAMETER_READ, "input", reducer->input);
    reducer->outputs = call_placement(&reducer->call, PARAMETER_WRITE, "output", output);
    const Expression *index = kernel_open_for(builder, "row",
        kernel_variable(builder, VARIABLE_BEGIN), kernel_variable(builder, VARIABLE_END), 1);
    reducer->at[0] = expression_divide(arena, index, output->height);
    reducer->at[1] = NULL;
    reducer->at[2] = output->height == 1 ? expression_constant(arena, 0)
                                         : expression_remainder(arena, index, output->height);
    reducer->at[3] = kernel_open_range(builder, "column", 0, output->width, 1);
}

void end_reducer(Reducer *reducer) {
    kernel_close(reducer->builder);
    kernel_close(reducer->builder);
    call_end(reducer->emission, &reducer->call);
}

static const Expression *reduced_offset(
    const Reducer *reducer, const Run *run, const Expression *const at[4]) {
    Arena *arena = reducer->emission->arena;
    return expression_sum(arena, expression_multiply(arena, at[0], run->image_stride),
        expression_multiply(arena, at[2], run->row_stride),
        expression_multiply(arena, at[3], run->pixel_stride), NULL);
}

/* Of vector v of the block. */
static const Expression *vector_offset(const Reducer *reducer, const ReducedBlock *block, int v,
    const Run *run, const Expression *const at[4]) {
    Arena *arena = reducer->emission->arena;
    int64_t lanes = reducer->emission->compilation->target->lanes;
    return expression_sum(arena, block->channel, reduced_offset(reducer, run, at),
        expression_constant(arena,
            run->displacement + block->segment->first_channel - run->first_channel + v * lanes),
        NULL);
}

int load_reduced(
    const Reducer *reducer, const ReducedBlock *block, int v, const Expression *const at[4]) {
    int index = block->segment->runs[0], lanes = reducer->emission->compilation->target->lanes;
    const Run *run = &reducer->input->runs[index];
    int reg = kernel_register(reducer->builder, block->widths[v]);
    emit_vector_load(reducer->builder, reg, reducer->inputs[index],
        vector_offset(reducer, block, v, run, at), block->channels_left - (int64_t)v * lanes,
        run->exact);
    return reg;
}

void store_reduced(const Reducer *reducer, const ReducedBlock *block, int v, int reg) {
    int index = block->segment->runs[1], lanes = reducer->emission->compilation->target->lanes;
    const Run *run = &reducer->output->runs[index];
    int64_t left = block->channels_left - (int64_t)v * lanes;
    store_repeated(reducer->builder, reg, reducer->outputs[index], run,
        vector_offset(reducer, block, v, run, reducer->at), 0,
        left < block->widths[v] ? (int)left : block->widths[v]);
}

static void for_segment_blocks(Reducer *reducer, const Segment *segment, EmitReduced *emit) {
    const Target *target = reducer->emission->compilation->target;
    int64_t size = (int64_t)REDUCED_VECTORS * target->lanes;
    int64_t whole = segment->channel_count / size * size, rest = segment->channel_count - whole;
    ReducedBlock block = {.segment = segment, .vectors = REDUCED_VECTORS, .channels_left = size};
    for (int v = 0; v < REDUCED_VECTORS; v++)
        block.widths[v] = target->lanes;
    if (whole > 0) {
        block.channel = kernel_open_range(reducer->builder, "channel", 0, whole, size);
        emit(reducer, &block);
        kernel_close(reducer->builder);
    }
    if (rest > 0) {
        block.vectors = vector_widths(target, rest, block.widths, REDUCED_VECTORS);
        block.channel = expression_constant(reducer->emission->arena, whole);
        block.channels_left = rest;
        emit(reducer, &block);
    }
}

void for_reduced_blocks(Reducer *reducer, EmitReduced *emit) {
    const Placement *placements[2] = {reducer->input, reducer->output};
    int count;
    const Segment *segments = channel_segments(reducer->emission->arena, placements, 2, &count);
    for (int i = 0; i < count; i++)
        for_segment_blocks(reducer, &segments[i], emit);
}

int channel_lanes(const Reducer *reducer) {
    int64_t most = 0;
    for (int i = 0; i < reducer->input->run_count; i++) {
        int64_t count = reducer->input->runs[i].channel_count;
        most = count > most ? count : most;
    }
    return vector_width(reducer->emission->compilation->target, most);
}

int load_channels(const Reducer *reducer, int run, const Expression *channel, int count, int lanes,
    const Expression *const at[4]) {
    const Run *from = &reducer->input->runs[run];
    Arena *arena = reducer->emission->arena;
    int reg = kernel_register(reducer->builder, lanes);
    emit_vector_load(reducer->builder, reg, reducer->inputs[run],
        expression_sum(arena, channel, reduced_offset(reducer, from, at),
            expression_constant(arena, from->displacement), NULL),
        count, from->exact);
    return reg;
}

int replace_rest(KernelBuilder *builder, int value, int count, float rest) {
    int lanes = builder->kernel->register_lanes[value];
    if (count == lanes)
        return value;
    int result = kernel_register(builder, lanes);
    int *indices = ARENA_ARRAY(builder->arena, int, lanes);
    for (int i = 0; i < lanes; i++)
        indices[i] = i < count ? i : lanes + i;
    kernel_permute(builder, result, value, emit_number(builder, lanes, rest), indices);
    return result;
}

/* `count` lanes from `first` on. */
static int take_lanes(KernelBuilder *builder, int reg, int first, int count) {
    int taken = kernel_register(builder, count);
    int *indices = ARENA_ARRAY(builder->arena, int, count);
    for (int i = 0; i < count; i++)
        indices[i] = first + i;
    kernel_permute(builder, taken, reg, reg, indices);
    return taken;
}

static int fold_lanes(
    KernelBuilder *builder, InstructionKind combine, int reg, int first, int count) {
    enum { NARROWEST = 4 }; /* C has no narrower vectors */
    int lanes = builder->kernel->register_lanes[reg];
    if (count == 1)
        return lanes == 1 ? reg : take_lanes(builder, reg, first, 1);
    int low, high;
    if (count / 2 < NARROWEST) {
        low = fold_lanes(builder, combine, reg, first, count / 2);
        high = fold_lanes(builder, combine, reg, first + count / 2, count / 2);
        kernel_binary(builder, combine, low, low, high);
        return low;
    }
    low = take_lanes(builder, reg, 0, count / 2);
    high = take_lanes(builder, reg, count / 2, count / 2);
    kernel_binary(builder, combine, low, low, high);
    return fold_lanes(builder, combine, low, 0, count / 2);
}

int emit_folded(KernelBuilder *builder, InstructionKind combine, int reg) {
    return fold_lanes(builder, combine, reg, 0, builder->kernel->register_lanes[reg]);
}

void store_number(const Reducer *reducer, int reg) {
    const Segment segment = {.channel_count = 1};
    const ReducedBlock block = {.segment = &segment,
        .channel = expression_constant(reducer->builder->arena, 0),
        .widths = {1},
        .vectors = 1,
        .channels_left = 1};
    store_reduced(reducer, &block, 0, reg);
}

/* ---- channels stay ---- */

typedef struct KeptChannels {
    Reducer *reducer;
    const ReducedBlock *block;
} KeptChannels;

static void emit_pixel(const ReduceCode *code, const int *registers) {
    const KeptChannels *kept = code->context;
    for (int v = 0; v < kept->block->vectors; v++) {
        int value = load_reduced(kept->reducer, kept->block, v, code->at);
        emit_reduction_term(code->builder, code->reduction, value);
        kernel_binary(
            code->builder, reduction_combine(code->reduction), registers[v], registers[v], value);
    }
}

static void emit_kept_block(Reducer *reducer, const ReducedBlock *block) {
    const Node *node = reducer->node;
    KeptChannels kept = {reducer, block};
    ReduceCode code = {.builder = reducer->builder,
        .reduction = node_reduction(node),
        .register_count = block->vectors,
        .at = {reducer->at[0], NULL, reducer->at[2], reducer->at[3]},
        .emit = emit_pixel,
        .context = &kept};
    int registers[REDUCED_VECTORS];
    code.loop_count = plan_reduce_loops(node, false, 1, code.loops);
    for (int v = 0; v < block->vectors; v++)
        registers[v] = emit_number(code.builder, block->widths[v], reduction_start(code.reduction));
    emit_reduce_loops(&code, registers);
    for (int v = 0; v < block->vectors; v++) {
        emit_reduction_finish(code.builder, code.reduction, registers[v], node_reduced_count(node));
        store_reduced(reducer, block, v, registers[v]);
    }
}

/* ---- channels are reduced ---- */

typedef struct ReducedChannels {
    const Reducer *reducer;
    const ReduceCode *code;
    int lanes, sum;
} ReducedChannels;

static void add_vector(
    const ReducedChannels *channels, int run, const Expression *channel, int count, int sum) {
    const ReduceCode *code = channels->code;
    int value = load_channels(channels->reducer, run, channel, count, channels->lanes, code->at);
    emit_reduction_term(code->builder, code->reduction, value);
    value = replace_rest(code->builder, value, count, reduction_start(code->reduction));
    kernel_binary(code->builder, reduction_combine(code->reduction), sum, sum, value);
}

/* Sums of many vectors are taken in parts. */
static void add_whole_vectors(const ReducedChannels *channels, int run, int64_t whole) {
    KernelBuilder *builder = channels->code->builder;
    Arena *arena = builder->arena;
    int64_t part = channels->code->reduction->combine == COMBINE_ADD
                       ? sum_part(whole / channels->lanes, TERMS_PER_SUM)
                       : 0;
    PartLoop loop = open_part_loop(builder, "channel", expression_constant(arena, 0),
        expression_constant(arena, whole), channels->lanes, part, channels->sum);
    add_vector(channels, run, loop.index, channels->lanes, loop.part_sum);
    close_part_loop(builder, &loop);
}

static void emit_channels(const ReduceCode *code, const int *registers) {
    ReducedChannels channels = *(const ReducedChannels *)code->context;
    const Placement *input = channels.reducer->input;
    channels.code = code;
    channels.sum = registers[0];
    for (int i = 0; i < input->run_count; i++) {
        int64_t count = input->runs[i].channel_count,
                whole = count / channels.lanes * channels.lanes;
        if (whole > 0)
            add_whole_vectors(&channels, i, whole);
        if (whole < count)
            add_vector(&channels, i, expression_constant(code->builder->arena, whole),
                (int)(count - whole), channels.sum);
    }
}

static void emit_reduced_channels(Reducer *reducer) {
    const Node *node = reducer->node;
    ReducedChannels channels = {.reducer = reducer, .lanes = channel_lanes(reducer)};
    ReduceCode code = {.builder = reducer->builder,
        .reduction = node_reduction(node),
        .register_count = 1,
        .at = {reducer->at[0], NULL, reducer->at[2], reducer->at[3]},
        .emit = emit_channels,
        .context = &channels};
    int64_t vectors = reducer->input->channels / channels.lanes + reducer->input->run_count;
    int64_t part = sum_part(vectors, TERMS_PER_SUM);
    code.loop_count = plan_reduce_loops(node, false, part > 0 ? part : vectors, code.loops);
    int sum = emit_number(code.builder, channels.lanes, reduction_start(code.reduction));
    emit_reduce_loops(&code, &sum);
    sum = emit_folded(code.builder, reduction_combine(code.reduction), sum);
    emit_reduction_finish(code.builder, code.reduction, sum, node_reduced_count(node));
    store_number(reducer, sum);
}

bool lower_reduce(Emission *emission, const Node *node) {
    Reducer reducer;
    begin_reducer(&reducer, emission, node);
    if (node_reduces(node, 1))
        emit_reduced_channels(&reducer);
    else
        for_reduced_blocks(&reducer, emit_kept_block);
    call_describe(&reducer.call, "%s of %" PRId64 ", %" PRId64 " channels",
        node_reduction(node)->name, node_reduced_count(node), reducer.input->channels);
    end_reducer(&reducer);
    return true;
}
