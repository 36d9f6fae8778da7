#include "backends/schedule/layer_cost.h"
#include "backends/program/compilation.h"
#include "backends/schedule/chain_cost.h"
#include "backends/schedule/tile.h"
#include "backends/schedule/tile_model.h"
#include "backends/target/target.h"
#include "ir/graph.h"

#include <math.h>

static const double number_bytes = sizeof(float);

static int64_t value_pixels(const Value *value) {
    const TensorType *type = &value->type;
    return type->dims[0] * (type->rank == 4 ? type->dims[2] * type->dims[3] : 1);
}

bool convolution_shape(const Node *node, ConvolutionShape *shape) {
    if (node->op != OP_conv && node->op != OP_linear)
        return false;
    bool is_conv = node->op == OP_conv;
    const TensorType *weight = &node_weight(node, "weight")->type;
    *shape = (ConvolutionShape){.in_pixels = value_pixels(node->operands[0]),
        .out_pixels = value_pixels(node->results[0]),
        .inputs = node->operands[0]->type.dims[1],
        .outputs = node->results[0]->type.dims[1],
        .groups = is_conv ? node_integer(node, "groups") : 1,
        .taps = is_conv ? weight->dims[2] * weight->dims[3] : 1};
    return true;
}

bool convolution_shape_is_depthwise(const ConvolutionShape *shape) {
    return shape->groups > 1 && shape->groups == shape->inputs;
}

static double weight_numbers(const ConvolutionShape *shape) {
    return (double)shape->inputs / (double)shape->groups * (double)shape->outputs *
           (double)shape->taps;
}

double convolution_macs(const ConvolutionShape *shape) {
    return (double)shape->out_pixels * weight_numbers(shape);
}

double convolution_bytes(const ConvolutionShape *shape) {
    double features = (double)shape->in_pixels * (double)shape->inputs +
                      (double)shape->out_pixels * (double)shape->outputs;
    return number_bytes * (features + weight_numbers(shape));
}

/* B MACs need c1 * c2 = B * g / (pixels out * taps), and so many weights, B / pixels out, whatever
 * the widths are. Of what is left, p * c1 + q * c2 >= 2 * sqrt(p * c1 * q * c2). */
double convolution_bound_bytes(const ConvolutionShape *shape, int64_t groups) {
    double macs = convolution_macs(shape);
    double features =
        2 * sqrt((double)shape->in_pixels * macs * (double)groups / (double)shape->taps);
    return number_bytes * (features + macs / (double)shape->out_pixels);
}

static int64_t rounded_width(double width, int64_t groups) {
    int64_t rounded = llround(width / (double)groups) * groups;
    return rounded > groups ? rounded : groups;
}

ConvolutionShape convolution_balanced(const ConvolutionShape *shape, int64_t groups) {
    double product =
        (double)shape->inputs * (double)shape->outputs * (double)groups / (double)shape->groups;
    double shrinks = (double)shape->out_pixels / (double)shape->in_pixels;
    ConvolutionShape balanced = *shape;
    balanced.groups = groups;
    balanced.inputs = rounded_width(sqrt(product * shrinks), groups);
    balanced.outputs = rounded_width(sqrt(product / shrinks), groups);
    return balanced;
}

static double arithmetic_cycles(const Compilation *compilation, const ConvolutionShape *shape) {
    if (convolution_shape_is_depthwise(shape)) {
        int64_t vectors =
            (shape->outputs + compilation->target->lanes - 1) / compilation->target->lanes;
        return (double)(shape->out_pixels * vectors * shape->taps) /
               compilation->target->multiply_adds_per_cycle;
    }
    int64_t outputs = shape->outputs / shape->groups;
    int64_t taps = shape->taps * (shape->inputs / shape->groups);
    TileShape tile = choose_tile(compilation, outputs, shape->out_pixels, taps);
    return (double)shape->groups *
           tiles_cycles(compilation->target, outputs, shape->out_pixels, taps, tile);
}

static double once(const Target *target, double bytes) {
    return traffic_cycles(target, bytes, (int64_t)bytes);
}

double convolution_cycles(const Compilation *compilation, const ConvolutionShape *shape) {
    double read = number_bytes * (double)shape->in_pixels * (double)shape->inputs;
    double written = number_bytes * (double)shape->out_pixels * (double)shape->outputs;
    double weights = number_bytes * weight_numbers(shape);
    return arithmetic_cycles(compilation, shape) + once(compilation->target, read) +
           once(compilation->target, written) + once(compilation->target, weights);
}

/* Other ops move a vector per cycle, unless the caches are slower. */
double layer_cycles(const Compilation *compilation, const Node *node) {
    ConvolutionShape shape;
    double bytes = (double)node_bytes(node), other = bytes;
    double cycles = 0;
    if (convolution_shape(node, &shape)) {
        cycles = convolution_cycles(compilation, &shape);
        other = node->operand_count > 1
                    ? number_bytes * (double)tensor_elements(&node->operands[1]->type)
                    : 0;
    }
    return cycles + other / (number_bytes * compilation->target->lanes) +
           once(compilation->target, other);
}
