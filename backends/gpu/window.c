/* Depthwise convolution, pooling and padding on a GPU. */
#include "backends/gpu/window.h"
#include "backends/gpu/gpu.h"
#include "backends/program/call.h"
#include "backends/program/math.h"
#include "backends/program/part_sum.h"
#include "backends/schedule/shape.h"
#include "backends/schedule/window_blocking.h"
#include "ir/arena.h"
#include "ir/graph.h"
#include "ir/kernel.h"
#include <assert.h>
#include <math.h>
#include <string.h>

bool is_window_op(const Node *node) {
    return (is_depthwise(node) && node->operand_count == 1) || node->op == OP_max_pool ||
           node->op == OP_avg_pool || node->op == OP_pad;
}

int64_t window_weights(const Node *node) {
    if (window_kind(node) != WINDOW_DEPTHWISE)
        return 0;
    const Weight *weight = node_weight(node, "weight"), *bias = node_weight(node, "bias");
    return weight->type.dims[0] * (weight->type.dims[2] * weight->type.dims[3] + (bias ? 1 : 0));
}

static void pack_depthwise(
    GpuLowering *gpu, KernelCall *call, GpuWindowOp *op, const PackedBehind *behind) {
    const Weight *weight = node_weight(op->node, "weight"), *bias = node_weight(op->node, "bias");
    int64_t channels = weight->type.dims[0], taps = weight->type.dims[2] * weight->type.dims[3];
    PackedBehind place = {0};
    if (behind)
        place = *behind;
    else
        place.packed =
            call_weights(&gpu->emission, call, window_weights(op->node), &place.parameter);
    memcpy(place.packed, weight->data, (size_t)(channels * taps) * sizeof(float));
    if (bias)
        memcpy(place.packed + channels * taps, bias->data, (size_t)channels * sizeof(float));
    op->weights = place.parameter;
    op->taps_offset = place.offset;
    op->bias_offset = bias ? place.offset + channels * taps : -1;
    op->activation = node_formula_attribute(op->node, "activation");
    call->step.count.bytes_read += channels * (taps + 1) * (int64_t)sizeof(float);
}

GpuWindowOp window_op(
    GpuLowering *gpu, KernelCall *call, const Node *node, const PackedBehind *behind) {
    const int64_t *in = node->operands[0]->type.dims, *out = node->results[0]->type.dims;
    GpuWindowOp op = {.node = node,
        .kind = window_kind(node),
        .window = node_window(node),
        .height_in = in[2],
        .width_in = in[3],
        .height_out = out[2],
        .width_out = out[3]};
    if (op.kind == WINDOW_DEPTHWISE)
        pack_depthwise(gpu, call, &op, behind);
    if (op.kind == WINDOW_PIXEL)
        op.value = (float)node_number(node, "value");
    if (op.kind == WINDOW_MEAN)
        op.count_padding = node_flag(node, "count_padding");
    op.parts = window_sum_parts(op.kind, &op.window);
    return op;
}

/* ---- bounds ---- */

/* Whether an axis needs checks: some tap of some output leaves the input. */
typedef struct Bounds {
    bool below, above;
} Bounds;

static Bounds bounds_of(const GpuWindowOp *op, int axis) {
    const Window *w = &op->window;
    int64_t in = axis == 0 ? op->height_in : op->width_in;
    int64_t out = axis == 0 ? op->height_out : op->width_out;
    int64_t last =
        (out - 1) * w->stride[axis] - w->padding[axis] + (w->kernel[axis] - 1) * w->dilation[axis];
    return (Bounds){w->padding[axis] > 0, last >= in};
}

static int open_bounds(KernelBuilder *builder, Bounds bounds, const Expression *at, int64_t size) {
    if (bounds.below)
        kernel_open_if_less(builder, expression_constant(builder->arena, -1), at);
    if (bounds.above)
        kernel_open_if_less(builder, at, expression_constant(builder->arena, size));
    return bounds.below + bounds.above;
}

static void close_blocks(KernelBuilder *builder, int count) {
    while (count-- > 0)
        kernel_close(builder);
}

/* ---- taps ---- */

static int load_tap_weight(const GpuWindowOp *op, KernelBuilder *builder, const Expression *channel,
    const Expression *tap) {
    Arena *arena = builder->arena;
    int64_t taps = op->window.kernel[0] * op->window.kernel[1];
    int weight = kernel_register(builder, 1);
    kernel_load(builder, weight, op->weights,
        expression_offset(arena,
            expression_add(arena, expression_multiply(arena, channel, taps), tap), op->taps_offset),
        0, 1);
    return weight;
}

