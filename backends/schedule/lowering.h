/* What becomes of a node, by the table of ops: lowerings.def. */
#ifndef RIFFLE_BACKENDS_SCHEDULE_LOWERING_H
#define RIFFLE_BACKENDS_SCHEDULE_LOWERING_H

#include "ir/graph.h"
#include <stdbool.h>

/* Whose kernels compute the op; the words are those of the table. */
typedef enum KernelFamily {
    KERNELS_NONE,
    KERNELS_CONSTANT,
    KERNELS_PRODUCT,
    KERNELS_QUANTIZE,
    KERNELS_PIXELS,
    KERNELS_WINDOW,
    KERNELS_SAMPLE,
    KERNELS_ELEMENTS,
    KERNELS_LAYOUT,
    KERNELS_REDUCTION
} KernelFamily;

/* The same on a GPU. */
typedef enum GpuFamily {
    GPU_NONE,
    GPU_NO_CODE,
    GPU_CONSTANT,
    GPU_CONVOLUTION,
    GPU_MAP,
    GPU_VIEW,
    GPU_ARRANGE,
    GPU_REDUCE
} GpuFamily;

KernelFamily kernel_family(const Node *node);
GpuFamily gpu_family(const Node *node);

/* Whether its kernels write a result whose channels lie in several places. */
bool stores_by_runs(const Node *node);
/* Whether it can compute one row of its result at a time. */
bool computes_rows(const Node *node);

/* How a node reads the channels of its operands. */
typedef enum Reading {
    READING_NUMBERS, /* one at a time, to multiply weights by: wherever they lie */
    READING_ONCE,    /* vectors, each once, which it can put together from pieces */
    READING_VECTORS, /* vectors, some several times; or the op cannot put them together */
    READING_WINDOWS  /* in the table: one of the latter two */
} Reading;

Reading reading_of(const Node *node); /* never READING_WINDOWS */

#endif
