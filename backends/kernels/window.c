/* Ops that slide a window over each channel alone: depthwise convolution, max pooling, average
 * pooling, and padding, whose window is one pixel. Channels are the vector; a tile of outputs along
 * a row is held in registers, so that a column that several windows share is loaded once per kernel
 * row. */
#include "backends/kernels/window.h"
#include "backends/kernels/copy.h"
#include "backends/kernels/emit.h"
#include "backends/kernels/gather.h"
#include "backends/kernels/kernels.h"
#include "backends/kernels/place.h"
#include "backends/kernels/repeat.h"
#include "backends/kernels/row_op.h"
#include "backends/kernels/segments.h"
#include "backends/program/buffers.h"
#include "backends/program/call.h"
#include "backends/program/emission.h"
#include "backends/program/math.h"
#include "backends/program/part_sum.h"
#include "backends/program/placement.h"
#include "backends/schedule/lowering.h"
#include "backends/schedule/shape.h"
#include "backends/schedule/step_schedule.h"
#include "backends/schedule/window_blocking.h"
#include "ir/arena.h"
#include "ir/formula.h"
#include "ir/graph.h"
#include "ir/kernel.h"
#include <assert.h>
#include <inttypes.h>
#include <math.h>

/* What one tile works on. */
typedef struct WindowTile {
    const Run *in, *out, *residual;
    int in_parameter, out_parameter, residual_parameter;
    const Expression *image, *row, *column;                        /* of the output */
    const Expression *channel;                                     /* in the whole tensor */
    const Expression *in_channel, *out_channel, *residual_channel; /* in the runs */
    int64_t gathered_channel; /* of a loop over gathered vectors the first one's first */
    int pixels, lanes;
    int64_t channels_left;
    bool interior;
} WindowTile;

static const Expression *scaled(const WindowOp *op, const Expression *a, int64_t factor) {
    return expression_multiply(op->arena, a, factor);
}

static bool tap_inside(const WindowOp *op, const WindowTile *tile, int pixel, int64_t tap) {
    int64_t first = 0;
    if (tile->interior)
        return true;
    bool constant = expression_is_constant(tile->column, &first);
    assert(constant);
    (void)constant;
    int64_t column = (first + pixel) * op->rows.window.stride[1] - op->rows.window.padding[1] +
                     tap * op->rows.window.dilation[1];
    return column >= 0 && column < op->input->width;
}

static void combine(const WindowOp *op, int accumulator, int value, int weight) {
    switch (op->kind) {
    case WINDOW_DEPTHWISE:
        kernel_multiply_add(op->builder, accumulator, value, weight, accumulator);
        return;
    case WINDOW_MAXIMUM:
        kernel_binary(op->builder,
            op->blocking.sum == LANE_U8 ? INSTRUCTION_maximum : INSTRUCTION_maximum_or_nan,
            accumulator, accumulator, value);
        return;
    case WINDOW_MEAN:
        kernel_binary(op->builder, INSTRUCTION_add, accumulator, accumulator, value);
        return;
    case WINDOW_PIXEL:
        kernel_unary(op->builder, INSTRUCTION_move, accumulator, value);
        return;
    }
}

/* What an address in the input depends on. */
typedef struct InputPlace {
    const WindowOp *op;
    const WindowTile *tile;
    const Expression *kernel_row;
    int64_t column; /* from that of the first pixel's first tap */
} InputPlace;

/* Offset of the column, channel 0 of the run. */
static const Expression *input_base(const void *context, const Run *run) {
    const InputPlace *place = context;
    const WindowOp *op = place->op;
    const WindowTile *tile = place->tile;
    const Window *window = &op->rows.window;
    return expression_sum(op->arena, scaled(op, tile->image, run->image_stride),
        window_row_offset(op->arena, window, run, tile->row, place->kernel_row),
        scaled(op, column_in(op->arena, &op->rows, run, tile->column),
            window->stride[1] * run->pixel_stride),
        expression_constant(op->arena, (place->column - window->padding[1]) * run->pixel_stride),
        NULL);
}

/* The same of a vector that is put together: its channels lie in several runs. */
static const Expression *gathered_base(const void *context, const Run *run) {
    const InputPlace *place = context;
    return expression_add(place->op->arena, input_base(context, run), place->tile->in_channel);
}

