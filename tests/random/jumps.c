#include "jumps.h"
#include "ir/formula.h"

static const OpKind elements[] = {OP_floor, OP_ceil, OP_round, OP_sign};

enum { ELEMENTS = sizeof elements / sizeof *elements };

bool element_jumps(OpKind element) {
    for (int i = 0; i < ELEMENTS; i++)
        if (elements[i] == element)
            return true;
    return false;
}

bool graph_jumps(const Graph *graph) {
    for (int i = 0; i < ELEMENTS; i++)
        if (graph_uses_element(graph, elements[i]))
            return true;
    for (const Node *node = graph->first; node != NULL; node = node->next)
        if (node->op == OP_arg_max)
            return true;
    return false;
}
