/* Depthwise convolution and max pooling of bytes: channels are the vector, and a tile of outputs
 * along a row is held in registers.
 *
 * Sums of a depthwise convolution are kept as floats: products and sums of such whole numbers stay
 * below 2^24 and are exact. */
#include "backends/kernels/emit.h"
#include "backends/kernels/place.h"
#include "backends/kernels/quantized/quantized.h"
#include "backends/program/buffers.h"
#include "backends/program/call.h"
#include "backends/program/emission.h"
#include "backends/program/math.h"
#include "backends/program/placement.h"
#include "backends/schedule/shape.h"
#include "backends/schedule/step_schedule.h"
#include "backends/schedule/tile_model.h"
#include "ir/arena.h"
#include "ir/diagnostics.h"
#include "ir/graph.h"
#include "ir/kernel.h"
#include <assert.h>
#include <inttypes.h>

enum { MAX_WINDOW_PIXELS = 8 };

typedef struct ByteWindow {
    Emission *emission;
    KernelBuilder *builder;
    Arena *arena;
    const Node *node;
    const Placement *input, *output;
    const int *input_parameters, *output_parameters; /* by run */
    int weights; /* depthwise: [start, factor, offset, taps...][channel] as floats */
    bool maximum, bytes;
    int tile_pixels;
    Activation activation;
    Window window;
} ByteWindow;

typedef struct ByteTile {
    const Run *in, *out;
    int in_parameter, out_parameter;
    const Expression *image, *row, *column;               /* of the output */
    const Expression *channel, *in_channel, *out_channel; /* in the tensor; in the runs */
    int pixels, lanes;
    int64_t channels_left;
    bool interior;
} ByteTile;

static const Expression *times(const ByteWindow *op, const Expression *a, int64_t factor) {
    return expression_multiply(op->arena, a, factor);
}

static bool tap_inside(const ByteWindow *op, const ByteTile *tile, int pixel, int64_t tap) {
    int64_t first = 0;
    if (tile->interior)
        return true;
    bool constant = expression_is_constant(tile->column, &first);
    assert(constant);
    (void)constant;
    int64_t column = (first + pixel) * op->window.stride[1] - op->window.padding[1] +
                     tap * op->window.dilation[1];
    return column >= 0 && column < op->input->width;
}

static int load_weights(const ByteWindow *op, const ByteTile *tile, const Expression *index) {
    int reg = kernel_register(op->builder, tile->lanes);
    const Expression *offset =
        expression_add(op->arena, tile->channel, times(op, index, op->input->channels));
    kernel_load(op->builder, reg, op->weights, offset, 0, tile->lanes);
    return reg;
}

/* Bytes of a column, from the first pixel's first tap on; floats for a depthwise convolution. */
static int load_column(
    const ByteWindow *op, const ByteTile *tile, const Expression *kernel_row, int64_t column) {
    const Run *run = tile->in;
    const Window *window = &op->window;
    int bytes = kernel_register_of(op->builder, LANE_U8, tile->lanes);
    kernel_load(op->builder, bytes, tile->in_parameter,
        expression_sum(op->arena, tile->in_channel, times(op, tile->image, run->image_stride),
            window_row_offset(op->arena, window, run, tile->row, kernel_row),
            times(op, tile->column, window->stride[1] * run->pixel_stride),
            expression_constant(
                op->arena, run->displacement + (column - window->padding[1]) * run->pixel_stride),
            NULL),
        0, tile->lanes);
    if (op->maximum)
        return bytes;
    int integers = kernel_register_of(op->builder, LANE_S32, tile->lanes);
    int floats = kernel_register(op->builder, tile->lanes);
    kernel_unary(op->builder, INSTRUCTION_widen, integers, bytes);
    kernel_unary(op->builder, INSTRUCTION_to_float, floats, integers);
    return floats;
}

/* Every input column that some tap of some pixel needs is loaded once. */
static void emit_kernel_row(const ByteWindow *op, const ByteTile *tile, const int *accumulators,
    const Expression *kernel_row) {
    const Window *window = &op->window;
    int64_t taps = window->kernel[1], stride = window->stride[1], dilation = window->dilation[1];
    int *weights = ARENA_ARRAY(op->arena, int, taps);
    for (int64_t tap = 0; !op->maximum && tap < taps; tap++)
        weights[tap] = load_weights(
            op, tile, expression_offset(op->arena, times(op, kernel_row, taps), 3 + tap));
    int64_t columns = (tile->pixels - 1) * stride + (taps - 1) * dilation + 1;
    for (int64_t column = 0; column < columns; column++) {
        int value = -1;
        for (int64_t tap = 0; tap < taps; tap++) {
            int64_t distance = column - tap * dilation;
            if (distance < 0 || distance % stride != 0 || distance / stride >= tile->pixels)
                continue;
            int pixel = (int)(distance / stride), sum = accumulators[pixel];
            if (!tap_inside(op, tile, pixel, tap))
                continue;
            if (value < 0)
                value = load_column(op, tile, kernel_row, column);
            if (op->maximum)
                kernel_binary(op->builder, INSTRUCTION_maximum, sum, sum, value);
            else
                kernel_multiply_add(op->builder, sum, value, weights[tap], sum);
        }
    }
}