/* `weight`: of a depthwise convolution. */
static void emit_tap(
    const GpuWindowOp *op, KernelBuilder *builder, int weight, int sum, int value) {
    switch (op->kind) {
    case WINDOW_DEPTHWISE:
        kernel_multiply_add(builder, sum, value, weight, sum);
        return;
    case WINDOW_MAXIMUM:
        kernel_binary(builder, INSTRUCTION_maximum_or_nan, sum, sum, value);
        return;
    case WINDOW_MEAN:
        kernel_binary(builder, INSTRUCTION_add, sum, sum, value);
        return;
    case WINDOW_PIXEL:
        kernel_unary(builder, INSTRUCTION_move, sum, value);
        return;
    }
}

static int start_value(const GpuWindowOp *op, KernelBuilder *builder, const Expression *channel) {
    int sum = kernel_register(builder, 1);
    if (op->kind == WINDOW_DEPTHWISE && op->bias_offset >= 0)
        kernel_load(builder, sum, op->weights,
            expression_offset(builder->arena, channel, op->bias_offset), 0, 1);
    else
        kernel_splat(builder, sum, op->kind == WINDOW_MAXIMUM ? -INFINITY : op->value);
    return sum;
}

/* How many taps of an axis count for the output at this place, as a table in the weights would say:
 * the window less what lies outside of the input (and of its padding, where that counts). */
static const Expression *tap_count(
    const GpuWindowOp *op, Arena *arena, int axis, const Expression *at) {
    const Window *w = &op->window;
    int64_t in = axis == 0 ? op->height_in : op->width_in;
    int64_t before = op->count_padding ? w->padding[axis] : 0;
    int64_t after = op->count_padding ? w->padding[axis + 2] : 0;
    const Expression *first = expression_offset(
        arena, expression_multiply(arena, at, w->stride[axis]), -w->padding[axis]);
    const Expression *end = expression_minimum(arena,
        expression_offset(arena, first, w->kernel[axis]), expression_constant(arena, in + after));
    first = expression_maximum(arena, first, expression_constant(arena, -before));
    return expression_add(arena, end, expression_multiply(arena, first, -1));
}

/* The sum becomes a mean: times 1/count, for each count that occurs. */
static void emit_division(const GpuWindowOp *op, KernelBuilder *builder, int sum,
    const Expression *row, const Expression *column) {
    Arena *arena = builder->arena;
    Bounds rows = bounds_of(op, 0), columns = bounds_of(op, 1);
    bool varies =
        rows.above || columns.above || (!op->count_padding && (rows.below || columns.below));
    int64_t most_rows = op->window.kernel[0], most_columns = op->window.kernel[1];
    int factor = emit_splat(builder, 1, 1.0f / (float)(most_rows * most_columns));
    if (varies) {
        const Expression *height = kernel_let(builder, "rows", tap_count(op, arena, 0, row));
        const Expression *width = kernel_let(builder, "columns", tap_count(op, arena, 1, column));
        for (int64_t h = 1; h <= most_rows; h++)
            for (int64_t w = 1; w <= most_columns; w++) {
                if (h == most_rows && w == most_columns)
                    continue;
                /* height == h and width == w, in the only comparison that there is */
                const Expression *difference = expression_maximum(arena,
                    expression_maximum(arena, expression_offset(arena, height, -h),
                        expression_offset(arena, expression_multiply(arena, height, -1), h)),
                    expression_maximum(arena, expression_offset(arena, width, -w),
                        expression_offset(arena, expression_multiply(arena, width, -1), w)));
                kernel_open_if_less(builder, difference, expression_constant(arena, 1));
                kernel_splat(builder, factor, 1.0f / (float)(h * w));
                kernel_close(builder);
            }
    }
    kernel_binary(builder, INSTRUCTION_multiply, sum, sum, factor);
}

/* What the cells of a window depend on. */
typedef struct WindowSite {
    const GpuWindowOp *op;
    KernelBuilder *builder;
    const Expression *channel, *row, *column; /* of the output */
    WindowLoad *load;
    const void *context;
} WindowSite;

