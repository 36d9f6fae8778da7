#include "passes/edit_fit.h"
#include "ir/formula.h"

#include <string.h>

static int64_t greatest_common_divisor(int64_t a, int64_t b) {
    while (b != 0) {
        int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static int64_t channels_of(const Node *node) {
    return node->operands[0]->type.dims[1];
}

/* The model's weight in that shape: under its path, or under a new one where that is taken by
 * another shape. */
static void set_weight(
    Graph *graph, Node *node, const Node *model, int i, TensorType type, const FitWeights *wanted) {
    if (model->weights[i] == NULL || wanted->dropped == i)
        return;
    const char *path = model->weights[i]->path;
    if (wanted->own)
        path = arena_format(graph->arena, "%s.%s", node->path, op_info(node->op)->weights[i].name);
    while (node->weights[i] == NULL) {
        node->weights[i] = graph_weight(graph, path, type, (SourceRange){0});
        path = arena_format(graph->arena, "%s_", path);
    }
}

/* ---- convolutions ---- */

static void drop_residual(Node *node) {
    node->operand_count = 1;
    node_set_formula(node, "residual_activation", NULL);
}

/* Whether the shape rules take it as it is. */
static bool is_well_formed(const Node *node) {
    enum { MOST_RESULTS = 1 };
    TensorType types[MOST_RESULTS];
    int count = 0;
    Diagnostics *refusals = diagnostics_create();
    bool good = node_result_types(node, types, MOST_RESULTS, &count, refusals);
    diagnostics_destroy(refusals);
    return good;
}

static void fit_residual(Node *node) {
    if (node->operand_count < 2 || !is_well_formed(node))
        drop_residual(node);
}

/* Cells that a window finds in that dimension of the picture: 0 for rows, 1 for columns. */
static int64_t cells_of(const Node *node, int dimension) {
    IntegerList padding = node_list(node, "padding");
    return node->operands[0]->type.dims[2 + dimension] + padding.items[dimension] +
           padding.items[2 + dimension];
}

/* What stands beside the filters: a bias, or the points of zero, factors and offsets of bytes. */
static void set_filter_weights(
    Graph *graph, Node *node, const Node *model, TensorType filters, const FitWeights *wanted) {
    set_weight(graph, node, model, 0, filters, wanted);
    for (int i = 1; i < op_info(node->op)->weight_count; i++) {
        bool per_input = i == 1 && op_is_quantized(node->op);
        int64_t count = per_input ? channels_of(node) : filters.dims[0];
        set_weight(graph, node, model, i, tensor_type(1, &count), wanted);
    }
}

static bool fit_conv(Graph *graph, Node *node, const Node *model, const FitWeights *wanted) {
    if (node->operands[0]->type.rank != 4)
        return false;
    TensorType type = model->weights[0]->type;
    int64_t channels = channels_of(node), groups = node_integer(node, "groups");
    int64_t before = channels_of(model), filters = wanted->filters;
    if (groups == before && groups > 1) { /* depthwise stays so */
        filters = type.dims[0] / before * channels;
        groups = channels;
    }
    IntegerList dilation = node_list(node, "dilation");
    for (int i = 0; i < 2; i++)
        if ((type.dims[2 + i] - 1) * dilation.items[i] >= cells_of(node, i))
            type.dims[2 + i] = 1;
    groups = greatest_common_divisor(groups, channels);
    filters = filters / groups < 1 ? groups : filters / groups * groups;
    node_set_integer(node, "groups", groups);
    type.dims[0] = filters;
    type.dims[1] = channels / groups;
    if (wanted->one_tap) {
        type.dims[2] = type.dims[3] = 1;
        node_set_list(graph, node, "padding", (int64_t[]){0, 0, 0, 0}, 4);
        node_set_list(graph, node, "dilation", (int64_t[]){1, 1}, 2);
    }
    set_filter_weights(graph, node, model, type, wanted);
    fit_residual(node);
    return true;
}

static bool fit_conv_transpose(
    Graph *graph, Node *node, const Node *model, const FitWeights *wanted) {
    if (node->operands[0]->type.rank != 4)
        return false;
    TensorType type = model->weights[0]->type;
    int64_t channels = channels_of(node);
    int64_t groups = greatest_common_divisor(node_integer(node, "groups"), channels);
    int64_t filters = groups * type.dims[1];
    type.dims[0] = channels;
    node_set_integer(node, "groups", groups);
    set_weight(graph, node, model, 0, type, wanted);
    set_weight(graph, node, model, 1, tensor_type(1, &filters), wanted);
    return true;
}

static bool fit_linear(Graph *graph, Node *node, const Node *model, const FitWeights *wanted) {
    int64_t dims[] = {wanted->filters, channels_of(node)};
    set_filter_weights(graph, node, model, tensor_type(2, dims), wanted);
    return true;
}

/* ---- which channel is where ---- */

/* Operands that cannot be joined with the first are left out. */
static void keep_joinable(Node *node) {
    int count = 0;
    for (int i = 0; i < node->operand_count; i++) {
        TensorType type = node->operands[i]->type;
        type.dims[1] = channels_of(node);
        if (tensor_type_equal(&type, &node->operands[0]->type))
            node->operands[count++] = node->operands[i];
    }
    node->operand_count = count;
}

/* Entries that point behind the last channel are left out. */
static bool fit_list(Graph *graph, Node *node) {
    IntegerList list = node_list(node, "channels");
    int64_t channels = 0, *items = ARENA_ARRAY(graph->arena, int64_t, list.count);
    size_t count = 0;
    keep_joinable(node);
    for (int i = 0; i < node->operand_count; i++)
        channels += node->operands[i]->type.dims[1];
    for (size_t i = 0; i < list.count; i++)
        if (list.items[i] < channels)
            items[count++] = list.items[i];
    node_set_list(graph, node, "channels", items, count);
    return count > 0;
}

static bool fit_split(Graph *graph, Node *node) {
    IntegerList sizes = node_list(node, "sizes");
    int64_t rest = channels_of(node), parts = (int64_t)sizes.count;
    int64_t *items = ARENA_ARRAY(graph->arena, int64_t, sizes.count);
    if (rest < parts)
        return false;
    bool equal = true;
    for (int64_t i = 0; i < parts; i++)
        equal &= sizes.items[i] == sizes.items[0];
    if (node_flag(node, "interleaved") && rest % parts != 0)
        return false;
    for (int64_t i = 0; i < parts; i++) {
        int64_t others = parts - 1 - i, most = rest - others;
        items[i] = equal && channels_of(node) % parts == 0 ? channels_of(node) / parts
                   : others == 0                           ? rest
                   : sizes.items[i] < most                 ? sizes.items[i]
                                                           : most;
        rest -= items[i];
    }
    node_set_list(graph, node, "sizes", items, sizes.count);
    return true;
}

/* No window is larger than the picture. */
static bool fit_pool(Graph *graph, Node *node) {
    IntegerList kernel = node_list(node, "kernel");
    if (node->operands[0]->type.rank != 4)
        return false;
    int64_t sizes[2];
    for (int i = 0; i < 2; i++) {
        int64_t cells = cells_of(node, i);
        sizes[i] = kernel.items[i] < cells ? kernel.items[i] : cells;
    }
    node_set_list(graph, node, "kernel", sizes, 2);
    return true;
}

/* ---- all ---- */

static void fit_binary(Node *node) {
    if (node->operand_count == 2 && !is_well_formed(node))
        node->operand_count = 1;
}

bool fit_vanishes(const Node *node) {
    if (node->op != OP_map)
        return op_is_element(node->op) && node->operand_count < element_operands(node->op);
    const Formula *formula = node->attributes[0].formula; /* NULL: x */
    return (formula == NULL ? 1 : formula->operand_count) > node->operand_count;
}

bool fit_node(Graph *graph, Node *node, const Node *model, const FitWeights *wanted) {
    if (node->op == OP_constant) {
        set_weight(graph, node, model, 0, model->weights[0]->type, wanted);
        return true;
    }
    if (node->op == OP_conv || node->op == OP_quantized_conv)
        return fit_conv(graph, node, model, wanted);
    if (node->op == OP_conv_transpose)
        return fit_conv_transpose(graph, node, model, wanted);
    if (node->op == OP_linear || node->op == OP_quantized_linear)
        return fit_linear(graph, node, model, wanted);
    if (node->op == OP_max_pool || node->op == OP_avg_pool)
        return fit_pool(graph, node);
    if (node->op == OP_gather || node->op == OP_route)
        return fit_list(graph, node);
    if (node->op == OP_split)
        return fit_split(graph, node);
    if (node->op == OP_concat)
        keep_joinable(node);
    if (op_computes_elements(node->op))
        fit_binary(node);
    if (node->op == OP_shuffle)
        node_set_integer(node, "groups",
            greatest_common_divisor(node_integer(node, "groups"), channels_of(node)));
    for (int i = 0; i < op_info(node->op)->weight_count; i++) /* one number per channel */
        set_weight(graph, node, model, i, tensor_type(1, &node->operands[0]->type.dims[1]), wanted);
    return true;
}
