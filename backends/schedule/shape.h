/* Sizes that decisions and kernels share: vectors, windows, stretches of a row. */
#ifndef RIFFLE_BACKENDS_SCHEDULE_SHAPE_H
#define RIFFLE_BACKENDS_SCHEDULE_SHAPE_H

#include "backends/target/target.h"
#include "ir/arena.h"
#include "ir/graph.h"
#include "ir/kernel.h"

/* Bytes of a number of a tensor, as blocks and costs count them: those of bf16 as of f32, since for
 * them nothing was measured. */
int64_t counted_bytes(LaneType element);

/* Lanes of the next vector when `count` floats are left: a full one, or for the rest the narrowest
 * (of at least 4 lanes, or the target's widest) that holds it. */
int vector_width(const Target *target, int64_t count);

/* Writes the lanes of all vectors that cover `count` floats; returns their number. */
int vector_widths(const Target *target, int64_t count, int *widths, int capacity);

/* A stretch of tiles along an output row: `repeat` tiles of `pixels` outputs, from column `first`
 * on. Where repeat > 1 no tap of the window leaves the input, so one body serves all. */
typedef struct TileSpan {
    int64_t first, repeat;
    int pixels;
    bool interior; /* no tap leaves the input */
} TileSpan;

typedef struct Window {
    int64_t kernel[2], stride[2], dilation[2];
    int64_t padding[4]; /* top, left, bottom, right */
} Window;

/* Columns begin..end-1 of a row. */
typedef struct ColumnRange {
    int64_t begin, end;
} ColumnRange;

/* Cuts these outputs of a row into spans of tiles of at most `pixels`; returns the number of spans
 * and sets *spans. */
int tile_spans(Arena *arena, ColumnRange columns, int64_t width_in, const Window *window,
    int pixels, TileSpan **spans);

/* Of a local_response_norm that is compiled, up or down: each one is a division. */
enum { LARGEST_BETA = 16 };

/* The window of a conv, linear, pad and pixels (one pixel), max_pool or avg_pool. */
Window node_window(const Node *node);
bool is_depthwise(const Node *node);

/* A 1x1 convolution without stride or padding: the only one that needs no window. */
bool is_pointwise(const Node *node);

#endif
