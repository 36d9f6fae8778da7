/* fuse-residual: add(conv(x), y) becomes conv(x, y): the sum is made where the convolution's result
 * is still in a register. The add's activation becomes the convolution's residual_activation.
 *
 * Legal when
 *     1. both operands of the add have its shape (none is repeated over height and width)
 *     2. one of them, and not both at once, is the result of a convolution
 *     3. without a residual of its own
 *     4. and without other use.
 * When both operands qualify, the right one is taken: specs write add(shortcut, branch).
 * The convolution moves down to the add's place, because y may be made after it. */
#include "passes/rewrite.h"

/* What is missing, where the operand is a convolution, is told. */
static bool can_fuse(const Graph *graph, const Node *add, int index, const char **missing) {
    const Value *operand = add->operands[index], *other = add->operands[1 - index];
    const Node *conv = operand->producer;
    if (conv == NULL || conv->op != OP_conv || operand == other) /* 2 */
        return false;
    const char *reason = NULL;
    if (!tensor_type_equal(&operand->type, &other->type)) /* 1 */
        reason = "the operands of the addition have different shapes";
    else if (conv->operand_count != 1 ||
             node_formula_attribute(conv, "residual_activation") != NULL) /* 3 */
        reason = "the convolution adds a residual already";
    else if (!used_once(graph, operand)) /* 4 */
        reason = "the result of the convolution has another use";
    *missing = reason != NULL ? reason : *missing;
    return reason == NULL;
}

static void fuse(Graph *graph, Node *add, int index) {
    Node *conv = add->operands[index]->producer;
    Value **operands = ARENA_ARRAY(graph->arena, Value *, 2);
    operands[0] = conv->operands[0];
    operands[1] = add->operands[1 - index];
    conv->operands = operands;
    conv->operand_count = 2;
    node_set_formula(conv, "residual_activation", node_formula_attribute(add, "activation"));
    graph_remove(graph, conv);
    graph_insert_before(graph, add, conv);
    replace_node(graph, add, conv->results[0]);
}

bool pass_fuse_residual(PassContext *context) {
    Graph *graph = context->graph;
    for (Node *node = graph->first, *next; node; node = next) {
        next = node->next;
        if (node->op != OP_add)
            continue;
        const char *missing = NULL;
        int index = can_fuse(graph, node, 1, &missing) ? 1 : 0;
        bool fits = can_fuse(graph, node, index, &missing);
        if (fits && pass_may_rewrite(context, node))
            fuse(graph, node, index);
        else if (!fits && missing != NULL)
            pass_missed(context, node, missing);
    }
    return true;
}
