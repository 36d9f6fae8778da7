/* The max pooling of a planar head (planar.h): windows of three columns, every second.
 *
 * For a vector of outputs of a channel, the largest of the window's rows is taken column by column,
 * and then of three columns: the even ones, the odd ones, and those beside them. Rows
 * outside of the image are those at its edge again, which changes no maximum; columns outside are
 * zeros, which are no larger than what is pooled. As many channels as a vector has lanes are then
 * transposed, and stored channels last. */
#include "backends/planar.h"
#include <assert.h>
#include <inttypes.h>

enum { MAX_LANES = 16 };

typedef struct PlanarPool {
    RowOp rows; /* first: it is a RowOp */
    Lowering *lowering;
    KernelBuilder *builder;
    Arena *arena;
    const Run *input, *output;
    int input_parameter, output_parameter;
    int64_t channels, width_in;
} PlanarPool;

/* A vector of outputs of some channels. */
typedef struct PoolTile {
    const Expression *image, *row, *column;
    const Expression *rows[MOST_POOLED_ROWS]; /* offsets of the window's rows in the ring */
    int64_t first_channel;
    int channels, outputs; /* outputs: those of the vector that are there */
} PoolTile;

/* The largest of the window's rows, for as many columns as there are lanes; zeros outside. */
static int largest_of_rows(
    const PlanarPool *op, const PoolTile *tile, int64_t channel, const Expression *column) {
    int lanes = op->lowering->target->lanes, largest = -1;
    int64_t first = 0, begin = 0, end = lanes;
    if (expression_is_constant(column, &first)) {
        begin = first < 0 ? -first : 0;
        end = op->width_in - first < lanes ? op->width_in - first : lanes;
    }
    for (int64_t row = 0; row < op->rows.window.kernel[0]; row++) {
        int reg = kernel_register(op->builder, lanes);
        if (begin >= end) {
            kernel_splat(op->builder, reg, 0.0f);
            return reg;
        }
        kernel_load(op->builder, reg, op->input_parameter,
            expression_sum(op->arena, tile->rows[row], column,
                expression_constant(op->arena,
                    op->input->displacement + channel * op->input->channel_stride + begin),
                NULL),
            (int)begin, (int)(end - begin));
        if (largest < 0)
            largest = reg;
        else
            kernel_binary(op->builder, INSTRUCTION_maximum, largest, largest, reg);
    }
    return largest;
}

static int permute(const PlanarPool *op, int a, int b, int first, int step) {
    int lanes = op->lowering->target->lanes, reg = kernel_register(op->builder, lanes);
    int *indices = ARENA_ARRAY(op->arena, int, lanes);
    for (int lane = 0; lane < lanes; lane++)
        indices[lane] = first + lane * step;
    kernel_permute(op->builder, reg, a, b, indices);
    return reg;
}

/* The pooled vector of one channel. With padding, windows begin at odd columns, and loads at even
 * ones: these are aligned. */
static int pool_channel(const PlanarPool *op, const PoolTile *tile, int64_t channel) {
    int lanes = op->lowering->target->lanes;
    bool odd_first = op->rows.window.padding[1] % 2 != 0;
    int64_t begin = odd_first ? 1 - op->rows.window.padding[1] : -op->rows.window.padding[1];
    const Expression *column =
        expression_offset(op->arena, expression_multiply(op->arena, tile->column, 2), begin);
    int a = largest_of_rows(op, tile, channel, column);
    int b = largest_of_rows(op, tile, channel, expression_offset(op->arena, column, lanes));
    int c = largest_of_rows(
        op, tile, channel, expression_offset(op->arena, column, odd_first ? -lanes : 2 * lanes));
    int even = permute(op, a, b, 0, 2), odd = permute(op, a, b, 1, 2);
    int third = odd_first ? permute(op, c, odd, lanes - 1, 1) : permute(op, even, c, 1, 1);
    kernel_binary(op->builder, INSTRUCTION_maximum, even, even, odd);
    kernel_binary(op->builder, INSTRUCTION_maximum, even, even, third);
    return even;
}

/* ---- channels become lanes ---- */

