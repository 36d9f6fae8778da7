/* Inside the interpreter: one function per op. Those that are built for pairs, too (ir/number.h),
 * have names of their own there. */
#ifndef RIFFLE_IR_INTERPRET_H
#define RIFFLE_IR_INTERPRET_H

#include "ir/number.h"

#ifdef RIFFLE_PAIRS
#define interpret_conv interpret_conv_of_pairs
#define interpret_linear interpret_linear_of_pairs
#define interpret_conv_transpose interpret_conv_transpose_of_pairs
#define interpret_max_pool interpret_max_pool_of_pairs
#define interpret_avg_pool interpret_avg_pool_of_pairs
#define interpret_global_avg_pool interpret_global_avg_pool_of_pairs
#define interpret_local_response_norm interpret_local_response_norm_of_pairs
#define interpret_softmax interpret_softmax_of_pairs
#define interpret_batch_norm interpret_batch_norm_of_pairs
#define interpret_bias interpret_bias_of_pairs
#define interpret_elements interpret_elements_of_pairs
#define interpret_constant interpret_constant_of_pairs
#define interpret_pixels interpret_pixels_of_pairs
#define interpret_range interpret_range_of_pairs
#define interpret_concat interpret_concat_of_pairs
#define interpret_split interpret_split_of_pairs
#define interpret_shuffle interpret_shuffle_of_pairs
#define interpret_gather interpret_gather_of_pairs
#define interpret_route interpret_route_of_pairs
#define interpret_flatten interpret_flatten_of_pairs
#define interpret_pad interpret_pad_of_pairs
#define interpret_crop interpret_crop_of_pairs
#define interpret_rearrange interpret_rearrange_of_pairs
#define interpret_slice interpret_slice_of_pairs
#define interpret_join interpret_join_of_pairs
#define interpret_reduce interpret_reduce_of_pairs
#define interpret_arg_max interpret_arg_max_of_pairs
#define interpret_sampled interpret_sampled_of_pairs
#define interpret_quantize interpret_quantize_of_pairs
#define interpret_quantized_conv interpret_quantized_conv_of_pairs
#define interpret_quantized_linear interpret_quantized_linear_of_pairs
#endif

/* operands[i] and results[i] are dense, NCHW. Types, weights and attributes were verified.
 * `scratch` is released after the node. */
typedef void InterpretFunction(
    const Node *node, const Stored *const *operands, Stored *const *results, Arena *scratch);

InterpretFunction interpret_conv, interpret_linear; /* interpret_conv.c */
InterpretFunction interpret_conv_transpose;         /* interpret_conv_transpose.c */
InterpretFunction interpret_quantize, interpret_quantized_conv,
    interpret_quantized_linear;                           /* interpret_quantized.c */
InterpretFunction interpret_max_pool, interpret_avg_pool; /* interpret_pool.c */
InterpretFunction interpret_global_avg_pool, interpret_local_response_norm, interpret_softmax;
InterpretFunction interpret_batch_norm, interpret_bias, interpret_elements, interpret_pixels,
    interpret_range, interpret_constant; /* interpret_elements.c */
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
