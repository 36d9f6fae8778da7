/* sink-activation: relu(concat(a, conv(b))) becomes concat(a, relu(conv(b))) when a is never
 * negative: fuse-activation can then make the relu part of the convolution. (The stride-2 units of
 * ShuffleNet V1 end so: a is an average pooling of what went through a relu. Heads of detectors end
 * in a sigmoid of rearranged and joined numbers.)
 *
 * Legal when
 *     1. the operand is the result of a concat, shuffle, gather, route, rearrange or join, which
 *        move numbers, change none and leave none out
 *     2. and that result has no other use.
 * Worth while when each operand of the layout op
 *     3. does not need the activation: its range (rewrite.h) says that nothing would change
 *     4. or comes from a layer that can take it, and has no other use
 *     5. or is itself the result of such a layout op, without other use (looked at to the depth
 *        of the option). */
#include "passes/rewrite.h"

static bool is_single_result_layout(const Node *node) {
    return node != NULL && ((op_moves_channels(node->op) && node->op != OP_split) ||
                               node->op == OP_rearrange || node->op == OP_join);
}

/* What keeps the activation from sinking over the layout op; NULL: nothing. */
static const char *obstacle(
    const Graph *graph, const Node *layout, const Node *activation, int64_t depth) {
    if (depth == 0)
        return "more layout ops lie before it than the option 'depth' says";
    const char *missing = NULL;
    for (int i = 0; i < layout->operand_count && missing == NULL; i++) {
        const Value *operand = layout->operands[i];
        const Node *producer = operand->producer;
        if (activation_keeps(activation, operand)) /* 3 */
            continue;
        if (producer == NULL)
            missing = "an input of the network goes into the layout op before it";
        else if (!used_once(graph, operand)) /* 4, 5 */
            missing = "an operand of the layout op before it has another use";
        else if (is_single_result_layout(producer))
            missing = obstacle(graph, producer, activation, depth - 1);
        else if (free_activation_attribute(producer) == NULL)
            missing = "what makes an operand of the layout op before it cannot take an activation";
    }
    return missing;
}

static void sink(Graph *graph, Node *layout, const Node *activation) {
    for (int i = 0; i < layout->operand_count; i++) {
        Value *operand = layout->operands[i];
        if (activation_keeps(activation, operand))
            continue;
        if (is_single_result_layout(operand->producer)) {
            sink(graph, operand->producer, activation);
            continue;
        }
        const char *path = operand->producer->path;
        layout->operands[i] = insert_node(
            graph, layout, activation->op, path, &operand, 1, copy_attributes, activation)
                                  ->results[0];
    }
}

bool pass_sink_activation(PassContext *context) {
    Graph *graph = context->graph;
    int64_t depth = pass_integer(context, "depth");
    for (Node *node = graph->first, *next; node; node = next) {
        next = node->next;
        if (!is_activation(node))
            continue;
        Node *layout = node->operands[0]->producer;
        if (!is_single_result_layout(layout)) /* 1 */
            continue;
        const char *missing = !used_once(graph, node->operands[0]) /* 2 */
                                  ? "the result of the layout op before it has another use"
                                  : obstacle(graph, layout, node, depth);
        if (missing != NULL)
            pass_missed(context, node, missing);
        if (missing != NULL || !pass_may_rewrite(context, node))
            continue;
        sink(graph, layout, node);
        replace_node(graph, node, layout->results[0]);
    }
    return true;
}
