/* What single layers cost, by their sizes: the bounds of the ShuffleNet V2 paper on bytes moved,
 * and the cycles of the cost model that the lowering decides by. The paper calls bytes moved the
 * memory access cost and counts numbers; here they are bytes of float32. */
#ifndef RIFFLE_BACKENDS_SCHEDULE_LAYER_COST_H
#define RIFFLE_BACKENDS_SCHEDULE_LAYER_COST_H

#include "backends/program/compilation.h"
#include "ir/graph.h"

/* A convolution, or a fully connected layer, which is one of a single pixel. */
typedef struct ConvolutionShape {
    int64_t in_pixels, out_pixels; /* of all images of the batch */
    int64_t inputs, outputs, groups;
    int64_t taps; /* rows times columns of the kernel */
} ConvolutionShape;

/* False for nodes that are neither. */
bool convolution_shape(const Node *node, ConvolutionShape *shape);
bool convolution_shape_is_depthwise(const ConvolutionShape *shape);
double convolution_macs(const ConvolutionShape *shape);

/* Input, output and weights once: for 1x1 of stride 1 equation 2 of the paper,
 * h*w*(c1 + c2) + c1*c2/g. */
double convolution_bytes(const ConvolutionShape *shape);
/* The least bytes of any convolution with these MACs, pixels and taps in `groups` groups. For one
 * group, 1x1 and stride 1 this is equation 1 of the paper, 2*sqrt(h*w*B) + B/(h*w). */
double convolution_bound_bytes(const ConvolutionShape *shape, int64_t groups);
/* The convolution that has this bound: input and output have equally many numbers, so with stride 1
 * their widths are equal. Widths are rounded to multiples of `groups`. */
ConvolutionShape convolution_balanced(const ConvolutionShape *shape, int64_t groups);

/* Cycles on one core, as a layer by itself. */
double convolution_cycles(const Compilation *compilation, const ConvolutionShape *shape);
double layer_cycles(const Compilation *compilation, const Node *node);

#endif
