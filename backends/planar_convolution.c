/* The convolution of a planar head (planar.h).
 *
 * For each output row, the rows of the image that its windows look at are copied to a buffer of the
 * kernel's own, with zeros where the padding is and the columns of each phase of the stride one
 * after the other, so that the columns a tap needs for neighbouring outputs are consecutive. Then
 * tiles of channels x vectors of columns are held in registers: weights are broadcast, columns are
 * loaded. Products are added in the order of other convolutions, kernel row by kernel row, tap by
 * tap, channel by channel. */
#include "backends/planar.h"
#include <assert.h>
#include <inttypes.h>
#include <string.h>

enum { MOST_STRIDE = 2, MOST_INPUTS = 4, RING_ALIGNMENT = 16 };

typedef struct PlanarConvolution {
    RowOp rows; /* first: it is a RowOp */
    Lowering *lowering;
    KernelBuilder *builder;
    Arena *arena;
    const Run *input, *output;
    int input_parameter, output_parameter, weights, phases; /* parameters, and the local buffer */
    int64_t inputs, outputs, width_in, bias_offset;
    bool has_bias;
    Activation activation;
    TileShape tile;        /* "pixels" are channels, "vectors" are of columns */
    int64_t phase_columns; /* room for those of one phase of a row and channel */
} PlanarConvolution;

/* ---- the ring ---- */

Placement *planar_ring(Arena *arena, const Node *convolution, int64_t rows, int64_t width) {
    const int64_t *dims = convolution->results[0]->type.dims;
    Placement *placement = ARENA_NEW(arena, Placement);
    placement->images = dims[0];
    placement->channels = dims[1];
    placement->height = dims[2];
    placement->width = dims[3];
    placement->runs = ARENA_NEW(arena, Run);
    placement->run_count = 1;
    int64_t distance = (width + RING_ALIGNMENT - 1) / RING_ALIGNMENT * RING_ALIGNMENT;
    placement->runs[0] = (Run){.channel_count = dims[1],
        .buffer = -1,
        .channel_stride = distance,
        .pixel_stride = 1,
        .row_stride = distance * dims[1],
        .ring_rows = rows};
    return placement;
}

int64_t planar_ring_floats(const Placement *ring) {
    enum { READ_AHEAD = 48 /* three vectors, by the pooling */ };
    return ring->runs[0].ring_rows * ring->runs[0].row_stride + READ_AHEAD;
}

/* ---- rows of the image, by phases ---- */

/* Where tap `tap` of output column i looks: column (i + shift) * stride + phase. */
static int64_t tap_phase(const Window *window, int64_t tap, int64_t *shift) {
    int64_t first = tap * window->dilation[1] - window->padding[1], stride = window->stride[1];
    int64_t phase = (first % stride + stride) % stride;
    *shift = (first - phase) / stride;
    return phase;
}

/* The columns, of each phase, that outputs begin..end-1 look at; at first some more, so that the
 * image is read by whole vectors from its left edge on. */
static ColumnRange phase_range(const Target *target, const Window *window, ColumnRange outputs) {
    int64_t least = 0, most = 0;
    for (int64_t tap = 0; tap < window->kernel[1]; tap++) {
        int64_t shift;
        (void)tap_phase(window, tap, &shift);
        least = tap == 0 || shift < least ? shift : least;
        most = tap == 0 || shift > most ? shift : most;
    }
    int64_t step = target->lanes / window->stride[1], begin = outputs.begin + least;
    begin -= (begin % step + step) % step;
    return (ColumnRange){begin, outputs.end + most};
}

/* Room for the columns of one phase of a row: strips begin anywhere, and a tile reads whole vectors
 * of columns. */
static int64_t phase_columns(const Target *target, const Window *window, int64_t width) {
    ColumnRange range = phase_range(target, window, (ColumnRange){0, width});
    return (range.end - range.begin + 3 * target->lanes - 1) / target->lanes * target->lanes;
}

/* ---- when ---- */

/* Lanes of vectors of channels to those that hold one. */
static double lanes_paid(const Target *target, int64_t channels) {
    int64_t vectors = (channels + target->lanes - 1) / target->lanes;
    return (double)(vectors * target->lanes) / (double)channels;
}

