/* The numbers of what affine.c folds, y = scale[c] * x + shift[c], of each kind. Internal to
 * passes/. */
#ifndef RIFFLE_PASSES_AFFINE_NUMBERS_H
#define RIFFLE_PASSES_AFFINE_NUMBERS_H

#include "ir/weight_numbers.h"

/* Of so many channels: computed numbers of one kind, or NULL both. */
typedef struct AffineNumbers {
    void *scale, *shift;
    int64_t channels;
} AffineNumbers;

/* How filters lie in a weight: a row has those of one channel of the result; transposed, a row has
 * one of each channel of its group. */
typedef struct FilterOrder {
    int64_t count, rows, filters, group_rows; /* numbers of the weight, and what they are cut in */
} FilterOrder;

typedef struct AffineArithmetic {
    /* The weights are those of the op, in the order of ops.def. The first channel whose variance
     * plus epsilon is not positive, or -1. */
    int64_t (*of_batch_norm)(AffineNumbers *affine, const void *const weights[4], double epsilon);
    void (*of_bias)(AffineNumbers *affine, const void *bias);
    /* The filters of each channel of the result times its scale. */
    void (*scale_filters)(
        const AffineNumbers *affine, const FilterOrder *order, const void *weight, void *scaled);
    /* A bias, none where it is NULL, times the scale, and the shift. */
    void (*shift_bias)(const AffineNumbers *affine, const void *bias, void *shifted);
    void (*take_scale)(const AffineNumbers *affine, void *scale);
} AffineArithmetic;

extern const AffineArithmetic affine_of_floats, affine_of_pairs;

#endif