/* The column's numbers as they are multiplied: of 16 bits, where sums are integers. Else as sums
 * are; products and sums of whole numbers as those of bytes are exact in f32: they stay below 2^24.
 */
static int as_sums(const WindowOp *op, int value) {
    KernelBuilder *builder = op->builder;
    if (op->blocking.sum != LANE_S32)
        return emit_as(builder, value, op->blocking.sum);
    int words = kernel_register_of(builder, LANE_S16, builder->kernel->register_lanes[value]);
    kernel_unary(builder, INSTRUCTION_widen, words, value);
    return words;
}

static int load_column(const InputPlace *place) {
    const WindowOp *op = place->op;
    const WindowTile *tile = place->tile;
    if (op->blocking.gathered) {
        int64_t left = tile->channels_left;
        return as_sums(op,
            emit_gather(op->builder, op->input, op->input_parameters, tile->gathered_channel,
                left < tile->lanes ? (int)left : tile->lanes, tile->lanes, gathered_base, place));
    }
    const Run *run = tile->in;
    int value = kernel_register_of(op->builder, op->input->element, tile->lanes);
    emit_vector_load(op->builder, value, tile->in_parameter,
        expression_sum(op->arena, tile->in_channel, input_base(place, run),
            expression_constant(op->arena, run->displacement), NULL),
        tile->channels_left, run->exact);
    return as_sums(op, value);
}

/* New registers of a tile's pixels. */
static void new_sums(const WindowOp *op, const WindowTile *tile, int *sums) {
    for (int pixel = 0; pixel < tile->pixels; pixel++)
        sums[pixel] = kernel_register_of(op->builder, op->blocking.sum, tile->lanes);
}

/* The weights of the taps of a kernel row. */
static int *load_taps(const WindowOp *op, const WindowTile *tile, const Expression *kernel_row) {
    Arena *arena = op->arena;
    int64_t taps = op->rows.window.kernel[1];
    int *weights = ARENA_ARRAY(arena, int, taps);
    for (int64_t tap = 0; op->kind == WINDOW_DEPTHWISE && tap < taps; tap++) {
        bool words = op->weight_type == LANE_S16;
        int loaded = kernel_register_of(op->builder, op->weight_type, tile->lanes);
        const Expression *offset =
            expression_sum(arena, tile->channel, scaled(op, kernel_row, taps * op->input->channels),
                expression_constant(arena, tap * op->input->channels), NULL);
        kernel_load(op->builder, loaded, words ? op->words : op->weights, offset, 0, tile->lanes);
        weights[tap] = words ? loaded : emit_as(op->builder, loaded, op->blocking.sum);
    }
    return weights;
}

/* One kernel row: every input column that some tap of some pixel needs is loaded once. */
static void emit_kernel_row(const WindowOp *op, const WindowTile *tile, const int *accumulators,
    const Expression *kernel_row) {
    const Window *window = &op->rows.window;
    InputPlace place = {op, tile, kernel_row, 0};
    int64_t taps = window->kernel[1], stride = window->stride[1], dilation = window->dilation[1];
    const int *weights = load_taps(op, tile, kernel_row);
    PartSum sums[MAX_WINDOW_PIXELS];
    for (int pixel = 0; pixel < tile->pixels; pixel++)
        sums[pixel] = begin_part_sum(
            op->builder, accumulators[pixel], tile->lanes, op->blocking.parts.columns);
    int64_t columns = (tile->pixels - 1) * stride + (taps - 1) * dilation + 1;
    for (int64_t column = 0; column < columns; column++) {
        int value = -1;
        for (int64_t tap = 0; tap < taps; tap++) {
            int64_t distance = column - tap * dilation;
            if (distance < 0 || distance % stride != 0 || distance / stride >= tile->pixels)
                continue;
            int pixel = (int)(distance / stride);
            if (!tap_inside(op, tile, pixel, tap))
                continue;
            if (value < 0) {
                place.column = column;
                value = load_column(&place);
            }
            combine(op, next_in_part_sum(op->builder, &sums[pixel]), value, weights[tap]);
        }
    }
    for (int pixel = 0; pixel < tile->pixels; pixel++)
        end_part_sum(op->builder, &sums[pixel]);
}