bool is_planar_head(
    const Lowering *lowering, const Node *convolution, const Node *pool, int64_t width) {
    static const double worth = 1.2;
    const Target *target = lowering->target;
    /* 1. one convolution of few planes, and vectors with more lanes than a permute can do without
     */
    if (convolution->op != OP_conv || node_integer(convolution, "groups") != 1 ||
        convolution->operand_count != 1 || target->lanes < 8 || !target->fused_multiply_add)
        return false;
    if (node_weight(convolution, "weight")->type.element != ELEMENT_F32 ||
        convolution->results[0]->type.element != ELEMENT_F32 ||
        pool->results[0]->type.element != ELEMENT_F32)
        return false;
    const Placement *image = lowering_placement((Lowering *)lowering, convolution->operands[0]);
    if (image->run_count != 1 || image->runs[0].pixel_stride != 1 ||
        image->runs[0].channel_stride == 1 || image->channels > MOST_INPUTS)
        return false;
    /* 2. channels fill vectors badly */
    if (lanes_paid(target, convolution->results[0]->type.dims[1]) < worth)
        return false;
    /* 3. columns of a tap are every one or every second */
    Window window = node_window(convolution);
    if (window.stride[1] > MOST_STRIDE)
        return false;
    /* 4. what is pooled is not negative, so zeros stand for the padding */
    Activation activation = (Activation)node_integer(convolution, "activation");
    if (pool->op != OP_max_pool ||
        (activation != ACTIVATION_RELU && activation != ACTIVATION_RELU6))
        return false;
    /* 5. three columns, every second, of few rows */
    Window pooled = node_window(pool);
    if (pooled.kernel[0] > MOST_POOLED_ROWS || pooled.kernel[1] != 3 || pooled.stride[1] != 2 ||
        pooled.dilation[1] != 1)
        return false;
    /* 6. nobody else decided where the pooled channels go */
    if (lowering->claims[pool->results[0]->id] || lowering->outputs[pool->results[0]->id])
        return false;
    /* 7. the rows of the image fit the stack beside the rings */
    int64_t planes = window.kernel[0] * window.stride[1] * image->channels;
    int64_t floats = planes * phase_columns(target, &window, width);
    return floats * (int64_t)sizeof(float) <= lowering->ring_bytes / 2;
}

/* ---- copying them ---- */

/* In the local buffer: the first column of a phase. */
static const Expression *phase_offset(const PlanarConvolution *op, const Expression *kernel_row,
    const Expression *channel, int64_t phase) {
    Arena *arena = op->arena;
    int64_t stride = op->rows.window.stride[1];
    const Expression *plane =
        expression_add(arena, expression_multiply(arena, kernel_row, op->inputs), channel);
    return expression_offset(arena, expression_multiply(arena, plane, stride * op->phase_columns),
        phase * op->phase_columns);
}

/* A vector of a row of the image, from a column on that may lie outside: zeros are there. */
static int load_image(
    const PlanarConvolution *op, const Expression *row, const Expression *column) {
    int lanes = op->lowering->target->lanes, reg = kernel_register(op->builder, lanes);
    int64_t first = 0, begin = 0, end = lanes;
    if (expression_is_constant(column, &first)) {
        begin = first < 0 ? -first : 0;
        end = op->width_in - first < lanes ? op->width_in - first : lanes;
    }
    if (begin >= end)
        kernel_splat(op->builder, reg, 0.0f);
    else
        kernel_load(op->builder, reg, op->input_parameter,
            expression_sum(op->arena, row, column, expression_constant(op->arena, begin), NULL),
            (int)begin, (int)(end - begin));
    return reg;
}

/* Every stride-th lane of two registers, from `first` on. */
static int take_phase(const PlanarConvolution *op, int a, int b, int64_t first) {
    int lanes = op->lowering->target->lanes, reg = kernel_register(op->builder, lanes);
    int *indices = ARENA_ARRAY(op->arena, int, lanes);
    for (int lane = 0; lane < lanes; lane++)
        indices[lane] = (int)first + lane * MOST_STRIDE;
    kernel_permute(op->builder, reg, a, b, indices);
    return reg;
}