/* Where a tap lies in the input. */
static const Expression *tap_place(const WindowSite *site, const char *name, int axis,
    const Expression *at, const Expression *tap) {
    Arena *arena = site->builder->arena;
    const Window *w = &site->op->window;
    return kernel_let(site->builder, name,
        expression_offset(arena,
            expression_add(arena, expression_multiply(arena, at, w->stride[axis]),
                expression_multiply(arena, tap, w->dilation[axis])),
            -w->padding[axis]));
}

static PartLoop open_taps(
    const WindowSite *site, const char *name, int axis, int64_t part, int sum) {
    Arena *arena = site->builder->arena;
    return open_part_loop(site->builder, name, expression_constant(arena, 0),
        expression_constant(arena, site->op->window.kernel[axis]), 1, part, sum);
}

static void emit_value(const WindowSite *site, int weight, int sum, const Expression *at_row,
    const Expression *at_column) {
    const GpuWindowOp *op = site->op;
    int checks = open_bounds(site->builder, bounds_of(op, 1), at_column, op->width_in);
    int value = kernel_register(site->builder, 1);
    site->load(site->context, value, at_row, at_column);
    emit_tap(op, site->builder, weight, sum, value);
    close_blocks(site->builder, checks);
}

static void emit_row(const WindowSite *site, int sum, const Expression *ky) {
    const GpuWindowOp *op = site->op;
    KernelBuilder *builder = site->builder;
    Arena *arena = builder->arena;
    const Expression *at_row = tap_place(site, "row", 0, site->row, ky);
    int row_checks = open_bounds(builder, bounds_of(op, 0), at_row, op->height_in);
    PartLoop taps = open_taps(site, "kernel_column", 1, op->parts.columns, sum);
    const Expression *at_column = tap_place(site, "column", 1, site->column, taps.index);
    int weight = -1;
    if (op->kind == WINDOW_DEPTHWISE)
        weight = load_tap_weight(op, builder, site->channel,
            expression_add(
                arena, expression_multiply(arena, ky, op->window.kernel[1]), taps.index));
    emit_value(site, weight, taps.part_sum, at_row, at_column);
    close_part_loop(builder, &taps);
    close_blocks(builder, row_checks);
}

/* ---- with weights that were loaded ahead ---- */

enum { MOST_TAPS_AHEAD = 9 }; /* registers of each thread */

bool window_loads_ahead(const GpuWindowOp *op) {
    return op->kind == WINDOW_DEPTHWISE &&
           op->window.kernel[0] * op->window.kernel[1] <= MOST_TAPS_AHEAD;
}

WindowLoads emit_window_loads(
    const GpuWindowOp *op, KernelBuilder *builder, const Expression *channel) {
    int64_t taps = op->window.kernel[0] * op->window.kernel[1];
    WindowLoads loads = {start_value(op, builder, channel), ARENA_ARRAY(builder->arena, int, taps)};
    for (int64_t tap = 0; tap < taps; tap++)
        loads.taps[tap] =
            load_tap_weight(op, builder, channel, expression_constant(builder->arena, tap));
    return loads;
}

/* Tap by tap, since a register has no index. */
static void emit_taps(const WindowSite *site, const WindowLoads *loads) {
    const GpuWindowOp *op = site->op;
    Arena *arena = site->builder->arena;
    for (int64_t ky = 0; ky < op->window.kernel[0]; ky++) {
        const Expression *at_row =
            tap_place(site, "row", 0, site->row, expression_constant(arena, ky));
        int row_checks = open_bounds(site->builder, bounds_of(op, 0), at_row, op->height_in);
        for (int64_t kx = 0; kx < op->window.kernel[1]; kx++)
            emit_value(site, loads->taps[ky * op->window.kernel[1] + kx], loads->start, at_row,
                tap_place(site, "column", 1, site->column, expression_constant(arena, kx)));
        close_blocks(site->builder, row_checks);
    }
}

int emit_window(const GpuWindowOp *op, KernelBuilder *builder, const WindowLoads *loads,
    const Expression *channel, const Expression *row, const Expression *column, WindowLoad *load,
    const void *context) {
    const WindowSite site = {op, builder, channel, row, column, load, context};
    int sum = loads ? loads->start : start_value(op, builder, channel);
    if (loads) {
        emit_taps(&site, loads);
    } else {
        PartLoop rows = open_taps(&site, "kernel_row", 0, op->parts.rows, sum);
        emit_row(&site, rows.part_sum, rows.index);
        close_part_loop(builder, &rows);
    }
    if (op->kind == WINDOW_MEAN)
        emit_division(op, builder, sum, row, column);
    emit_activation(builder, op->activation, sum);
    return sum;
}