static void start_tile(const ByteWindow *op, const ByteTile *tile, int *accumulators) {
    LaneType type = op->maximum ? LANE_U8 : LANE_F32;
    int start;
    if (op->maximum) {
        start = kernel_register_of(op->builder, LANE_U8, tile->lanes);
        kernel_splat(op->builder, start, 0);
    } else {
        start = load_weights(op, tile, expression_constant(op->arena, 0));
    }
    for (int pixel = 0; pixel < tile->pixels; pixel++) {
        accumulators[pixel] = kernel_register_of(op->builder, type, tile->lanes);
        kernel_unary(op->builder, INSTRUCTION_move, accumulators[pixel], start);
    }
}

/* From a sum to what is stored. */
static int finish_sum(const ByteWindow *op, const ByteTile *tile, int sum, int factor, int offset) {
    kernel_multiply_add(op->builder, sum, sum, factor, offset);
    if (!op->bytes) {
        emit_activation(op->builder, op->activation, sum);
        return sum;
    }
    int integers = kernel_register_of(op->builder, LANE_S32, tile->lanes);
    int bytes = kernel_register_of(op->builder, LANE_U8, tile->lanes);
    kernel_unary(op->builder, INSTRUCTION_to_integer, integers, sum);
    kernel_unary(op->builder, INSTRUCTION_narrow, bytes, integers);
    return bytes;
}

static void finish_tile(const ByteWindow *op, const ByteTile *tile, const int *accumulators) {
    int count = tile->channels_left < tile->lanes ? (int)tile->channels_left : tile->lanes;
    int factor = -1, offset = -1;
    if (!op->maximum) {
        factor = load_weights(op, tile, expression_constant(op->arena, 1));
        offset = load_weights(op, tile, expression_constant(op->arena, 2));
    }
    for (int pixel = 0; pixel < tile->pixels; pixel++) {
        int result = accumulators[pixel];
        if (!op->maximum)
            result = finish_sum(op, tile, result, factor, offset);
        const Run *run = tile->out;
        const Expression *place = expression_sum(op->arena, tile->out_channel,
            times(op, tile->image, run->image_stride), row_offset(op->arena, run, tile->row),
            times(op, tile->column, run->pixel_stride),
            expression_constant(op->arena, run->displacement + pixel * run->pixel_stride), NULL);
        kernel_store(op->builder, result, tile->out_parameter, place, 0, count);
    }
}

static void emit_tile(const ByteWindow *op, const ByteTile *tile) {
    int accumulators[MAX_WINDOW_PIXELS];
    const Expression *begin, *end;
    start_tile(op, tile, accumulators);
    window_rows(
        op->arena, &op->window, op->input->height, op->output->height, tile->row, &begin, &end);
    const Expression *kernel_row = kernel_open_for(op->builder, "kernel_row", begin, end, 1);
    emit_kernel_row(op, tile, accumulators, kernel_row);
    kernel_close(op->builder);
    finish_tile(op, tile, accumulators);
}

/* Lanes of the next vector, when so many channels are left. */
static int next_lanes(const ByteWindow *op, int64_t left) {
    int lanes = op->emission->compilation->target->lanes;
    if (!op->maximum)
        return vector_width(op->emission->compilation->target, left);
    lanes *= 4;
    while (lanes > 16 && lanes / 2 >= left)
        lanes /= 2;
    return lanes;
}