enum { BLOCK = 4 /* lanes that cheap permutes stay in */ };

/* Which lanes of a pair of vectors one step of a transposition takes. Steps 0 and 1 interleave
 * lanes, and pairs of them, inside of blocks; the others take every second block, or interleave
 * blocks. */
static void step_lanes(int step, int lanes, bool interleaves, bool second, int *indices) {
    for (int lane = 0; lane < lanes; lane++) {
        int index = lane / BLOCK, within = lane % BLOCK, half = lanes / BLOCK / 2;
        if (step == 0)
            indices[lane] = index * BLOCK + within / 2 + within % 2 * lanes + (second ? 2 : 0);
        else if (step == 1)
            indices[lane] = index * BLOCK + within % 2 + within / 2 * lanes + (second ? 2 : 0);
        else if (interleaves)
            indices[lane] = (index / 2 + (second ? half : 0)) * BLOCK + index % 2 * lanes + within;
        else
            indices[lane] =
                index / half * lanes + (index % half * 2 + (second ? 1 : 0)) * BLOCK + within;
    }
}

static void exchange(const PlanarPool *op, int *registers, int i, int step, bool interleaves) {
    int lanes = op->lowering->target->lanes, j = i + (1 << step), results[2];
    for (int k = 0; k < 2; k++) {
        int *indices = ARENA_ARRAY(op->arena, int, lanes);
        step_lanes(step, lanes, interleaves, k == 1, indices);
        results[k] = kernel_register(op->builder, lanes);
        kernel_permute(op->builder, results[k], registers[i], registers[j], indices);
    }
    registers[i] = results[0];
    registers[j] = results[1];
}

/* Which output register i holds in its part `part`, when `size` channels are transposed. */
static int output_of(int lanes, int size, int i, int part) {
    int within = (i & 1) * 2 + (i >> 1 & 1), blocks = lanes / BLOCK;
    int block = part;
    if (size == lanes) /* each step of blocks took every second one */
        block = blocks == 2 ? i >> 2 & 1 : (i >> 2 & 1) + (i >> 3 & 1) * 2;
    else if (size == 2 * BLOCK)
        block = (i >> 2 & 1) * 2 + part;
    return block * BLOCK + within;
}

static void store_pixel(const PlanarPool *op, const PoolTile *tile, int output, int reg, int lane) {
    if (output >= tile->outputs)
        return;
    kernel_store(op->builder, reg, op->output_parameter,
        expression_sum(op->arena,
            expression_multiply(op->arena, tile->image, op->output->image_stride),
            row_offset(op->arena, op->output, tile->row),
            expression_multiply(op->arena, tile->column, op->output->pixel_stride),
            expression_constant(op->arena,
                op->output->displacement + output * op->output->pixel_stride + tile->first_channel),
            NULL),
        lane, tile->channels);
}

/* What follows, up to kernel_close, in a block of its own: LLVM would load the columns of all
 * channels ahead and spill. The condition always holds, for a kernel is called with begin < end. */
static void open_block(const PlanarPool *op, int number) {
    KernelBuilder *builder = op->builder;
    kernel_open_if_less(builder, kernel_variable(builder, VARIABLE_BEGIN),
        expression_offset(op->arena, kernel_variable(builder, VARIABLE_END), number));
}

/* Channels become lanes: of all lanes, or of parts of them, which then are different outputs. */
static void emit_pool_tile(const PlanarPool *op, const PoolTile *tile) {
    int lanes = op->lowering->target->lanes, registers[MAX_LANES];
    int size = tile->channels <= lanes / 2 ? lanes / 2 : lanes;
    for (int i = 0; i < size; i += BLOCK) {
        open_block(op, i);
        for (int j = i; j < i + BLOCK; j++)
            if (j < tile->channels) {
                registers[j] = pool_channel(op, tile, tile->first_channel + j);
            } else {
                registers[j] = kernel_register(op->builder, lanes);
                kernel_splat(op->builder, registers[j], 0.0f);
            }
        for (int j = i; j < i + BLOCK; j += 2)
            exchange(op, registers, j, 0, false);
        for (int j = i; j < i + BLOCK / 2; j++)
            exchange(op, registers, j, 1, false);
        kernel_close(op->builder);
    }
    for (int step = 2; 1 << step < size; step++)
        for (int i = 0; i < size; i++)
            if ((i >> step & 1) == 0)
                exchange(op, registers, i, step, size < lanes);
    for (int i = 0; i < size; i++)
        for (int part = 0; part < lanes / size; part++)
            store_pixel(op, tile, output_of(lanes, size, i, part), registers[i], part * size);
}

