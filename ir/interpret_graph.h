/* Inside the interpreter: the walk over a graph, for floats and for pairs. */
#ifndef RIFFLE_IR_INTERPRET_GRAPH_H
#define RIFFLE_IR_INTERPRET_GRAPH_H

#include "ir/interpret.h"

#ifdef RIFFLE_PAIRS
#define interpret_function interpret_function_of_pairs
#define interpret_graph interpret_graph_of_pairs
#endif

/* What floats and pairs do each in their way. */
typedef struct InterpretWay {
    void *context;
    void (*run_node)(void *context, const Node *node, const Stored *const *operands,
        Stored *const *results, Arena *scratch);
    /* What the caller gave, as numbers. */
    const Stored *(*read_input)(const TensorType *type, const Stored *given, Arena *scratch);
} InterpretWay;

/* NULL where there is none for these numbers. */
InterpretFunction *interpret_function(OpKind op);
void interpret_graph(const Graph *graph, const InterpretWay *way, const Stored *const *inputs,
    Stored *const *outputs);

#endif
