/* Weights in another order of channels: new data, so that other nodes keep theirs. */
#include "passes/permute.h"
#include "ir/reduction.h"
#include "ir/weight_numbers.h"
#include "passes/rewrite.h"

#include <assert.h>

bool is_depthwise_conv(const Node *node) {
    if (node->op != OP_conv)
        return false;
    int64_t groups = node_integer(node, "groups");
    return groups == node->operands[0]->type.dims[1] && groups == node->results[0]->type.dims[1];
}

bool is_channelwise(const Node *node) {
    switch (node->op) {
    case OP_conv:
        return is_depthwise_conv(node);
    case OP_batch_norm:
    case OP_bias:
    case OP_pad:
    case OP_crop:
    case OP_max_pool:
    case OP_avg_pool:
    case OP_global_avg_pool:
    case OP_resize:
    case OP_take:
        return true;
    case OP_reduce:
    case OP_arg_max:
        return !node_reduces(node, 1);
    default:
        return op_computes_elements(node->op);
    }
}

/* A weight seen as [rows, columns, inner]; row r of the new one has columns of row rows[r] of the
 * old one, column c from columns[c] of the r-th row's group. */
static void permute_weight(
    Graph *graph, Weight **slot, const int64_t *rows, const int64_t *columns, int64_t groups) {
    Weight *old = *slot;
    if (old == NULL || (rows == NULL && columns == NULL))
        return;
    Weight *new = graph_add_computed_weight(graph, old->path, old->type, NULL);
    weight_allocate_moved(graph, new, old);
    int64_t row_count = old->type.dims[0];
    int64_t column_count = old->type.rank > 1 ? old->type.dims[1] : 1;
    int64_t inner = tensor_elements(&old->type) / row_count / column_count;
    for (int64_t r = 0; r < row_count; r++) {
        int64_t row = rows != NULL ? rows[r] : r;
        int64_t first = r / (row_count / groups) * column_count; /* channel of the group's first */
        for (int64_t c = 0; c < column_count; c++) {
            int64_t column = columns != NULL ? columns[first + c] - first : c;
            assert(column >= 0 && column < column_count);
            weight_move(new, (r * column_count + c) * inner, old,
                (row * column_count + column) * inner, inner);
        }
    }
    weights_rest(new, old);
    *slot = new;
}

static void permute_constant(Graph *graph, Node *node, const int64_t *channels) {
    Weight *old = node->weights[0];
    const int64_t *dims = old->type.dims;
    if (channels == NULL)
        return;
    Weight *new = graph_add_computed_weight(graph, old->path, old->type, NULL);
    weight_allocate_moved(graph, new, old);
    int64_t plane = tensor_elements(&old->type) / dims[0] / dims[1];
    for (int64_t n = 0; n < dims[0]; n++)
        for (int64_t c = 0; c < dims[1]; c++)
            weight_move(
                new, (n * dims[1] + c) * plane, old, (n * dims[1] + channels[c]) * plane, plane);
    weights_rest(new, old);
    node->weights[0] = new;
}

void permute_weights(Graph *graph, Node *node, const int64_t *rows, const int64_t *columns) {
    if (node->op == OP_constant) {
        permute_constant(graph, node, rows);
        return;
    }
    bool dense = node->op == OP_linear || (node->op == OP_conv && !is_depthwise_conv(node));
    int64_t groups = node->op == OP_conv && dense ? node_integer(node, "groups") : 1;
    for (int i = 0; i < op_info(node->op)->weight_count; i++)
        permute_weight(graph, &node->weights[i], rows, dense && i == 0 ? columns : NULL, groups);
}