static void emit_channels(const PlanarPool *op, PoolTile *tile) {
    int lanes = op->lowering->target->lanes;
    for (int64_t channel = 0; channel < op->channels; channel += lanes) {
        int64_t left = op->channels - channel;
        tile->first_channel = channel;
        tile->channels = left < lanes ? (int)left : lanes;
        emit_pool_tile(op, tile);
    }
}

/* Whether all columns that the vector of outputs from this one on looks at are there. */
static bool is_inside(const PlanarPool *op, int64_t column) {
    int64_t lanes = op->lowering->target->lanes, end = op->rows.columns.end;
    int64_t first = column * 2 - op->rows.window.padding[1];
    return column + lanes <= end && first >= lanes && first + 3 * lanes <= op->width_in;
}

static void find_rows(const PlanarPool *op, PoolTile *tile) {
    Arena *arena = op->arena;
    const Window *window = &op->rows.window;
    for (int64_t row = 0; row < window->kernel[0]; row++) {
        const Expression *at =
            expression_offset(arena, expression_multiply(arena, tile->row, window->stride[0]),
                row * window->dilation[0] - window->padding[0]);
        at = expression_maximum(arena, expression_constant(arena, 0),
            expression_minimum(arena, at, expression_constant(arena, op->rows.height_in - 1)));
        tile->rows[row] = kernel_let(op->builder, "place", row_offset(arena, op->input, at));
    }
}

static void emit_pool_row(const RowOp *rows, const Expression *image, const Expression *row) {
    const PlanarPool *op = (const PlanarPool *)rows;
    int64_t lanes = op->lowering->target->lanes;
    PoolTile tile = {.image = image, .row = row};
    find_rows(op, &tile);
    for (int64_t column = rows->columns.begin; column < rows->columns.end;) {
        int64_t end = column + lanes;
        while (is_inside(op, column) && is_inside(op, end))
            end += lanes;
        int64_t left = rows->columns.end - column;
        tile.outputs = left < lanes ? (int)left : (int)lanes;
        tile.column = kernel_open_range(op->builder, "column", column, end, lanes);
        emit_channels(op, &tile);
        kernel_close(op->builder);
        column = end;
    }
}

RowOp *planar_pool_row_op(
    Lowering *lowering, KernelCall *call, const Node *node, const Link *from, const Link *to) {
    PlanarPool *op = ARENA_NEW(lowering->arena, PlanarPool);
    const Placement *output = to ? to->placement : lowering_place(lowering, node->results[0]);
    assert(output->run_count == 1 && output->runs[0].channel_stride == 1);
    *op = (PlanarPool){.lowering = lowering,
        .builder = &call->builder,
        .arena = lowering->arena,
        .input = &from->placement->runs[0],
        .output = &output->runs[0],
        .input_parameter = from->parameter,
        .channels = output->channels,
        .width_in = from->placement->width};
    op->output_parameter = call_link(call, PARAMETER_WRITE, "output", to, output)[0];
    op->rows = (RowOp){.window = node_window(node),
        .images = output->images,
        .height_in = from->placement->height,
        .height_out = output->height,
        .columns = {0, output->width},
        .emit_row = emit_pool_row,
        .input = from->placement,
        .input_parameters = &op->input_parameter};
    assert(op->rows.window.kernel[0] <= MOST_POOLED_ROWS);
    const Window *window = &op->rows.window;
    call_describe(call, "%s %" PRId64 "x%" PRId64 " stride %" PRId64 ", %" PRId64,
        op_info(node->op)->name, window->kernel[0], window->kernel[1], window->stride[0],
        op->channels);
    return &op->rows;
}