static void start_window(const WindowOp *op, const WindowTile *tile, int *accumulators) {
    KernelBuilder *builder = op->builder;
    bool biased = op->kind == WINDOW_DEPTHWISE && op->has_bias;
    bool halves = biased && op->weight_type == LANE_F16;
    int start = kernel_register_of(builder, halves ? LANE_F16 : op->blocking.sum, tile->lanes);
    float first = op->kind != WINDOW_MAXIMUM    ? op->value
                  : op->blocking.sum == LANE_U8 ? 0.0f
                                                : -INFINITY;
    if (biased)
        kernel_load(builder, start, op->weights,
            expression_offset(op->arena, tile->channel, op->bias_offset), 0, tile->lanes);
    else
        kernel_splat(builder, start, first);
    if (halves)
        start = emit_as(builder, start, op->blocking.sum);
    new_sums(op, tile, accumulators);
    for (int pixel = 0; pixel < tile->pixels; pixel++)
        kernel_unary(builder, INSTRUCTION_move, accumulators[pixel], start);
}

static const Expression *window_pixel_offset(const WindowOp *op, const WindowTile *tile,
    const Run *run, const Expression *channel, int pixel) {
    return expression_sum(op->arena, channel, scaled(op, tile->image, run->image_stride),
        row_offset(op->arena, run, tile->row),
        scaled(op, column_in(op->arena, &op->rows, run, tile->column), run->pixel_stride),
        expression_constant(op->arena, run->displacement + pixel * run->pixel_stride), NULL);
}

static void emit_mean(const WindowOp *op, const WindowTile *tile, int accumulator, int pixel) {
    int factor = kernel_register(op->builder, tile->lanes);
    if (op->has_divisors)
        kernel_broadcast(op->builder, factor, op->weights,
            expression_sum(op->arena, scaled(op, tile->row, op->output->width),
                column_in(op->arena, &op->rows, NULL, tile->column),
                expression_constant(op->arena, pixel), NULL));
    else
        kernel_splat(op->builder, factor, op->factor);
    kernel_binary(op->builder, INSTRUCTION_multiply, accumulator, accumulator, factor);
}

/* Factor and offset of a tile of bytes. */
typedef struct Scales {
    int factor, offset; /* registers */
} Scales;

static Scales load_scales(const WindowOp *op, const WindowTile *tile) {
    Scales scales = {
        kernel_register(op->builder, tile->lanes), kernel_register(op->builder, tile->lanes)};
    int64_t first = op->bias_offset + op->input->channels;
    kernel_load(op->builder, scales.factor, op->weights,
        expression_offset(op->arena, tile->channel, first), 0, tile->lanes);
    kernel_load(op->builder, scales.offset, op->weights,
        expression_offset(op->arena, tile->channel, first + op->input->channels), 0, tile->lanes);
    return scales;
}

static void add_residual(const WindowOp *op, const WindowTile *tile, int accumulator, int pixel) {
    int other = kernel_register_of(op->builder, op->residual->element, tile->lanes);
    emit_vector_load(op->builder, other, tile->residual_parameter,
        window_pixel_offset(op, tile, tile->residual, tile->residual_channel, pixel),
        tile->channels_left, tile->residual->exact);
    kernel_binary(op->builder, INSTRUCTION_add, accumulator, accumulator,
        emit_as(op->builder, other, op->builder->kernel->register_types[accumulator]));
    emit_activation(op->builder, op->residual_activation, accumulator);
}

static int as_number(const WindowOp *op, const WindowTile *tile, int sum) {
    if (op->blocking.sum != LANE_S32)
        return sum;
    int number = kernel_register(op->builder, tile->lanes);
    kernel_unary(op->builder, INSTRUCTION_to_float, number, sum);
    return number;
}

static void finish_window(const WindowOp *op, const WindowTile *tile, const int *accumulators) {
    int count = tile->channels_left < tile->lanes ? (int)tile->channels_left : tile->lanes;
    Scales scales = {-1, -1};
    if (op->has_scales)
        scales = load_scales(op, tile);
    for (int pixel = 0; pixel < tile->pixels; pixel++) {
        int sum = as_number(op, tile, accumulators[pixel]);
        if (op->kind == WINDOW_MEAN)
            emit_mean(op, tile, sum, pixel);
        if (op->has_scales)
            kernel_multiply_add(op->builder, sum, sum, scales.factor, scales.offset);
        emit_activation(op->builder, op->activation, sum);
        if (op->residual)
            add_residual(op, tile, sum, pixel);
        store_repeated(op->builder, emit_as(op->builder, sum, op->output->element),
            tile->out_parameter, tile->out,
            window_pixel_offset(op, tile, tile->out, tile->out_channel, pixel), 0, count);
    }
}

