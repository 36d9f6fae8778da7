/* How an op that slides a window over each channel alone is cut: depthwise convolution, pooling,
 * and padding, whose window is one pixel. Into tiles of outputs along a row that are held in
 * registers, vectors of channels, and parts of sums. All of it is chosen from numbers alone. */
#ifndef RIFFLE_BACKENDS_SCHEDULE_WINDOW_BLOCKING_H
#define RIFFLE_BACKENDS_SCHEDULE_WINDOW_BLOCKING_H

#include "backends/schedule/shape.h"
#include "backends/schedule/sum_parts.h"
#include "backends/target/target.h"
#include "ir/graph.h"
#include "ir/kernel.h"
#include "ir/text.h"
#include <stdbool.h>
#include <stdint.h>

enum { MAX_WINDOW_PIXELS = 14 };

typedef enum WindowKind { WINDOW_DEPTHWISE, WINDOW_MAXIMUM, WINDOW_MEAN, WINDOW_PIXEL } WindowKind;

/* What the choice asks of a layer. */
typedef struct WindowSizes {
    WindowKind kind;
    Window window;
    int64_t width; /* outputs of a row */
    LaneType input;
    bool in_pieces; /* the input's vectors must be put together, which is done once for each */
} WindowSizes;

typedef struct WindowBlocking {
    int pixels;        /* of a tile; the last one of a row may be partial */
    LaneType sum;      /* of accumulators: bytes that are only compared need not become numbers */
    int lanes;         /* of a full vector of sums */
    bool gathered;     /* vectors are put together from pieces */
    WindowParts parts; /* of sums */
} WindowBlocking;

/* Of a node that is one of these ops. */
WindowKind window_kind(const Node *node);

/* Parts of the sums of one that adds numbers up; none of another. */
WindowParts window_sum_parts(WindowKind kind, const Window *window);

WindowBlocking choose_window_blocking(const Target *target, const WindowSizes *sizes);

/* Lanes of the vector for the last `left` channels. */
int window_lanes(const Target *target, const WindowBlocking *blocking, int64_t left);

/* As a phrase: "14x1 tiles, vectors of up to 64 bytes, ...". */
void window_blocking_print(const WindowBlocking *blocking, Text *out);

#endif
