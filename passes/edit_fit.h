/* Fits a node to operands of other shapes than it was made for. */
#ifndef RIFFLE_PASSES_EDIT_FIT_H
#define RIFFLE_PASSES_EDIT_FIT_H

#include "ir/graph.h"

typedef struct FitWeights {
    int64_t filters; /* of a conv or linear, as many as the groups allow */
    int dropped;     /* index of the weight to leave out; -1 for none */
    bool one_tap;    /* a kernel of 1x1 */
    bool own;        /* weights get paths of the node's own */
} FitWeights;

/* Gives the node, a copy of `model` with other operands and attributes, the weights and attributes
 * that the operands need. False where nothing fits. */
bool fit_node(Graph *graph, Node *node, const Node *model, const FitWeights *wanted);
/* Whether nothing is left for the node to do: an add without a second operand. */
bool fit_vanishes(const Node *node);

#endif
