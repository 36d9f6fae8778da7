/* What ops that compute row by row share. */
#include "backends/kernels/row_op.h"
#include "backends/program/call.h"
#include "backends/program/placement.h"
#include "ir/arena.h"
#include "ir/kernel.h"

const int *call_link(KernelCall *call, ParameterRole role, const char *name, const Link *link,
    const Placement *placement) {
    return link ? &link->parameter : call_placement(call, role, name, placement);
}

const Expression *column_in(
    Arena *arena, const RowOp *op, const Run *run, const Expression *column) {
    bool of_strip = !op->strip || (run && run->ring_rows > 0);
    return of_strip ? column : expression_add(arena, column, op->strip);
}

void item_row(Arena *arena, const RowOp *op, const Expression *item, const Expression **image,
    const Expression **row) {
    bool one_image = op->images == 1;
    *image =
        one_image ? expression_constant(arena, 0) : expression_divide(arena, item, op->height_out);
    *row = one_image ? item : expression_remainder(arena, item, op->height_out);
}