/* A vector of each phase, from column `column` of the phases on; `place` is where the first is
 * stored. */
static void copy_chunk(const PlanarConvolution *op, const Expression *row, const Expression *column,
    const Expression *place) {
    int lanes = op->lowering->target->lanes;
    int64_t stride = op->rows.window.stride[1];
    const Expression *first = expression_multiply(op->arena, column, stride);
    int a = load_image(op, row, first);
    if (stride == 1) {
        kernel_store(op->builder, a, op->phases, place, 0, lanes);
        return;
    }
    int b = load_image(op, row, expression_offset(op->arena, first, lanes));
    for (int64_t phase = 0; phase < stride; phase++)
        kernel_store(op->builder, take_phase(op, a, b, phase), op->phases,
            expression_offset(op->arena, place, phase * op->phase_columns), 0, lanes);
}

/* Whether the chunk from this column of the phases on lies inside the row. */
static bool chunk_inside(const PlanarConvolution *op, int64_t column) {
    int64_t stride = op->rows.window.stride[1], lanes = op->lowering->target->lanes;
    return column >= 0 && (column + lanes) * stride <= op->width_in;
}

/* One row of one channel. */
static void copy_row(const PlanarConvolution *op, const Expression *row, const Expression *place) {
    Arena *arena = op->arena;
    int64_t lanes = op->lowering->target->lanes;
    ColumnRange range = phase_range(op->lowering->target, &op->rows.window, op->rows.columns);
    for (int64_t column = range.begin; column < range.end;) {
        int64_t end = column + lanes;
        while (chunk_inside(op, column) && end < range.end && chunk_inside(op, end))
            end += lanes;
        const Expression *at = kernel_open_range(op->builder, "column", column, end, lanes);
        copy_chunk(op, row, at,
            expression_sum(arena, place, at, expression_constant(arena, -range.begin), NULL));
        kernel_close(op->builder);
        column = end;
    }
}

static void copy_rows(const PlanarConvolution *op, const Expression *image, const Expression *row,
    const Expression *first, const Expression *end) {
    Arena *arena = op->arena;
    const Expression *kernel_row = kernel_open_for(op->builder, "kernel_row", first, end, 1);
    const Expression *channel = kernel_open_range(op->builder, "channel", 0, op->inputs, 1);
    const Expression *source =
        expression_sum(arena, expression_multiply(arena, image, op->input->image_stride),
            window_row_offset(arena, &op->rows.window, op->input, row, kernel_row),
            expression_multiply(arena, channel, op->input->channel_stride),
            expression_constant(arena, op->input->displacement), NULL);
    copy_row(op, source, phase_offset(op, kernel_row, channel, 0));
    kernel_close(op->builder);
    kernel_close(op->builder);
}

/* ---- tiles ---- */

typedef struct PlanarTile {
    const Expression *image, *row, *channel, *column; /* of the output */
    const Expression *first_row, *end_row;            /* of the window, that lie in the image */
    int channels, vectors;
    int64_t columns_left;
    int accumulators[MAX_TILE_PIXELS][MAX_TILE_VECTORS];
} PlanarTile;

