/* resize and take: each pixel of the result is a weighted sum of up to four of the operand, which
 * tables of rows and columns name. Channels are the vector. */
#include "backends/kernels/copy.h"
#include "backends/kernels/emit.h"
#include "backends/kernels/kernels.h"
#include "backends/kernels/place.h"
#include "backends/kernels/repeat.h"
#include "backends/kernels/segments.h"
#include "backends/program/buffers.h"
#include "backends/program/call.h"
#include "backends/program/emission.h"
#include "backends/program/math.h"
#include "backends/program/placement.h"
#include "backends/program/sample_tables.h"
#include "backends/schedule/shape.h"
#include "ir/arena.h"
#include "ir/graph.h"
#include "ir/kernel.h"
#include <inttypes.h>

typedef struct SampleOp {
    Emission *emission;
    Arena *arena;
    KernelBuilder *builder;
    const Placement *input, *output;
    const int *input_parameters, *output_parameters; /* by run */
    SampleTables tables;
    const Expression *image, *row, *column; /* of the result */
    SampledIndex rows, columns;             /* of the operand */
} SampleOp;

/* Channels of a vector: `channel` counts from where the segment begins in each of the tensors. */
typedef struct SampleVector {
    const Run *in, *out;
    int in_parameter, out_parameter;
    const Expression *in_channel, *out_channel;
    int lanes;
    int64_t channels_left;
} SampleVector;

static const Expression *sampled_offset(const SampleOp *op, const Run *run,
    const Expression *channel, const Expression *row, const Expression *column) {
    return expression_sum(op->arena, channel,
        expression_multiply(op->arena, op->image, run->image_stride),
        expression_multiply(op->arena, row, run->row_stride),
        expression_multiply(op->arena, column, run->pixel_stride), NULL);
}

static int load_pixel(const SampleOp *op, const SampleVector *vector, int row, int column) {
    int value = kernel_register_of(op->builder, op->input->element, vector->lanes);
    emit_vector_load(op->builder, value, vector->in_parameter,
        sampled_offset(
            op, vector->in, vector->in_channel, op->rows.places[row], op->columns.places[column]),
        vector->channels_left, vector->in->exact);
    return value;
}

static int load_in_row(const SampleOp *op, const SampleVector *vector, int row) {
    int first = load_pixel(op, vector, row, 0);
    if (op->columns.count == 1)
        return first;
    return emit_weighted(op->builder, &op->columns, first, load_pixel(op, vector, row, 1));
}

static void emit_vector(const SampleOp *op, const SampleVector *vector) {
    int value = load_in_row(op, vector, 0);
    if (op->rows.count > 1)
        value = emit_weighted(op->builder, &op->rows, value, load_in_row(op, vector, 1));
    int64_t left = vector->channels_left;
    store_repeated(op->builder, value, vector->out_parameter, vector->out,
        sampled_offset(op, vector->out, vector->out_channel, op->row, op->column), 0,
        left < vector->lanes ? (int)left : vector->lanes);
}

/* ---- the channels of a pixel ---- */

static int full_lanes(const SampleOp *op) {
    int bytes = op->input->element == LANE_U8 ? (int)sizeof(float) : 1;
    return op->emission->compilation->target->lanes * bytes;
}

static int lanes_for(const SampleOp *op, int64_t left) {
    enum { LEAST_BYTES = 16 };
    if (op->input->element != LANE_U8)
        return vector_width(op->emission->compilation->target, left);
    int lanes = full_lanes(op);
    while (lanes > LEAST_BYTES && lanes / 2 >= left)
        lanes /= 2;
    return lanes;
}

static void emit_segment(SampleOp *op, const Segment *segment, const Expression *const *places) {
    int full = full_lanes(op);
    int64_t whole = segment->channel_count / full * full;
    SampleVector vector = {.in = &op->input->runs[segment->runs[0]],
        .out = &op->output->runs[segment->runs[1]],
        .in_parameter = op->input_parameters[segment->runs[0]],
        .out_parameter = op->output_parameters[segment->runs[1]]};
    const Run *runs[2] = {vector.in, vector.out};
    const Expression *starts[2];
    for (int i = 0; i < 2; i++)
        starts[i] = expression_offset(op->arena, places[PLACE_IN_PLACEMENTS + i],
            runs[i]->displacement + segment->first_channel - runs[i]->first_channel);
    for (int64_t done = 0; done < segment->channel_count;) {
        bool loops = done < whole;
        vector.lanes = loops ? full : lanes_for(op, segment->channel_count - done);
        vector.channels_left = loops ? full : segment->channel_count - done;
        load_sample_weights(op->builder, &op->rows, vector.lanes);
        load_sample_weights(op->builder, &op->columns, vector.lanes);
        const Expression *channel = loops
                                        ? kernel_open_range(op->builder, "channel", 0, whole, full)
                                        : expression_constant(op->arena, done);
        vector.in_channel = expression_add(op->arena, starts[0], channel);
        vector.out_channel = expression_add(op->arena, starts[1], channel);
        emit_vector(op, &vector);
        if (loops)
            kernel_close(op->builder);
        done = loops ? whole : done + vector.lanes;
    }
}

static void emit_pixel(SampleOp *op, const ChannelSegments *segments) {
    for (int i = 0; i < segments->count;) {
        const Expression *places[MOST_PLACES];
        Repeat repeat = find_repeat(&segments->parts[i], segments->count - i);
        open_repeat(op->builder, "segment", &repeat, places);
        emit_segment(op, &segments->segments[i], places);
        close_repeat(op->builder);
        i += repeat.count;
    }
}

/* ---- the node ---- */

static void emit_rows(SampleOp *op) {
    KernelBuilder *builder = op->builder;
    int lanes = full_lanes(op);
    const Placement *placements[2] = {op->input, op->output};
    ChannelSegments segments = find_segments(op->arena, placements, 2, lanes);
    const Expression *item = kernel_open_for(builder, "item",
        kernel_variable(builder, VARIABLE_BEGIN), kernel_variable(builder, VARIABLE_END), 1);
    op->image = expression_divide(op->arena, item, op->output->height);
    op->row = kernel_let(builder, "row", expression_remainder(op->arena, item, op->output->height));
    op->rows = sampled_index(builder, &op->tables, 0, op->row);
    op->column = kernel_open_range(builder, "column", 0, op->output->width, 1);
    op->columns = sampled_index(builder, &op->tables, 1, op->column);
    emit_pixel(op, &segments);
    kernel_close(builder);
    kernel_close(builder);
}

bool lower_sample(Emission *emission, const Node *node) {
    SampleOp op = {.emission = emission, .arena = emission->arena};
    op.input = make_channels_last(emission, node, value_placement(emission, node->operands[0]));
    op.output = place_result(emission, node->results[0]);
    KernelCall call;
    call_begin(emission, &call, node, op.output->images * op.output->height);
    op.builder = &call.builder;
    op.input_parameters = call_placement(&call, PARAMETER_READ, "input", op.input);
    op.tables = make_sample_tables(emission, &call, node);
    op.output_parameters = call_placement(&call, PARAMETER_WRITE, "output", op.output);
    emit_rows(&op);
    call_describe(&call, "%s %" PRId64 "x%" PRId64 " to %" PRId64 "x%" PRId64 ", %" PRId64,
        op_info(node->op)->name, op.input->height, op.input->width, op.output->height,
        op.output->width, op.output->channels);
    call_end(emission, &call);
    return true;
}
