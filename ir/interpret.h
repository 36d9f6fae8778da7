/* Inside the interpreter: one function per op. */
#ifndef RIFFLE_IR_INTERPRET_H
#define RIFFLE_IR_INTERPRET_H

#include "ir/graph.h"

/* operands[i] and results[i] are dense, NCHW. Types, weights and attributes were verified.
 * `scratch` is released after the node. */
typedef void InterpretFunction(
    const Node *node, const float *const *operands, float *const *results, Arena *scratch);

InterpretFunction interpret_conv, interpret_linear; /* interpret_conv.c */
InterpretFunction interpret_conv_transpose;         /* interpret_conv_transpose.c */
InterpretFunction interpret_pixels, interpret_range, interpret_quantize, interpret_quantized_conv,
    interpret_quantized_linear;                           /* interpret_quantized.c */
InterpretFunction interpret_max_pool, interpret_avg_pool; /* interpret_pool.c */
InterpretFunction interpret_global_avg_pool, interpret_local_response_norm, interpret_softmax;
InterpretFunction interpret_batch_norm, interpret_bias, interpret_elements,
    interpret_constant; /* interpret_elements.c */
InterpretFunction interpret_concat, interpret_split, interpret_shuffle, interpret_gather,
    interpret_route, interpret_flatten, interpret_pad, interpret_crop;  /* interpret_layout.c */
InterpretFunction interpret_rearrange, interpret_slice, interpret_join; /* interpret_rearrange.c */
InterpretFunction interpret_reduce, interpret_arg_max;                  /* interpret_reduce.c */
InterpretFunction interpret_sampled;                                    /* interpret_sampling.c */

/* Height times width; 1 for [n,c]. */
static inline int64_t plane_size(const TensorType *type) {
    return type->rank == 4 ? type->dims[2] * type->dims[3] : 1;
}

#endif