/* One tap of one kernel row: all input channels. */
static void emit_tap(const PlanarConvolution *op, const PlanarTile *tile,
    const Expression *kernel_row, int64_t tap) {
    Arena *arena = op->arena;
    const Window *window = &op->rows.window;
    int lanes = op->lowering->target->lanes, columns[MAX_TILE_VECTORS];
    int64_t shift, phase = tap_phase(window, tap, &shift);
    int64_t first = phase_range(op->lowering->target, window, op->rows.columns).begin;
    const Expression *channel = kernel_open_range(op->builder, "input", 0, op->inputs, 1);
    const Expression *place = expression_sum(arena, phase_offset(op, kernel_row, channel, phase),
        tile->column, expression_constant(arena, shift - first), NULL);
    const Expression *taps =
        expression_offset(arena, expression_multiply(arena, kernel_row, window->kernel[1]), tap);
    const Expression *weight = expression_add(arena,
        expression_multiply(arena,
            expression_add(arena, expression_multiply(arena, taps, op->inputs), channel),
            op->outputs),
        tile->channel);
    for (int v = 0; v < tile->vectors; v++) {
        columns[v] = kernel_register(op->builder, lanes);
        kernel_load(op->builder, columns[v], op->phases,
            expression_offset(arena, place, (int64_t)v * lanes), 0, lanes);
    }
    for (int c = 0; c < tile->channels; c++) {
        int value = kernel_register(op->builder, lanes);
        kernel_broadcast(op->builder, value, op->weights, expression_offset(arena, weight, c));
        for (int v = 0; v < tile->vectors; v++)
            kernel_multiply_add(
                op->builder, tile->accumulators[c][v], columns[v], value, tile->accumulators[c][v]);
    }
    kernel_close(op->builder);
}

static void start_tile(const PlanarConvolution *op, PlanarTile *tile) {
    int lanes = op->lowering->target->lanes;
    for (int c = 0; c < tile->channels; c++) {
        int start = kernel_register(op->builder, lanes);
        if (op->has_bias)
            kernel_broadcast(op->builder, start, op->weights,
                expression_offset(op->arena, tile->channel, op->bias_offset + c));
        else
            kernel_splat(op->builder, start, 0.0f);
        for (int v = 0; v < tile->vectors; v++) {
            tile->accumulators[c][v] = kernel_register(op->builder, lanes);
            kernel_unary(op->builder, INSTRUCTION_move, tile->accumulators[c][v], start);
        }
    }
}

static void finish_tile(const PlanarConvolution *op, const PlanarTile *tile) {
    Arena *arena = op->arena;
    int lanes = op->lowering->target->lanes;
    for (int c = 0; c < tile->channels; c++)
        for (int v = 0; v < tile->vectors; v++) {
            int64_t left = tile->columns_left - (int64_t)v * lanes;
            const Expression *channel = expression_offset(arena, tile->channel, c);
            emit_activation(op->builder, op->activation, tile->accumulators[c][v]);
            kernel_store(op->builder, tile->accumulators[c][v], op->output_parameter,
                expression_sum(arena, row_offset(arena, op->output, tile->row),
                    expression_multiply(arena, channel, op->output->channel_stride), tile->column,
                    expression_constant(arena, op->output->displacement + (int64_t)v * lanes),
                    NULL),
                0, left < lanes ? (int)left : lanes);
        }
}

static void emit_tile(const PlanarConvolution *op, PlanarTile *tile) {
    if (op->rows.fetch) {
        int64_t tiles = (op->outputs + op->tile.pixels - 1) / op->tile.pixels;
        const FetchingTile fetching = {.image = tile->image,
            .row = tile->row,
            .column = tile->column,
            .pixels = (int64_t)tile->vectors * op->lowering->target->lanes,
            .share = expression_divide(op->arena, tile->channel, op->tile.pixels),
            .shares = tiles};
        emit_row_fetch(op->builder, op->rows.fetch, &fetching);
    }
    start_tile(op, tile);
    const Expression *kernel_row =
        kernel_open_for(op->builder, "kernel_row", tile->first_row, tile->end_row, 1);
    for (int64_t tap = 0; tap < op->rows.window.kernel[1]; tap++)
        emit_tap(op, tile, kernel_row, tap);
    kernel_close(op->builder);
    finish_tile(op, tile);
}

/* All columns of some channels. */
static void emit_columns(const PlanarConvolution *op, PlanarTile *tile) {
    int lanes = op->lowering->target->lanes;
    ColumnRange columns = op->rows.columns;
    int64_t step = (int64_t)op->tile.vectors * lanes;
    int64_t whole = columns.begin + (columns.end - columns.begin) / step * step;
    if (whole > columns.begin) {
        tile->vectors = op->tile.vectors;
        tile->columns_left = step;
        tile->column = kernel_open_range(op->builder, "column", columns.begin, whole, step);
        emit_tile(op, tile);
        kernel_close(op->builder);
    }
    if (whole < columns.end) {
        tile->columns_left = columns.end - whole;
        tile->vectors = (int)((tile->columns_left + lanes - 1) / lanes);
        tile->column = expression_constant(op->arena, whole);
        emit_tile(op, tile);
    }
}

