/* simplify: removes nodes that have no effect. Each rule looks at one node and names the value that
 * can stand for its result, or gives NULL; no rule depends on another.
 *
 *     1. concat of one operand, split in one part, shuffle with one group or one channel per group,
 *        gather and route of all channels of one operand in order: the operand
 *     2. an activation that changes no number of its operand's range (relu of relu): the operand
 *     3. a pooling of one pixel, stride 1, no padding; a global pooling of one pixel; pad and crop
 *        by nothing; resize and take of each row and column in order: the operand
 *     4. flatten of unflatten, and unflatten of flatten of [n,c,1,1]: the operand of both
 * And, the only rule that changes the user:
 *     5. linear of flatten of [n,c,1,1], or of unflatten: linear of the operand, which means the
 *        same. */
#include "ir/reduction.h"
#include "ir/sampling.h"
#include "passes/rewrite.h"

static bool is_in_order(IntegerList list, int64_t channels) {
    if ((int64_t)list.count != channels)
        return false;
    for (size_t i = 0; i < list.count; i++)
        if (list.items[i] != (int64_t)i)
            return false;
    return true;
}

static bool samples_in_order(const Node *node) {
    if (!tensor_type_equal(&node->operands[0]->type, &node->results[0]->type))
        return false;
    Arena *scratch = arena_create();
    bool in_order = true;
    for (int axis = 0; axis < 2; axis++) {
        int64_t size = node->operands[0]->type.dims[2 + axis];
        in_order = in_order && samples_are_identity(node_samples(node, axis, scratch), size, size);
    }
    arena_destroy(scratch);
    return in_order;
}

static bool has_no_effect(const Node *node) {
    if (node->operand_count == 0)
        return false;
    const Value *operand = node->operands[0];
    const int64_t *dims = operand->type.dims;
    switch (node->op) {
    case OP_concat:
        return node->operand_count == 1;
    case OP_split:
        return node->result_count == 1;
    case OP_shuffle:
        return node_integer(node, "groups") == 1 || node_integer(node, "groups") == dims[1];
    case OP_gather:
    case OP_route:
        return node->operand_count == 1 && is_in_order(node_list(node, "channels"), dims[1]);
    case OP_max_pool:
    case OP_avg_pool: {
        IntegerList kernel = node_list(node, "kernel"), stride = node_list(node, "stride");
        return kernel.items[0] == 1 && kernel.items[1] == 1 && stride.items[0] == 1 &&
               stride.items[1] == 1 && tensor_type_equal(&operand->type, &node->results[0]->type);
    }
    case OP_pad:
    case OP_crop:
        return tensor_type_equal(&operand->type, &node->results[0]->type);
    case OP_resize:
    case OP_take:
        return samples_in_order(node);
    case OP_global_avg_pool:
        return dims[2] == 1 && dims[3] == 1;
    case OP_reduce: {
        ReductionTerm term = node_reduction(node)->term;
        return node_reduced_count(node) == 1 && (term == TERM_SAME || term == TERM_NEGATIVE);
    }
    default:
        return is_activation(node) && activation_keeps(node, operand);
    }
}

/* The flatten or unflatten before the node, if it only gives the channels another shape. */
static Node *renaming_before(const Node *node) {
    Node *producer = node->operands[0]->producer;
    return producer != NULL && node_renames_channels(producer) ? producer : NULL;
}

static void skip_renaming(PassContext *context, Node *linear) {
    Node *renaming = renaming_before(linear);
    const Node *before = linear->operands[0]->producer;
    if (renaming == NULL && before != NULL && before->op == OP_flatten)
        pass_missed(context, linear, "what is flattened before it has more than one pixel");
    if (renaming == NULL || !pass_may_rewrite(context, linear))
        return;
    linear->operands[0] = renaming->operands[0];
    if (graph_use_count(context->graph, renaming->results[0]) == 0)
        graph_remove(context->graph, renaming);
}

static void skip_renaming_and_back(PassContext *context, Node *node) {
    Node *before = node_renames_channels(node) ? renaming_before(node) : NULL;
    if (before == NULL || !tensor_type_equal(&before->operands[0]->type, &node->results[0]->type) ||
        !pass_may_rewrite(context, node))
        return;
    replace_node(context->graph, node, before->operands[0]);
    if (graph_use_count(context->graph, before->results[0]) == 0)
        graph_remove(context->graph, before);
}

bool pass_simplify(PassContext *context) {
    Graph *graph = context->graph;
    for (Node *node = graph->first, *next; node; node = next) {
        next = node->next;
        if (node->op == OP_linear)
            skip_renaming(context, node);
        if (node_renames_channels(node))
            skip_renaming_and_back(context, node);
        else if (has_no_effect(node) && pass_may_rewrite(context, node))
            replace_node(graph, node, node->operands[0]);
    }
    return true;
}
