/* Which numbers the filters of a layer meet together: means of products, for rounding weights. */
#ifndef RIFFLE_DRIVER_CALIBRATION_MOMENTS_H
#define RIFFLE_DRIVER_CALIBRATION_MOMENTS_H

#include "ir/graph.h"

typedef struct WindowMoments {
    const Node *layer;
    int64_t groups, length; /* length: of a filter */
    double *sums;           /* [groups, length, length]; the lower triangles */
    int64_t windows;        /* that were added up */
    double *window;         /* numbers of one */
} WindowMoments;

/* For a convolution or a fully connected layer with filters short enough; else NULL. */
WindowMoments *moments_create(const Node *layer, Arena *arena);
/* Adds some windows of each image, at equal distances, of the layer's operand, which is dense and
 * in NCHW. */
void moments_add(WindowMoments *moments, const float *operand);
/* The means, whole matrices. */
Weight *moments_weight(const WindowMoments *moments, Graph *graph);

#endif
