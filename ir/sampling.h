/* Which rows and columns of its operand resize and take look at, one axis at a time. */
#ifndef RIFFLE_IR_SAMPLING_H
#define RIFFLE_IR_SAMPLING_H

#include "ir/graph.h"

/* The order of the words in choices.def. */
typedef enum ResizeMode { RESIZE_LINEAR, RESIZE_NEAREST } ResizeMode;
typedef enum ResizeCoordinates {
    RESIZE_HALF_PIXEL,
    RESIZE_HALF_PIXEL_SYMMETRIC,
    RESIZE_PYTORCH_HALF_PIXEL,
    RESIZE_ALIGN_CORNERS,
    RESIZE_ASYMMETRIC,
    RESIZE_TF_HALF_PIXEL
} ResizeCoordinates;
typedef enum ResizeRounding {
    RESIZE_ROUND_PREFER_FLOOR,
    RESIZE_ROUND_PREFER_CEIL,
    RESIZE_FLOOR,
    RESIZE_CEIL
} ResizeRounding;

/* An index of the result: the operand's at `first` times a weight, plus that at `second` times
 * another. Where one alone counts, both are it, with halves: so NaN and infinity count where the
 * number does, and nowhere else. */
typedef struct Sample {
    int64_t first, second;
    float weights[2];
} Sample;

/* How an axis of `from` indices becomes one of `to`. */
typedef struct SampleRule {
    ResizeMode mode;
    ResizeCoordinates coordinates;
    ResizeRounding rounding;
    int64_t from, to;
    double scale; /* 0: to / from */
} SampleRule;

Sample resize_sample(const SampleRule *rule, int64_t index);

/* Of a resize or take: a sample for each row (axis 0) or column (axis 1) of its result. */
Sample *node_samples(const Node *node, int axis, Arena *arena);

/* What stands beyond the first and the last index of an axis. */
typedef enum BorderMode {
    BORDER_REFLECT, /* the axis backwards, without the index at the border */
    BORDER_EDGE,    /* the index at the border */
    BORDER_AROUND   /* the axis again */
} BorderMode;

/* Which of `size` indices stands at `index`, which may be any number. */
int64_t border_index(BorderMode mode, int64_t index, int64_t size);

/* Whether each index is that of the operand; and whether no sample has two. */
bool samples_are_identity(const Sample *samples, int64_t count, int64_t from);
bool samples_are_single(const Sample *samples, int64_t count);

#endif
