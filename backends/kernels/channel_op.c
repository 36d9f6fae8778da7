#include "backends/kernels/channel_op.h"
#include "backends/program/math.h"
#include "ir/arena.h"
#include "ir/kernel.h"

static const Expression *pixel_of(Arena *arena, const Placement *placement, const Run *run,
    const Expression *row_index, const Expression *column) {
    return expression_sum(arena,
        expression_multiply(
            arena, expression_divide(arena, row_index, placement->height), run->image_stride),
        expression_multiply(
            arena, expression_remainder(arena, row_index, placement->height), run->row_stride),
        expression_multiply(arena, column, run->pixel_stride), NULL);
}

void choose_pixel(ChannelOp *op, const Expression *column) {
    Arena *arena = op->emission->arena;
    op->in_pixel = pixel_of(arena, op->input, op->in, op->row, column);
    op->out_pixel = pixel_of(arena, op->output, op->out, op->row, column);
}

int load_channel(const ChannelOp *op, const Expression *channel, int lanes) {
    int reg = kernel_register(op->builder, lanes);
    kernel_load(op->builder, reg, op->in_parameter,
        expression_add(op->emission->arena, op->in_pixel, channel), 0, lanes);
    return reg;
}
