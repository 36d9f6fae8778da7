/* fuse-activation: relu(conv(x)) becomes conv(x) with activation = relu; so with relu6, sigmoid,
 * hard_sigmoid and hard_swish, and with linear, add and multiply.
 *
 * Legal when
 *     1. the operand is the result of an op that has an activation attribute
 *     2. which is still "none"; of a convolution with a residual it is residual_activation that
 * counts
 *     3. and that result has no other use. */
#include "passes/rewrite.h"

bool pass_fuse_activation(PassContext *context) {
    Graph *graph = context->graph;
    for (Node *node = graph->first, *next; node; node = next) {
        next = node->next;
        if (!is_activation_op(node->op))
            continue;
        Node *layer = node->operands[0]->producer;
        const char *attribute = layer == NULL ? NULL : free_activation_attribute(layer); /* 1, 2 */
        if (attribute == NULL || !used_once(graph, node->operands[0]))                   /* 3 */
            continue;
        if (!pass_may_rewrite(context, node))
            continue;
        node_set_integer(layer, attribute, op_activation(node->op));
        replace_node(graph, node, layer->results[0]);
    }
    return true;
}
