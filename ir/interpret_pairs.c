#include "ir/interpret_pairs.h"
#include "ir/interpret_graph.h"

/* As the node that is run has it. */
static Weight *weight_of_pairs(const PairWeights *weights, const Weight *weight, Arena *scratch) {
    Weight *result = ARENA_NEW(scratch, Weight);
    *result = *weight;
    result->data = (const float *)(const void *)weights->find(weights->context, weight);
    return result;
}

static void run_node(void *context, const Node *node, const Pair *const *operands,
    Pair *const *results, Arena *scratch) {
    Node copy = *node;
    for (int i = 0; i < MAX_OP_WEIGHTS; i++)
        if (node->weights[i] != NULL)
            copy.weights[i] = weight_of_pairs(context, node->weights[i], scratch);
    interpret_function(node->op)(&copy, operands, results, scratch);
}

static const Pair *read_input(const TensorType *type, const Pair *given, Arena *scratch) {
    (void)type, (void)scratch;
    return given;
}

void graph_interpret_pairs(const Graph *graph, const Pair *const *inputs, Pair *const *outputs,
    const PairWeights *weights) {
    PairWeights copy = *weights;
    const InterpretWay way = {&copy, run_node, read_input};
    interpret_graph(graph, &way, inputs, outputs);
}
