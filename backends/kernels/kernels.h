/* One function for each family of ops: from decisions to kernels. */
#ifndef RIFFLE_BACKENDS_KERNELS_KERNELS_H
#define RIFFLE_BACKENDS_KERNELS_KERNELS_H

#include "backends/kernels/row_op.h"
#include "backends/program/call.h"
#include "backends/program/emission.h"
#include "ir/graph.h"

/* Adds the op's parameters to the call. `from` and `to` are NULL where the op reads or writes its
 * node's own tensors. */
RowOp *convolution_row_op(
    Emission *emission, KernelCall *call, const Node *node, const Link *from, const Link *to);
RowOp *window_row_op(
    Emission *emission, KernelCall *call, const Node *node, const Link *from, const Link *to);
/* It reads an input of bytes, and in a chain nothing comes before it. */
RowOp *pixels_row_op(Emission *emission, KernelCall *call, const Node *node, const Link *to);

/* Lowers the chain that ends with the node; a chain may be the node alone. */
bool lower_chain(Emission *emission, const Node *last);

/* A convolution or fully connected layer without a window, as one row of all pixels. */
bool lower_flat_convolution(Emission *emission, const Node *node);
bool lower_pixels(Emission *emission, const Node *node);
bool lower_sample(Emission *emission, const Node *node);      /* resize, take */
bool lower_elementwise(Emission *emission, const Node *node); /* activations, add, multiply */
bool lower_constant(Emission *emission, const Node *node);
bool lower_layout(Emission *emission,
    const Node *node); /* concat, split, shuffle, gather, route, flatten, crop */
bool lower_arrangement(Emission *emission, const Node *node); /* rearrange, slice, join */
bool lower_reduction(
    Emission *emission, const Node *node); /* global_avg_pool, softmax, local_response_norm */
bool lower_reduce(Emission *emission, const Node *node);
bool lower_arg_max(Emission *emission, const Node *node);

#endif
