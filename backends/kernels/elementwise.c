/* Element-wise ops that no convolution took as its epilogue. */
#include "backends/kernels/copy.h"
#include "backends/kernels/emit.h"
#include "backends/kernels/gather.h"
#include "backends/kernels/kernels.h"
#include "backends/kernels/place.h"
#include "backends/program/buffers.h"
#include "backends/program/call.h"
#include "backends/program/emission.h"
#include "backends/program/math.h"
#include "backends/program/placement.h"
#include "backends/schedule/shape.h"
#include "backends/target/product.h"
#include "ir/arena.h"
#include "ir/formula.h"
#include "ir/graph.h"
#include "ir/kernel.h"
#include <assert.h>
#include <inttypes.h>

enum { PLACES = 1 + MOST_FORMULA_OPERANDS };

typedef struct Elementwise {
    Emission *emission;
    const Node *node;
    const Formula *formula;
    KernelBuilder *builder;
    const Placement *placements[PLACES]; /* the output, then the operands */
    const int *parameters[PLACES];       /* by run */
    bool scattered[PLACES];              /* operands whose vectors are put together from pieces */
    const Expression *image, *row, *column;
} Elementwise;

/* Offset of a channel at the pixel. What an operand has one of is repeated: it adds nothing. */
static const Expression *element_offset(
    const Elementwise *op, int which, const Run *run, const Expression *channel, int64_t first) {
    Arena *arena = op->emission->arena;
    const Placement *placement = op->placements[which];
    const Expression *offset =
        expression_constant(arena, run->displacement + first - run->first_channel);
    if (placement->images > 1)
        offset =
            expression_add(arena, expression_multiply(arena, op->image, run->image_stride), offset);
    offset = expression_add(arena, offset, channel);
    if (placement->height > 1)
        offset =
            expression_add(arena, offset, expression_multiply(arena, op->row, run->row_stride));
    if (placement->width > 1)
        offset = expression_add(
            arena, offset, expression_multiply(arena, op->column, run->pixel_stride));
    return offset;
}

/* Whether the operand has one channel, for all of the result's. */
static bool has_one_channel(const Elementwise *op, int which) {
    return op->placements[which]->channels == 1 && op->placements[0]->channels > 1;
}

/* Where an operand is read. */
typedef struct ElementPlace {
    const Elementwise *op;
    int which;
} ElementPlace;

static const Expression *element_base(const void *context, const Run *run) {
    const ElementPlace *place = context;
    Arena *arena = place->op->emission->arena;
    return element_offset(place->op, place->which, run,
        expression_constant(arena, -run->displacement), run->first_channel);
}

/* Of the operands, which are of one type, and of the result. */
static LaneType element_type(const Elementwise *op) {
    return op->placements[0]->element;
}

/* Numbers of f16 are computed as f32 where the target has them in memory alone. */
static LaneType computed_type(const Elementwise *op) {
    bool widened = element_type(op) == LANE_F16 && !op->emission->compilation->target->f16;
    return widened ? LANE_F32 : element_type(op);
}

/* As vectors of the numbers see it. */
static Target seen_target(const Elementwise *op) {
    return target_for_lanes(op->emission->compilation->target, element_type(op));
}

static int load_operand(const Elementwise *op, int which, const Segment *segment,
    const Expression *channel, int lanes, int64_t channels_left) {
    int64_t first = 0;
    const ElementPlace place = {op, which};
    if (has_one_channel(op, which)) {
        const Run *run = &op->placements[which]->runs[0];
        int reg = kernel_register_of(op->builder, element_type(op), lanes);
        kernel_broadcast(op->builder, reg, op->parameters[which][0],
            element_offset(op, which, run, expression_constant(op->emission->arena, 0), 0));
        return reg;
    }
    if (op->scattered[which] && expression_is_constant(channel, &first))
        return emit_gather(op->builder, op->placements[which], op->parameters[which],
            segment->first_channel + first, channels_left < lanes ? (int)channels_left : lanes,
            lanes, element_base, &place);
    const Run *run = &op->placements[which]->runs[segment->runs[which]];
    int reg = kernel_register_of(op->builder, element_type(op), lanes);
    emit_vector_load(op->builder, reg, op->parameters[which][segment->runs[which]],
        element_offset(op, which, run, channel, segment->first_channel), channels_left, run->exact);
    return reg;
}

static void emit_element(const Elementwise *op, const Segment *segment, const Expression *channel,
    int lanes, int64_t channels_left) {
    int registers[MOST_FORMULA_OPERANDS];
    for (int i = 0; i < op->node->operand_count; i++)
        registers[i] = load_operand(op, 1 + i, segment, channel, lanes, channels_left);
    LaneType computed = computed_type(op);
    for (int i = 0; i < op->node->operand_count; i++)
        registers[i] = emit_as(op->builder, registers[i], computed);
    int result = registers[0];
    emit_formula(op->builder, op->formula, registers, result);
    result = emit_as(op->builder, result, element_type(op));
    const Run *run = &op->placements[0]->runs[segment->runs[0]];
    int count = channels_left < lanes ? (int)channels_left : lanes;
    store_repeated(op->builder, result, op->parameters[0][segment->runs[0]], run,
        element_offset(op, 0, run, channel, segment->first_channel), 0, count);
}

