/* Inside the lowering of windows: what one is. */
#ifndef RIFFLE_BACKENDS_KERNELS_WINDOW_H
#define RIFFLE_BACKENDS_KERNELS_WINDOW_H

#include "backends/kernels/row_op.h"
#include "backends/program/call.h"
#include "backends/program/emission.h"
#include "backends/program/placement.h"
#include "backends/schedule/window_blocking.h"
#include "ir/arena.h"
#include "ir/graph.h"
#include "ir/kernel.h"

typedef struct WindowOp {
    RowOp rows; /* first: a WindowOp is a RowOp */
    Emission *emission;
    KernelBuilder *builder;
    Arena *arena;
    WindowKind kind;
    const Placement *input, *output, *residual;
    const int *input_parameters, *output_parameters, *residual_parameters; /* by run */
    /* Parameter: depthwise weights [tap][channel], then biases; of bytes also the factors and the
     * offsets that make results of sums. Or divisors. */
    int weights, words;   /* words: the taps' weights of 16 bits, where sums are integers */
    LaneType weight_type; /* of the taps' weights, in either */
    bool has_bias, has_scales;
    int64_t bias_offset;
    bool has_divisors; /* mean: a table of 1/count per output pixel, else one number */
    float factor;      /* mean without table */
    float value;       /* a pixel: what is outside; else 0 */
    const Formula *activation, *residual_activation;
    WindowBlocking blocking;
} WindowOp;

/* window_pack.c: the parameter `weights`, and what says where things are in it. */
void pack_window_weights(WindowOp *op, KernelCall *call, const Node *node);
void pack_window_divisors(WindowOp *op, KernelCall *call, const Node *node);

#endif
