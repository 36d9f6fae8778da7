/* dead-code: removes nodes none of whose results reaches a graph output, then weights that no node
 * refers to. No op has side effects, so this is always legal. Graph inputs stay: they are the
 * interface.
 *
 * One walk from the last node to the first sees each use before its definition. */
#include "passes/rewrite.h"

static int64_t count_weights(const Graph *graph) {
    int64_t count = 0;
    for (const Weight *weight = graph->first_weight; weight; weight = weight->next)
        count++;
    return count;
}

bool pass_dead_code(PassContext *context) {
    Graph *graph = context->graph;
    bool *needed = ARENA_ARRAY(context->scratch, bool, graph->next_value_id + 1);
    for (int i = 0; i < graph->output_count; i++)
        needed[graph->outputs[i].value->id] = true;
    for (Node *node = graph->last, *previous; node; node = previous) {
        previous = node->previous;
        bool live = false;
        for (int i = 0; i < node->result_count; i++)
            live = live || needed[node->results[i]->id];
        if (!live) {
            graph_remove(graph, node);
            context->rewrites++;
            continue;
        }
        for (int i = 0; i < node->operand_count; i++)
            needed[node->operands[i]->id] = true;
    }
    int64_t weights_before = count_weights(graph);
    graph_drop_unused_weights(graph);
    context->rewrites += weights_before - count_weights(graph);
    return true;
}
