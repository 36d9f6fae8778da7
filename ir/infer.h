/* Inside the shape rules: result types from operands, weights and attributes, one function per op.
 * A fault is reported at the node's place, with the op, its path and the shapes that do not fit. */
#ifndef RIFFLE_IR_INFER_H
#define RIFFLE_IR_INFER_H

#include "ir/graph.h"

/* Kernel sizes, strides, paddings and dilations above this are refused, so that no sum or product
 * of them with a size (at most 2^40) overflows. */
enum { LARGEST_STEP = 1 << 20 };

typedef struct Inference {
    const Node *node;
    Diagnostics *diagnostics;
    Arena *scratch; /* for messages */
    bool failed;
    TensorType *types;
    int capacity, count;
} Inference;

/* Operands, weights that are there and choices were checked for what holds of every op. */
typedef void InferFunction(Inference *inference);

InferFunction infer_conv, infer_linear; /* infer_conv.c */
InferFunction infer_conv_transpose;     /* infer_conv_transpose.c */
InferFunction infer_pixels, infer_range, infer_quantize, infer_quantized_conv,
    infer_quantized_linear;                      /* infer_quantized.c */
InferFunction infer_pool, infer_global_avg_pool; /* infer_window.c */
InferFunction infer_same, infer_batch_norm, infer_bias, infer_constant, infer_elements,
    infer_local_response_norm; /* infer_elements.c */
InferFunction infer_concat, infer_split, infer_shuffle, infer_pick, infer_pad, infer_crop,
    infer_flatten, infer_unflatten;                     /* infer_layout.c */
InferFunction infer_rearrange, infer_slice, infer_join; /* infer_rearrange.c */
InferFunction infer_reduce, infer_arg_max;              /* infer_reduce.c */
InferFunction infer_resize, infer_take;                 /* infer_sampling.c */

/* ---- infer.c ---- */

void shape_fault(Inference *inference, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
const TensorType *operand_type(const Inference *inference, int index);
const char *operand_spelling(Inference *inference, int index);
void add_result(Inference *inference, TensorType type);
/* Whether the first operand has rows and columns; false after reporting that it has not. */
bool wants_pixels(Inference *inference);
/* Compares a weight that is there with the shape it must have. */
void check_weight(Inference *inference, const char *name, int rank, const int64_t *dims);
/* All weights of the op have a number for each channel of the first operand. */
void check_channel_weights(Inference *inference, int64_t channels);
/* Reads a list attribute of exactly `count` entries from `least` to LARGEST_STEP. */
bool read_steps(
    Inference *inference, const char *name, size_t count, int64_t least, int64_t *items);

/* Reads a list with an entry from `least` on for each dimension of the result: `rank` of them, or
 * where that is 0 from one to MAX_RANK. (infer_rearrange.c) */
bool read_dimensions(
    Inference *inference, const char *name, int64_t least, int rank, int64_t *items);

/* ---- infer_window.c ---- */

typedef struct WindowRule {
    int64_t kernel[2], stride[2], dilation[2], padding[4];
    bool ceil;
} WindowRule;

/* Adds the result of a window that goes over the first operand. */
void window_result(Inference *inference, const WindowRule *window, int64_t channels);

/* ---- infer_conv.c ---- */

/* What a convolution adds up, whatever its numbers are. */
void infer_window_product(Inference *inference);
/* Of a convolution: the second operand is as the result, which is known. */
void check_residual(Inference *inference);
/* The same of a fully connected layer. */
void infer_product(Inference *inference);

#endif
