/* Inside the pass quantize: what is known of each value, and the numbers of quantised layers. */
#ifndef RIFFLE_PASSES_QUANTIZE_H
#define RIFFLE_PASSES_QUANTIZE_H

#include "passes/rewrite.h"

/* Per channel: x = (byte - zero) * scale. */
typedef struct ByteScale {
    int64_t channels;
    double *scale;
    int *zero;
    bool given; /* by the model, whose numbers are kept: every channel has the same */
} ByteScale;

/* What the model was quantised to, if the value is the result of a fake_quantize to at most 256
 * numbers, as an op or at the end of a layer's activation: step, least and most. Else NULL. *inner
 * becomes what the activation is without it. */
const double *given_grid(Arena *arena, const Value *value, const Formula **inner);
ByteScale byte_scale_given(Arena *arena, const double *grid, int64_t channels);
bool byte_scale_is_uniform(const ByteScale *scale);
/* Whether the layer's weights are whole numbers from -limit to limit times a step for each filter,
 * as those of a model are that was quantised elsewhere. */
bool weights_are_whole(const Node *layer, int limit);

/* What calibration found of a value. */
typedef struct FoundRange {
    const float *low, *high; /* of its channels */
    int64_t channels;
    double room;  /* the part by which ranges become wider */
    Range bounds; /* of any number of it: no range goes beyond */
} FoundRange;

/* Channels that hardly move get a share of the widest one's range, so that other inputs than those
 * of the calibration have room. */
ByteScale byte_scale_create(Arena *arena, const FoundRange *found);
bool byte_scale_has_zero_points(const ByteScale *scale); /* other than 0 */

typedef struct QuantizedProduct {
    const Node *layer;
    const ByteScale *operand, *result; /* result: NULL for one of f32 */
    const Weight *mean;    /* of the operand's channels: for correcting the bias. NULL: it stays */
    const Weight *moments; /* of its windows: for rounding. NULL: each weight for itself */
    int limit;             /* weights become whole numbers from its negative to it */
} QuantizedProduct;

/* How the weights of the filters of a group are rounded (quantize_rounding.c). */
typedef struct Rounding {
    int64_t length; /* of a filter */
    int64_t *order; /* in which its weights are rounded */
    double *factor; /* a triangle, see there */
    double *left;   /* weights that are not rounded yet */
} Rounding;

/* `moments` are [length, length], `scales` those of the bytes that each weight meets. NULL where
 * they are no moments. */
Rounding *rounding_create(const float *moments, int64_t length, const double *scales, Arena *arena);
/* Rounds to whole numbers from -limit to limit. */
void rounding_apply(const Rounding *rounding, const double *exact, int limit, float *whole);

/* The weights of a quantised node, in the order of ops.def. */
void quantize_product(Graph *graph, const QuantizedProduct *product, Weight **weights);
/* factor, zero and term of a node that quantises: numbers, or the bytes that these pixels are made
 * of. */
void quantize_scales(Graph *graph, const char *path, const ByteScale *scale,
    const Preprocessing *pixels, Weight **weights);

#endif
