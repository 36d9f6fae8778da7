/* Runs graphs on the pairs of proofs (ir/pair.h). */
#ifndef RIFFLE_IR_INTERPRET_PAIRS_H
#define RIFFLE_IR_INTERPRET_PAIRS_H

#include "ir/graph.h"
#include "ir/pair.h"

/* The numbers that stand for those of a weight. */
typedef struct PairWeights {
    const Pair *(*find)(void *context, const Weight *weight);
    void *context;
} PairWeights;

/* Runs the graph. inputs[i] and outputs[i] are in the layout of the graph's input or output. */
void graph_interpret_pairs(const Graph *graph, const Pair *const *inputs, Pair *const *outputs,
    const PairWeights *weights);

#endif
