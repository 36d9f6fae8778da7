/* A window op on a GPU, one output number a thread: the same code whether the input lies in a
 * tensor or in memory that a block shares. */
#ifndef RIFFLE_BACKENDS_GPU_WINDOW_H
#define RIFFLE_BACKENDS_GPU_WINDOW_H

#include "backends/gpu/gpu.h"
#include "backends/program/call.h"
#include "backends/schedule/shape.h"
#include "backends/schedule/sum_parts.h"
#include "backends/schedule/window_blocking.h"
#include "ir/graph.h"
#include "ir/kernel.h"

typedef struct GpuWindowOp {
    const Node *node;
    WindowKind kind;
    Window window;
    int64_t height_in, width_in, height_out, width_out;
    WindowParts parts;   /* of the sums of DEPTHWISE and MEAN */
    bool count_padding;  /* MEAN */
    float value;         /* PIXEL: what is outside; else 0 */
    int weights;         /* DEPTHWISE: parameter; taps of each channel, then biases */
    int64_t taps_offset; /* in it */
    int64_t bias_offset; /* -1 without */
    const Formula *activation;
} GpuWindowOp;

/* Loads a number of the input into a register: row and column lie inside of it. */
typedef void WindowLoad(
    const void *context, int reg, const Expression *row, const Expression *column);

/* The weights and the bias of one output number, in registers of one lane. */
typedef struct WindowLoads {
    int start; /* the sum to begin with */
    int *taps; /* NULL: they are loaded one by one where they are needed */
} WindowLoads;

/* Whether the op is one of these. */
bool is_window_op(const Node *node);
/* Where weights of a kernel's second layer lie: behind those of the first, so that they need no
 * parameter of their own, which takes two registers. */
typedef struct PackedBehind {
    float *packed;
    int parameter;
    int64_t offset;
} PackedBehind;

/* How many numbers the op's weights and biases are. */
int64_t window_weights(const Node *node);
/* Describes the op and packs its weights into the call; behind others unless that is NULL. */
GpuWindowOp window_op(
    GpuLowering *gpu, KernelCall *call, const Node *node, const PackedBehind *behind);
/* Whether weights are worth being loaded ahead: a depthwise convolution with few taps. */
bool window_loads_ahead(const GpuWindowOp *op);
WindowLoads emit_window_loads(
    const GpuWindowOp *op, KernelBuilder *builder, const Expression *channel);
/* The register with the output number. With loads (or NULL), the weights are those. */
int emit_window(const GpuWindowOp *op, KernelBuilder *builder, const WindowLoads *loads,
    const Expression *channel, const Expression *row, const Expression *column, WindowLoad *load,
    const void *context);

#endif