static void emit_kernel_rows(const WindowOp *op, const WindowTile *tile, const int *accumulators,
    const Expression *begin, const Expression *end) {
    KernelBuilder *builder = op->builder;
    if (op->blocking.parts.rows == 0) {
        const Expression *row = kernel_open_for(builder, "kernel_row", begin, end, 1);
        emit_kernel_row(op, tile, accumulators, row);
        kernel_close(builder);
        return;
    }
    int band[MAX_WINDOW_PIXELS];
    new_sums(op, tile, band);
    const Expression *first =
        kernel_open_for(builder, "first_row", begin, end, op->blocking.parts.rows);
    for (int pixel = 0; pixel < tile->pixels; pixel++)
        kernel_splat(builder, band[pixel], 0.0f);
    const Expression *row =
        open_part(builder, "kernel_row", first, op->blocking.parts.rows, end, 1);
    emit_kernel_row(op, tile, band, row);
    kernel_close(builder);
    for (int pixel = 0; pixel < tile->pixels; pixel++)
        kernel_binary(
            builder, INSTRUCTION_add, accumulators[pixel], accumulators[pixel], band[pixel]);
    kernel_close(builder);
}

static void emit_window_tile(const WindowOp *op, const WindowTile *tile) {
    int accumulators[MAX_WINDOW_PIXELS];
    const Expression *begin, *end;
    start_window(op, tile, accumulators);
    window_rows(op->arena, &op->rows.window, op->input->height, op->output->height, tile->row,
        &begin, &end);
    emit_kernel_rows(op, tile, accumulators, begin, end);
    finish_window(op, tile, accumulators);
}

/* Where channel `channel` of the segment lies in a run; `shift` further on. */
static const Expression *run_channel(const WindowOp *op, const Expression *channel,
    const Segment *segment, const Run *run, const Expression *shift) {
    return expression_add(op->arena,
        expression_offset(op->arena, channel, segment->first_channel - run->first_channel), shift);
}

static void set_runs(const WindowOp *op, WindowTile *tile, const Segment *segment) {
    tile->in = op->blocking.gathered ? NULL : &op->input->runs[segment->runs[0]];
    tile->out = &op->output->runs[segment->runs[1]];
    tile->residual = op->residual ? &op->residual->runs[segment->runs[2]] : NULL;
    tile->in_parameter = op->blocking.gathered ? -1 : op->input_parameters[segment->runs[0]];
    tile->out_parameter = op->output_parameters[segment->runs[1]];
    tile->residual_parameter = op->residual ? op->residual_parameters[segment->runs[2]] : -1;
}

/* The channels of a segment, or of those of a loop that are `places` further on: whole vectors, by
 * a loop, or what is left. */
static void emit_segment(
    const WindowOp *op, WindowTile *tile, const Segment *segment, const Expression *const *places) {
    Arena *arena = op->arena;
    int64_t count = segment->channel_count, lanes = op->blocking.lanes;
    const Expression *channel = kernel_open_range(op->builder, "channel", 0, count, lanes);
    set_runs(op, tile, segment);
    tile->lanes = window_lanes(op->emission->compilation->target, &op->blocking, count);
    tile->channels_left = count < lanes ? count : lanes;
    tile->gathered_channel = segment->first_channel;
    tile->channel = expression_add(
        arena, expression_offset(arena, channel, segment->first_channel), places[PLACE_OF_CHANNEL]);
    const Expression *const *in = &places[PLACE_IN_PLACEMENTS];
    tile->in_channel = tile->in ? run_channel(op, channel, segment, tile->in, in[0]) : in[0];
    tile->out_channel = run_channel(op, channel, segment, tile->out, in[1]);
    if (tile->residual)
        tile->residual_channel = run_channel(op, channel, segment, tile->residual, in[2]);
    emit_window_tile(op, tile);
    kernel_close(op->builder);
}

static void emit_segments(const WindowOp *op, WindowTile *tile, const ChannelSegments *all) {
    for (int i = 0; i < all->count;) {
        const Expression *places[MOST_PLACES];
        Repeat repeat = find_repeat(&all->parts[i], all->count - i);
        open_repeat(op->builder, "segment", &repeat, places);
        emit_segment(op, tile, &all->segments[i], places);
        close_repeat(op->builder);
        i += repeat.count;
    }
}

