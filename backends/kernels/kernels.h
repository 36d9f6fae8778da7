/* One function for each family of ops: from decisions to kernels. */
#ifndef RIFFLE_BACKENDS_KERNELS_KERNELS_H
#define RIFFLE_BACKENDS_KERNELS_KERNELS_H

#include "backends/kernels/row_op.h"
#include "backends/program/call.h"
#include "backends/program/lowering.h"
#include "ir/graph.h"

/* Adds the op's parameters to the call. `from` and `to` are NULL where the op reads or writes its
 * node's own tensors. */
RowOp *convolution_row_op(
    Lowering *lowering, KernelCall *call, const Node *node, const Link *from, const Link *to);
RowOp *window_row_op(
    Lowering *lowering, KernelCall *call, const Node *node, const Link *from, const Link *to);

/* Lowers the chain that ends with the node; a chain may be the node alone. */
bool lower_chain(Lowering *lowering, const Node *last);

/* A convolution or fully connected layer without a window, as one row of all pixels. */
bool lower_flat_convolution(Lowering *lowering, const Node *node);
/* quantized/: quantize, quantized_conv, quantized_linear, and
 * max_pool of bytes */
bool lower_quantized(Lowering *lowering, const Node *node);
bool lower_elementwise(Lowering *lowering, const Node *node); /* activations, add, multiply */
bool lower_layout(Lowering *lowering,
    const Node *node); /* concat, split, shuffle, gather, route, flatten, crop */
bool lower_reduction(
    Lowering *lowering, const Node *node); /* global_avg_pool, softmax, local_response_norm */

#endif
