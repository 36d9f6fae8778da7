/* merge-branches: add(conv(x), conv(x)) becomes conv(x), whose filters are the sums of those two:
 * what remains of a layer that was trained with parallel branches (RepVGG, MobileOne). The smaller
 * window is put into the larger one where its padding says: a 1x1 into the middle of a 3x3.
 *
 * Legal when
 *     1. both operands are convolutions of the same value, without a residual
 *     2. whose results have no other use and no activation
 *     3. which have one shape (else the addition repeats one of them)
 *     4. stride, dilation and groups are equal
 *     5. and the smaller window lies within the larger one, in rows and in columns. */
#include "passes/rewrite.h"

#include <string.h>

static bool is_branch(const Graph *graph, const Node *node) {
    return node != NULL && node->op == OP_conv && node->operand_count == 1 &&
           node_formula_attribute(node, "activation") == NULL && used_once(graph, node->results[0]);
}

static bool same_list(const Node *a, const Node *b, const char *name) {
    IntegerList x = node_list(a, name), y = node_list(b, name);
    return x.count == y.count && memcmp(x.items, y.items, x.count * sizeof x.items[0]) == 0;
}

/* Where the window of b begins in that of a, in rows and columns. False when it is not inside. */
static bool window_offset(const Node *a, const Node *b, int64_t offset[2]) {
    const int64_t *outer = node_list(a, "padding").items, *inner = node_list(b, "padding").items;
    const int64_t *dilation = node_list(a, "dilation").items;
    const int64_t *large = node_weight(a, "weight")->type.dims;
    const int64_t *small = node_weight(b, "weight")->type.dims;
    for (int i = 0; i < 2; i++) {
        offset[i] = (outer[i] - inner[i]) / dilation[i];
        if (offset[i] < 0 || offset[i] * dilation[i] != outer[i] - inner[i] ||
            offset[i] + small[2 + i] > large[2 + i])
            return false;
    }
    return true;
}

static bool can_merge(const Graph *graph, const Node *a, const Node *b, int64_t offset[2]) {
    return is_branch(graph, a) && is_branch(graph, b) &&
           a->operands[0] == b->operands[0] &&                              /* 1, 2 */
           tensor_type_equal(&a->results[0]->type, &b->results[0]->type) && /* 3 */
           same_list(a, b, "stride") && same_list(a, b, "dilation") &&      /* 4 */
           node_integer(a, "groups") == node_integer(b, "groups") &&
           window_offset(a, b, offset); /* 5 */
}

/* The weight of a plus that of b, which begins at the offset. Either may lack a bias. */
static Weight *sum(
    Graph *graph, const Node *a, const Node *b, const char *name, const int64_t offset[2]) {
    Weight *first = node_weight(a, name), *second = node_weight(b, name);
    if (first == NULL || second == NULL)
        return first != NULL ? first : second;
    int64_t large[4] = {1, 1, 1, 1}, small[4] = {1, 1, 1, 1}; /* a bias is a filter of one number */
    memcpy(large, first->type.dims, (size_t)first->type.rank * sizeof large[0]);
    memcpy(small, second->type.dims, (size_t)second->type.rank * sizeof small[0]);
    float *data = NULL;
    if (first->data != NULL && second->data != NULL) {
        int64_t count = tensor_elements(&first->type);
        const float *y = second->data;
        data = ARENA_ARRAY(graph->arena, float, count);
        memcpy(data, first->data, (size_t)count * sizeof data[0]);
        for (int64_t f = 0; f < large[0] * large[1]; f++)
            for (int64_t row = 0; row < small[2]; row++)
                for (int64_t column = 0; column < small[3]; column++)
                    data[(f * large[2] + offset[0] + row) * large[3] + offset[1] + column] += *y++;
    }
    return graph_add_computed_weight(graph, first->path, first->type, data);
}

/* The larger convolution takes over the activation of the addition, and its place. */
static void merge(Graph *graph, Node *add, Node *a, Node *b, const int64_t offset[2]) {
    Weight *filters = sum(graph, a, b, "weight", offset);
    Weight *bias = sum(graph, a, b, "bias", (int64_t[]){0, 0});
    a->weights[0] = filters;
    a->weights[1] = bias;
    node_set_formula(a, "activation", node_formula_attribute(add, "activation"));
    replace_node(graph, add, a->results[0]);
    graph_remove(graph, b);
}

bool pass_merge_branches(PassContext *context) {
    Graph *graph = context->graph;
    for (Node *add = graph->first, *next; add != NULL; add = next) {
        next = add->next;
        if (add->op != OP_add)
            continue;
        Node *a = add->operands[0]->producer, *b = add->operands[1]->producer;
        int64_t offset[2];
        if (!can_merge(graph, a, b, offset)) {
            Node *first = a;
            a = b;
            b = first;
            if (!can_merge(graph, a, b, offset))
                continue;
        }
        if (pass_may_rewrite(context, add))
            merge(graph, add, a, b, offset);
    }
    return true;
}