static void emit_window_row(const RowOp *rows, const Expression *image, const Expression *row) {
    const WindowOp *op = (const WindowOp *)rows;
    KernelBuilder *builder = op->builder;
    const Placement *placements[3] = {
        op->blocking.gathered ? op->output : op->input, op->output, op->residual};
    ChannelSegments segments =
        find_segments(op->arena, placements, op->residual ? 3 : 2, op->blocking.lanes);
    if (op->blocking.gathered)
        segments = find_gathered_vectors(op->arena, op->blocking.lanes, op->input,
            op->input_parameters, &segments, PLACE_IN_PLACEMENTS);
    WindowTile tile = {.image = image, .row = row};
    TileSpan *spans;
    int span_count = tile_spans(op->arena, op->rows.columns, op->input->width, &op->rows.window,
        op->blocking.pixels, &spans);
    for (int i = 0; i < span_count; i++) {
        tile.pixels = spans[i].pixels;
        tile.interior = spans[i].interior;
        tile.column = kernel_open_range(builder, "column", spans[i].first,
            spans[i].first + spans[i].repeat * spans[i].pixels, spans[i].pixels);
        emit_segments(op, &tile, &segments);
        kernel_close(builder);
    }
}

/* ---- the node ---- */

static void read_node(WindowOp *op, const Node *node) {
    op->rows.window = node_window(node);
    op->kind = window_kind(node);
    op->value = op->kind == WINDOW_PIXEL ? (float)node_number(node, "value") : 0.0f;
    if (op->kind == WINDOW_DEPTHWISE && op->output->element != LANE_U8)
        op->activation = node_formula_attribute(node, "activation");
    if (op->kind == WINDOW_DEPTHWISE)
        op->residual_activation = node_formula_attribute(node, "residual_activation");
}

static void describe(WindowOp *op, const Node *node, const Link *from, const Link *to) {
    Emission *emission = op->emission;
    op->input =
        from ? from->placement
             : make_channels_last(emission, node, value_placement(emission, node->operands[0]));
    if (node->operand_count > 1)
        op->residual =
            make_channels_last(emission, node, value_placement(emission, node->operands[1]));
    op->output = to ? to->placement : place_result(emission, node->results[0]);
    read_node(op, node);
    const WindowSizes sizes = {.kind = op->kind,
        .window = op->rows.window,
        .width = op->output->width,
        .input = op->input->element,
        .in_pieces = reading_of(node) == READING_ONCE && placement_is_scattered(op->input)};
    op->blocking = choose_window_blocking(emission->compilation->target, &sizes);
    op->rows.images = op->output->images;
    op->rows.columns = (ColumnRange){0, op->output->width};
    op->rows.height_in = op->input->height;
    op->rows.height_out = op->output->height;
    op->rows.emit_row = emit_window_row;
}

RowOp *window_row_op(
    Emission *emission, KernelCall *call, const Node *node, const Link *from, const Link *to) {
    WindowOp *op = ARENA_NEW(emission->arena, WindowOp);
    op->emission = emission;
    op->arena = emission->arena;
    op->builder = &call->builder;
    describe(op, node, from, to);
    op->input_parameters = call_link(call, PARAMETER_READ, "input", from, op->input);
    op->rows.input = op->input;
    op->rows.input_parameters = op->input_parameters;
    if (op->residual)
        op->residual_parameters = call_placement(call, PARAMETER_READ, "residual", op->residual);
    if (op->kind == WINDOW_DEPTHWISE)
        pack_window_weights(op, call, node);
    else if (op->kind == WINDOW_MEAN)
        pack_window_divisors(op, call, node);
    op->output_parameters = call_link(call, PARAMETER_WRITE, "output", to, op->output);
    call->step.macs += node_macs(node);
    note_window(&call->step, op->arena, node, &op->blocking);
    const char *name = op->kind == WINDOW_DEPTHWISE ? "depthwise" : op_info(node->op)->name;
    call_describe(call, "%s %" PRId64 "x%" PRId64 " stride %" PRId64 ", %" PRId64 "%s%s", name,
        op->rows.window.kernel[0], op->rows.window.kernel[1], op->rows.window.stride[0],
        op->input->channels, op->activation ? ", " : "",
        op->activation ? formula_spelling(op->activation, emission->arena) : "");
    return &op->rows;
}
