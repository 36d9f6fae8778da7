/* fuse-activation: relu(conv(x)) becomes conv(x) with activation = relu; so with every element-wise
 * op of one operand, also several in a row, and with linear, add and multiply.
 *
 * Legal when
 *     1. the operand is the result of an op that has an activation attribute; of a convolution with
 *        a residual it is residual_activation that counts
 *     2. the formula that comes out, this op of what the attribute was, is not too long
 *     3. and that result has no other use. */
#include "passes/rewrite.h"

bool pass_fuse_activation(PassContext *context) {
    Graph *graph = context->graph;
    for (Node *node = graph->first, *next; node; node = next) {
        next = node->next;
        if (!is_activation(node))
            continue;
        Node *layer = node->operands[0]->producer;
        const char *attribute = layer == NULL ? NULL : activation_attribute(layer); /* 1 */
        if (attribute == NULL)
            continue;
        if (!used_once(graph, node->operands[0])) { /* 3 */
            pass_missed(context, node, "the result of the op before it has another use");
            continue;
        }
        const Formula *formula = formula_compose(graph->arena, node_formula(node, context->scratch),
            node_formula_attribute(layer, attribute));
        if (formula_size(formula) > MOST_FORMULA_SIZE) { /* 2 */
            pass_missed(context, node, "the formula of both is too long");
            continue;
        }
        if (!pass_may_rewrite(context, node))
            continue;
        node_set_formula(layer, attribute, formula);
        replace_node(graph, node, layer->results[0]);
    }
    return true;
}
