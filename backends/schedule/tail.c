/* Whether the last output channels of a pointwise convolution are computed as dot products. */
#include "backends/schedule/tail.h"
#include "backends/program/compilation.h"
#include "backends/schedule/shape.h"
#include "backends/target/target.h"
#include "ir/graph.h"

/* Multiply-adds in whose time one sum of lanes is made. */
static const double sum_cost = 4;

static int64_t input_vectors(const Target *target, const Node *node) {
    return (node_weight(node, "weight")->type.dims[1] + target->lanes - 1) / target->lanes;
}

int64_t convolution_tail(const Compilation *compilation, const Node *node) {
    static const double worth = 0.85;             /* of the multiply-adds of a vector of channels */
    enum { LEAST_LANES = 8, MOST_VECTORS = 256 }; /* a lane is one sum, not taken in parts */
    if (compilation->target->lanes < LEAST_LANES || compilation->weight_block > 0 ||
        !compilation->target->fused_multiply_add)
        return 0;
    const TensorType *weight = &node_weight(node, "weight")->type;
    if (node->op != OP_conv || !is_pointwise(node) || weight->element != ELEMENT_F32 ||
        input_vectors(compilation->target, node) > MOST_VECTORS)
        return 0;
    int64_t outputs = weight->dims[0] / node_integer(node, "groups"), inputs = weight->dims[1];
    int64_t tail = outputs % compilation->target->lanes;
    double products = (double)tail * ((double)input_vectors(compilation->target, node) + sum_cost);
    return outputs > compilation->target->lanes && products < worth * (double)inputs ? tail : 0;
}

double tail_cycles(const Compilation *compilation, const Node *node) {
    double products = (double)input_vectors(compilation->target, node) + sum_cost;
    return (double)convolution_tail(compilation, node) * products /
           compilation->target->multiply_adds_per_cycle;
}
