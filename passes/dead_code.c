/* dead-code: removes nodes none of whose results reaches a graph output, then weights that no node
 * refers to. No op has side effects, so this is always legal. Graph inputs stay: they are the
 * interface.
 *
 * One walk from the last node to the first sees each use before its definition. */
#include "passes/rewrite.h"

#include <stdlib.h>

static int compare_addresses(const void *a, const void *b) {
    uintptr_t x = (uintptr_t)*(Weight *const *)a, y = (uintptr_t)*(Weight *const *)b;
    return (x > y) - (x < y);
}

static bool has_unused_weights(const Graph *graph, Arena *scratch) {
    size_t nodes = 0, weights = 0, count = 0;
    for (const Node *node = graph->first; node; node = node->next)
        nodes++;
    for (const Weight *weight = graph->first_weight; weight; weight = weight->next)
        weights++;
    Weight **used = ARENA_ARRAY(scratch, Weight *, nodes * MAX_OP_WEIGHTS + 1);
    for (const Node *node = graph->first; node; node = node->next)
        for (int i = 0; i < MAX_OP_WEIGHTS; i++)
            if (node->weights[i] != NULL)
                used[count++] = node->weights[i];
    qsort(used, count, sizeof used[0], compare_addresses);
    size_t different = 0;
    for (size_t i = 0; i < count; i++)
        different += i == 0 || used[i] != used[i - 1];
    return different < weights;
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
        if (!live && pass_may_rewrite(context, node)) {
            graph_remove(graph, node);
            continue;
        }
        for (int i = 0; i < node->operand_count; i++)
            needed[node->operands[i]->id] = true;
    }
    if (!pass_flag(context, "keep-weights") && has_unused_weights(graph, context->scratch) &&
        pass_may_rewrite(context, NULL))
        graph_drop_unused_weights(graph);
    return true;
}
