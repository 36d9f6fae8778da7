/* A convolution of a planar image and the max pooling behind it, with columns as the lanes.
 *
 * Where the output channels of the first convolution fill vectors badly (24 of them with 16 lanes),
 * columns of a row fill them well: the image is planar already. The ring between the two ops stays
 * planar, and the pooling, which has a quarter of the pixels, puts channels last. */
#ifndef RIFFLE_BACKENDS_PLANAR_H
#define RIFFLE_BACKENDS_PLANAR_H

#include "backends/chain.h"

enum { MOST_POOLED_ROWS = 8 };

/* Whether the two, the first nodes of a chain, are best computed that way, at most `width` columns
 * of the convolution at once. Numbered reasons against
 * it are in planar_convolution.c. */
bool is_planar_head(
    const Lowering *lowering, const Node *convolution, const Node *pool, int64_t width);

/* The ring behind the convolution: rows of `width` columns, channel after channel. */
Placement *planar_ring(Arena *arena, const Node *convolution, int64_t rows, int64_t width);
/* Floats of it. */
int64_t planar_ring_floats(const Placement *ring);

/* As convolution_row_op and window_row_op; `width` as above. */
RowOp *planar_convolution_row_op(
    Lowering *lowering, KernelCall *call, const Node *node, const Link *to, int64_t width);
RowOp *planar_pool_row_op(
    Lowering *lowering, KernelCall *call, const Node *node, const Link *from, const Link *to);

#endif
