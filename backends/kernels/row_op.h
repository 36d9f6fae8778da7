/* Ops that can compute one row of their output at a time, alone or in a chain. */
#ifndef RIFFLE_BACKENDS_KERNELS_ROW_OP_H
#define RIFFLE_BACKENDS_KERNELS_ROW_OP_H

#include "backends/kernels/row_fetch.h"
#include "backends/program/call.h"
#include "backends/program/placement.h"
#include "backends/schedule/shape.h"
#include "ir/arena.h"
#include "ir/kernel.h"

typedef struct RowOp RowOp;

struct RowOp {
    Window window;
    int64_t images, height_in, height_out;
    ColumnRange columns; /* of a row, that emit_row computes: at first all */
    /* NULL, or in a loop over strips of columns: how much further on the columns are than these.
     * Where they lie in a ring this does not count: it begins with the strip. */
    const Expression *strip;
    void (*emit_row)(const RowOp *op, const Expression *image, const Expression *row);
    /* NULL, or how an op that is alone in its kernel computes the items begin..end-1, rows of all
     * images, in a better order than row by row. */
    void (*emit_rows)(const RowOp *op, const Expression *begin, const Expression *end);
    const Placement *input; /* what it reads, and the parameters by run */
    const int *input_parameters;
    const RowFetch *fetch; /* NULL, or what its tiles fetch ahead */
};

/* Which row of which image an item, a row of all images, is. */
void item_row(Arena *arena, const RowOp *op, const Expression *item, const Expression **image,
    const Expression **row);

/* The column as it counts in the run, or for NULL in the whole tensor: of the strip or further on.
 */
const Expression *column_in(
    Arena *arena, const RowOp *op, const Run *run, const Expression *column);

/* A ring of rows between two ops of one kernel. */
typedef struct Link {
    Placement *placement;
    int parameter;
} Link;

/* The parameters of a tensor: the ring's where there is one, else as call_placement. */
const int *call_link(KernelCall *call, ParameterRole role, const char *name, const Link *link,
    const Placement *placement);

#endif