/* The channels of a segment: a loop over full vectors, then the rest. */
static void emit_segment(const ByteWindow *op, ByteTile *tile, const Segment *segment) {
    KernelBuilder *builder = op->builder;
    int lanes = op->emission->compilation->target->lanes * (op->maximum ? 4 : 1);
    tile->in = &op->input->runs[segment->runs[0]];
    tile->out = &op->output->runs[segment->runs[1]];
    tile->in_parameter = op->input_parameters[segment->runs[0]];
    tile->out_parameter = op->output_parameters[segment->runs[1]];
    int64_t whole = segment->channel_count / lanes * lanes, first = segment->first_channel;
    for (int64_t done = 0; done < segment->channel_count;) {
        bool loop = done < whole;
        tile->lanes = loop ? lanes : next_lanes(op, segment->channel_count - done);
        tile->channels_left = loop ? lanes : segment->channel_count - done;
        const Expression *channel = loop ? kernel_open_range(builder, "channel", 0, whole, lanes)
                                         : expression_constant(op->arena, done);
        tile->channel = expression_offset(op->arena, channel, first);
        tile->in_channel = expression_offset(op->arena, channel, first - tile->in->first_channel);
        tile->out_channel = expression_offset(op->arena, channel, first - tile->out->first_channel);
        emit_tile(op, tile);
        if (loop)
            kernel_close(builder);
        done = loop ? whole : done + tile->lanes;
    }
}

/* Equal tiles of a row. */
static int choose_window_tile(int64_t width) {
    int64_t tiles = (width + MAX_WINDOW_PIXELS - 1) / MAX_WINDOW_PIXELS;
    return (int)((width + tiles - 1) / tiles);
}

static void emit_row(const ByteWindow *op, const Expression *image, const Expression *row) {
    const Placement *placements[2] = {op->input, op->output};
    int segment_count;
    const Segment *segments = channel_segments(op->arena, placements, 2, &segment_count);
    ByteTile tile = {.image = image, .row = row};
    TileSpan *spans;
    ColumnRange columns = {0, op->output->width};
    int span_count =
        tile_spans(op->arena, columns, op->input->width, &op->window, op->tile_pixels, &spans);
    for (int i = 0; i < span_count; i++) {
        tile.pixels = spans[i].pixels;
        tile.interior = spans[i].interior;
        tile.column = kernel_open_range(op->builder, "column", spans[i].first,
            spans[i].first + spans[i].repeat * spans[i].pixels, spans[i].pixels);
        for (int j = 0; j < segment_count; j++)
            emit_segment(op, &tile, &segments[j]);
        kernel_close(op->builder);
    }
}

/* ---- weights ---- */

static void pack_depthwise(ByteWindow *op, KernelCall *call) {
    const float *weight = node_weight(op->node, "weight")->data;
    const float *zero = node_weight(op->node, "zero")->data;
    int64_t taps = op->window.kernel[0] * op->window.kernel[1], channels = op->input->channels;
    float *packed = call_weights(op->emission, call, (3 + taps) * channels, &op->weights);
    for (int64_t c = 0; c < channels; c++) {
        packed[channels + c] = node_weight(op->node, "factor")->data[c];
        packed[2 * channels + c] = node_weight(op->node, "offset")->data[c];
        for (int64_t tap = 0; tap < taps; tap++) {
            packed[c] -= weight[c * taps + tap] * zero[c];
            packed[(3 + tap) * channels + c] = weight[c * taps + tap];
        }
    }
}

bool lower_quantized_window(Emission *emission, const Node *node) {
    KernelCall call;
    ByteWindow op = {.emission = emission,
        .arena = emission->arena,
        .node = node,
        .maximum = node->op == OP_max_pool,
        .window = node_window(node)};
    op.input = value_placement(emission, node->operands[0]);
    op.output = place_result(emission, node->results[0]);
    op.bytes = op.output->element == LANE_U8;
    op.tile_pixels = choose_window_tile(op.output->width);
    call_begin(emission, &call, node, op.output->images * op.output->height);
    op.builder = &call.builder;
    op.input_parameters = call_placement(&call, PARAMETER_READ, "input", op.input);
    if (!op.maximum) {
        op.activation = (Activation)node_integer(node, "activation");
        pack_depthwise(&op, &call);
    }
    op.output_parameters = call_placement(&call, PARAMETER_WRITE, "output", op.output);
    const Expression *index = kernel_open_for(op.builder, "row",
        kernel_variable(op.builder, VARIABLE_BEGIN), kernel_variable(op.builder, VARIABLE_END), 1);
    emit_row(&op, expression_divide(op.arena, index, op.output->height),
        expression_remainder(op.arena, index, op.output->height));
    kernel_close(op.builder);
    call.step.macs += node_macs(node);
    note_tile(&call.step, op.arena, node, (TileShape){op.tile_pixels, 1});
    call_describe(&call, "%s %" PRId64 "x%" PRId64 " stride %" PRId64 ", %" PRId64 " bytes",
        op.maximum ? "max_pool" : "depthwise", op.window.kernel[0], op.window.kernel[1],
        op.window.stride[0], op.input->channels);
    call_end(emission, &call);
    return true;
}