static void emit_channels(const Elementwise *op, const Segment *segment) {
    const Target target = seen_target(op);
    int lanes = target.lanes;
    bool constant = false; /* pieces have constant places */
    for (int i = 1; i <= op->node->operand_count; i++)
        constant = constant || op->scattered[i];
    int64_t whole = constant ? 0 : segment->channel_count / lanes * lanes;
    if (whole > 0) {
        const Expression *channel = kernel_open_range(op->builder, "channel", 0, whole, lanes);
        emit_element(op, segment, channel, lanes, lanes);
        kernel_close(op->builder);
    }
    for (int64_t done = whole; done < segment->channel_count;) {
        int width = vector_width(&target, segment->channel_count - done);
        emit_element(op, segment, expression_constant(op->emission->arena, done), width,
            segment->channel_count - done);
        done += width;
    }
}

/* Whether all numbers follow each other, pixel after pixel. */
static bool is_one_row(const Placement *placement) {
    const Run *run = &placement->runs[0];
    int64_t row = placement->width * placement->channels;
    return placement->run_count == 1 && run->channel_stride == 1 && run->ring_rows == 0 &&
           run->repeat_rows <= 1 && run->repeat_columns <= 1 &&
           (placement->width == 1 || run->pixel_stride == placement->channels) &&
           (placement->height == 1 || run->row_stride == row) &&
           (placement->images == 1 || run->image_stride == placement->height * row);
}

static int64_t number_count(const Placement *placement) {
    return placement->images * placement->height * placement->width * placement->channels;
}

/* So many rows of equal length that each is long, and threads have enough of them. */
static int64_t count_rows(int64_t numbers) {
    enum { LEAST_NUMBERS = 1024, MOST_ROWS = 64 };
    int64_t rows = numbers / LEAST_NUMBERS;
    rows = rows < 1 ? 1 : rows > MOST_ROWS ? MOST_ROWS : rows;
    while (numbers % rows != 0)
        rows--;
    return rows;
}

/* Where all lie dense, what is a pixel does not matter: they are rows of numbers, which vectors
 * divide better than channels. */
static void see_as_rows(Elementwise *op) {
    int count = op->node->operand_count;
    int64_t numbers = number_count(op->placements[0]), rows = count_rows(numbers);
    bool dense = is_one_row(op->placements[0]);
    for (int i = 1; i <= count; i++)
        dense = dense &&
                (number_count(op->placements[i]) == 1 ||
                    (number_count(op->placements[i]) == numbers && is_one_row(op->placements[i])));
    for (int i = 0; dense && i <= count; i++) {
        if (number_count(op->placements[i]) == 1 && numbers > 1)
            continue;
        Placement *row = ARENA_NEW(op->emission->arena, Placement);
        *row = *op->placements[i];
        row->runs = ARENA_NEW(op->emission->arena, Run);
        row->runs[0] = op->placements[i]->runs[0];
        row->images = row->width = 1;
        row->height = rows;
        row->channels = row->runs[0].channel_count = numbers / rows;
        row->runs[0].pixel_stride = row->runs[0].row_stride = row->channels;
        row->runs[0].image_stride = numbers;
        op->placements[i] = row;
    }
}

bool lower_elementwise(Emission *emission, const Node *node) {
    Elementwise op = {
        .emission = emission, .node = node, .formula = node_formula(node, emission->arena)};
    for (int i = 0; i < node->operand_count; i++)
        op.placements[1 + i] =
            make_channels_last(emission, node, value_placement(emission, node->operands[i]));
    op.placements[0] = place_result(emission, node->results[0]);
    int64_t channels = op.placements[0]->channels;
    see_as_rows(&op);
    const Placement *output = op.placements[0];
    KernelCall call;
    Arena *arena = emission->arena;
    call_begin(emission, &call, node, output->images * output->height);
    op.builder = &call.builder;
    for (int i = 0; i < node->operand_count; i++)
        op.parameters[1 + i] =
            call_placement(&call, PARAMETER_READ, i == 0 ? "left" : "right", op.placements[1 + i]);
    op.parameters[0] = call_placement(&call, PARAMETER_WRITE, "output", output);
    const Expression *index = kernel_open_for(op.builder, "row",
        kernel_variable(op.builder, VARIABLE_BEGIN), kernel_variable(op.builder, VARIABLE_END), 1);
    op.image = expression_divide(arena, index, output->height);
    op.row = expression_remainder(arena, index, output->height);
    op.column = kernel_open_range(op.builder, "column", 0, output->width, 1);
    int count;
    const Placement *whole[PLACES]; /* a scattered operand cuts nothing */
    for (int i = 0; i <= node->operand_count; i++) {
        op.scattered[i] = i > 0 && placement_is_scattered(op.placements[i]);
        whole[i] = op.placements[op.scattered[i] || has_one_channel(&op, i) ? 0 : i];
    }
    const Segment *segments = channel_segments(arena, whole, 1 + node->operand_count, &count);
    for (int i = 0; i < count; i++)
        emit_channels(&op, &segments[i]);
    kernel_close(op.builder);
    kernel_close(op.builder);
    call_describe(&call, "%s, %" PRId64 " channels", op_info(node->op)->name, channels);
    call_end(emission, &call);
    return true;
}
