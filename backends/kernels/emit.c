/* What the lowerings of several ops share: vectors, tiles, windows, activations. */
#include "backends/kernels/emit.h"
#include "backends/program/math.h"
#include "backends/program/placement.h"
#include "backends/schedule/shape.h"
#include "ir/arena.h"
#include "ir/kernel.h"
#include <assert.h>
#include <stdarg.h>

/* ceil(max(numerator, 0) / divisor) */
static const Expression *ceiling_divide(
    Arena *arena, const Expression *numerator, int64_t divisor) {
    const Expression *zero = expression_constant(arena, 0);
    const Expression *positive = expression_maximum(arena, numerator, zero);
    return expression_divide(arena, expression_offset(arena, positive, divisor - 1), divisor);
}

void window_rows(Arena *arena, const Window *window, int64_t height_in, int64_t height_out,
    const Expression *y, const Expression **begin, const Expression **end) {
    int64_t kernel = window->kernel[0], stride = window->stride[0], top = window->padding[0];
    int64_t dilation = window->dilation[0];
    *begin = expression_constant(arena, 0);
    *end = expression_constant(arena, kernel);
    if (top > 0) /* input row y*stride - top + ky*dilation >= 0 */
        *begin = ceiling_divide(
            arena, expression_offset(arena, expression_multiply(arena, y, -stride), top), dilation);
    if ((height_out - 1) * stride - top + (kernel - 1) * dilation >= height_in)
        *end = expression_minimum(arena, *end,
            ceiling_divide(arena,
                expression_offset(arena, expression_multiply(arena, y, -stride), height_in + top),
                dilation));
}

const Expression *row_offset(Arena *arena, const Run *run, const Expression *row) {
    if (run->ring_rows > 0)
        row = expression_remainder(arena, row, run->ring_rows);
    return expression_multiply(arena, row, run->row_stride);
}

const Expression *window_row_offset(Arena *arena, const Window *window, const Run *run,
    const Expression *row, const Expression *kernel_row) {
    const Expression *first = expression_multiply(arena, row, window->stride[0]);
    const Expression *tap = expression_multiply(arena, kernel_row, window->dilation[0]);
    if (run->ring_rows > 0)
        return row_offset(arena, run,
            expression_offset(arena, expression_add(arena, first, tap), -window->padding[0]));
    /* The padding as a constant of its own ends up in the displacement of the address. */
    return expression_sum(arena, expression_multiply(arena, first, run->row_stride),
        expression_multiply(arena, tap, run->row_stride),
        expression_constant(arena, -window->padding[0] * run->row_stride), NULL);
}

void emit_vector_load(KernelBuilder *builder, int destination, int parameter,
    const Expression *offset, int64_t channels_left, bool exact) {
    int lanes = builder->kernel->register_lanes[destination];
    int count = exact && channels_left < lanes ? (int)channels_left : lanes;
    kernel_load(builder, destination, parameter, offset, 0, count);
}

int emit_as(KernelBuilder *builder, int reg, LaneType type) {
    LaneType from = builder->kernel->register_types[reg];
    int lanes = builder->kernel->register_lanes[reg];
    if (from == type)
        return reg;
    if (from != LANE_F32 && type != LANE_F32) /* f16 and bf16 */
        return emit_as(builder, emit_as(builder, reg, LANE_F32), type);
    int result = kernel_register_of(builder, type, lanes);
    int integers =
        from == LANE_U8 || type == LANE_U8 ? kernel_register_of(builder, LANE_S32, lanes) : -1;
    if (from == LANE_U8) {
        kernel_unary(builder, INSTRUCTION_widen, integers, reg);
        kernel_unary(builder, INSTRUCTION_to_float, result, integers);
    } else if (type == LANE_U8) {
        kernel_unary(builder, INSTRUCTION_to_integer, integers, reg);
        kernel_unary(builder, INSTRUCTION_narrow, result, integers);
    } else {
        kernel_unary(
            builder, type == LANE_F32 ? INSTRUCTION_widen : INSTRUCTION_narrow, result, reg);
    }
    return result;
}

void store_repeated(KernelBuilder *builder, int source, int parameter, const Run *run,
    const Expression *offset, int first_lane, int lane_count) {
    int rows = run->repeat_rows > 1 ? run->repeat_rows : 1;
    int columns = run->repeat_columns > 1 ? run->repeat_columns : 1;
    for (int row = 0; row < rows; row++)
        for (int column = 0; column < columns; column++)
            kernel_store(builder, source, parameter,
                expression_offset(builder->arena, offset,
                    row * (run->row_stride / rows) + column * (run->pixel_stride / columns)),
                first_lane, lane_count);
}

/* Of 16 bytes the first 4 * count. */
static int emit_without_gaps(KernelBuilder *builder, int bytes, int count, int lanes) {
    enum { TOGETHER = 16 };
    int kept = TOGETHER / 4 * count, width = (count > 2 ? 4 : 2) * lanes;
    int result = kernel_register_of(builder, LANE_U8, width);
    int *indices = ARENA_ARRAY(builder->arena, int, width);
    for (int i = 0; i < width; i++)
        indices[i] = i < count * lanes ? i / kept * TOGETHER + i % kept : i;
    kernel_permute(builder, result, bytes, bytes, indices);
    return result;
}

int emit_packed_bytes(KernelBuilder *builder, const int *vectors, int count, int lanes) {
    int low = kernel_register_of(builder, LANE_S16, 2 * lanes);
    int high = count > 2 ? kernel_register_of(builder, LANE_S16, 2 * lanes) : low;
    int bytes = kernel_register_of(builder, LANE_U8, 4 * lanes);
    kernel_binary(builder, INSTRUCTION_pack, low, vectors[0], vectors[1]);
    if (count > 2)
        kernel_binary(builder, INSTRUCTION_pack, high, vectors[2], vectors[count - 1]);
    kernel_binary(builder, INSTRUCTION_pack, bytes, low, high);
    return count < 4 ? emit_without_gaps(builder, bytes, count, lanes) : bytes;
}