static void emit_planar_row(const RowOp *rows, const Expression *image, const Expression *row) {
    const PlanarConvolution *op = (const PlanarConvolution *)rows;
    PlanarTile tile = {.image = image, .row = row};
    int64_t step = op->tile.pixels, whole = op->outputs / step * step;
    window_rows(op->arena, &rows->window, rows->height_in, rows->height_out, row, &tile.first_row,
        &tile.end_row);
    copy_rows(op, image, row, tile.first_row, tile.end_row);
    if (whole > 0) {
        tile.channels = (int)step;
        tile.channel = kernel_open_range(op->builder, "channel", 0, whole, step);
        emit_columns(op, &tile);
        kernel_close(op->builder);
    }
    if (whole < op->outputs) {
        tile.channels = (int)(op->outputs - whole);
        tile.channel = expression_constant(op->arena, whole);
        emit_columns(op, &tile);
    }
}

/* ---- the node ---- */

/* Weights as [kernel row][tap][input][output], then biases. */
static void pack_planar(PlanarConvolution *op, KernelCall *call, const Node *node) {
    const Weight *weight = node_weight(node, "weight"), *bias = node_weight(node, "bias");
    const int64_t *kernel = op->rows.window.kernel;
    int64_t taps = kernel[0] * kernel[1];
    op->has_bias = bias != NULL;
    op->bias_offset = taps * op->inputs * op->outputs;
    float *packed =
        call_weights(op->lowering, call, op->bias_offset + (bias ? op->outputs : 0), &op->weights);
    for (int64_t tap = 0; tap < taps; tap++)
        for (int64_t input = 0; input < op->inputs; input++)
            for (int64_t output = 0; output < op->outputs; output++)
                packed[(tap * op->inputs + input) * op->outputs + output] =
                    weight->data[(output * op->inputs + input) * taps + tap];
    if (bias)
        memcpy(packed + op->bias_offset, bias->data, (size_t)op->outputs * sizeof(float));
}

RowOp *planar_convolution_row_op(
    Lowering *lowering, KernelCall *call, const Node *node, const Link *to, int64_t width) {
    PlanarConvolution *op = ARENA_NEW(lowering->arena, PlanarConvolution);
    const Placement *input = lowering_placement(lowering, node->operands[0]);
    *op = (PlanarConvolution){.lowering = lowering,
        .builder = &call->builder,
        .arena = lowering->arena,
        .input = &input->runs[0],
        .output = &to->placement->runs[0],
        .output_parameter = to->parameter,
        .inputs = input->channels,
        .outputs = to->placement->channels,
        .width_in = input->width,
        .activation = (Activation)node_integer(node, "activation")};
    op->rows = (RowOp){.window = node_window(node),
        .images = input->images,
        .height_in = input->height,
        .height_out = to->placement->height,
        .columns = {0, to->placement->width},
        .emit_row = emit_planar_row,
        .input = input,
        .input_parameters = call_placement(call, PARAMETER_READ, "input", input)};
    op->input_parameter = op->rows.input_parameters[0];
    const Window *window = &op->rows.window;
    int64_t taps = window->kernel[0] * window->kernel[1] * op->inputs;
    op->tile = choose_tile(lowering->target, width, op->outputs, taps);
    op->phase_columns = phase_columns(lowering->target, window, width);
    op->phases = kernel_packing_local(
        op->builder, window->kernel[0] * op->inputs * window->stride[1] * op->phase_columns);
    pack_planar(op, call, node);
    call->step.macs += node_macs(node);
    call_describe(call, "%s %" PRId64 "x%" PRId64 " %" PRId64 " -> %" PRId64 ", %s",
        op_info(node->op)->name, window->kernel[0], window->kernel[1], op->inputs, op->outputs,
        activation_name(op->activation));
    return &op->rows;
}
