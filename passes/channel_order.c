/* What orders of channels are possible: ties between values, and blocks that must stay.
 *
 *     1. a dense convolution or fully connected layer ties nothing: its filters can stand in any
 *        order, and so can the columns of its weight
 *     2. in a grouped one channels stay within their group, on both sides
 *     3. a depthwise convolution, a residual, an activation, a pooling, a sum, a product tie their
 *        operands and result to one order
 *     4. a route ties nothing: its list says which channel is which; nor does a constant
 *     5. inputs and outputs of the graph keep their order, and so does what looks at neighbouring
 *        channels or at their number: all other ops. */
#include "passes/channel_order.h"
#include "passes/permute.h"

#include <assert.h>

/* ---- ties: a forest of value ids ---- */

static int find_root(int *parents, int id) {
    while (parents[id] != id)
        id = parents[id] = parents[parents[id]];
    return id;
}

static void join(int *parents, int a, int b) {
    a = find_root(parents, a);
    b = find_root(parents, b);
    parents[a < b ? b : a] = a < b ? a : b; /* the earlier value stands for the class */
}

static int64_t channel_count(const Value *value) {
    return value->type.rank > 1 ? value->type.dims[1] : 1;
}

static void tie(int *parents, const Node *node) {
    int result = node->results[0]->id;
    if (is_channelwise(node) || node_renames_channels(node))
        for (int i = 0; i < node->operand_count; i++) {
            if (channel_count(node->operands[i]) == channel_count(node->results[0]))
                join(parents, node->operands[i]->id, result); /* one for all has no order */
        }
    else if (node->op == OP_conv && node->operand_count > 1) /* the residual */
        join(parents, node->operands[1]->id, result);
}

/* ---- blocks ---- */

static void set_starts(OrderClass *class, int64_t distance) {
    for (int64_t c = 0; c < class->channels; c += distance)
        class->starts[c] = true;
}

static void pin(const ChannelOrders *orders, const Value *value) {
    set_starts(channel_order(orders, value), 1);
}

static void limit(const ChannelOrders *orders, const Node *node) {
    switch (node->op) {
    case OP_conv: {
        int64_t groups = node_integer(node, "groups");
        OrderClass *in = channel_order(orders, node->operands[0]);
        OrderClass *out = channel_order(orders, node->results[0]);
        if (groups > 1 && !is_depthwise_conv(node)) {
            set_starts(in, in->channels / groups);
            set_starts(out, out->channels / groups);
        }
        return;
    }
    case OP_linear:
    case OP_route:
        return;
    case OP_constant:
        if (rank_has_channels(node->results[0]->type.rank))
            return;
        break;
    default:
        if (is_channelwise(node) || node_renames_channels(node))
            return;
        break;
    }
    for (int i = 0; i < node->operand_count; i++)
        pin(orders, node->operands[i]);
    for (int i = 0; i < node->result_count; i++)
        pin(orders, node->results[i]);
}

/* ---- classes ---- */

static void add_value(ChannelOrders *orders, int *parents, const Value *value) {
    int root = find_root(parents, value->id);
    if (orders->class_of[root] < 0) {
        OrderClass *class = &orders->classes[orders->class_count];
        class->channels = channel_count(value);
        class->starts = ARENA_ARRAY(orders->arena, bool, class->channels);
        orders->class_of[root] = orders->class_count++;
    }
    orders->class_of[value->id] = orders->class_of[root];
    assert(orders->classes[orders->class_of[root]].channels == channel_count(value));
}

OrderClass *channel_order(const ChannelOrders *orders, const Value *value) {
    return &orders->classes[orders->class_of[value->id]];
}

ChannelOrders *channel_orders_find(const Graph *graph, Arena *arena) {
    ChannelOrders *orders = ARENA_NEW(arena, ChannelOrders);
    int values = graph->next_value_id;
    int *parents = ARENA_ARRAY(arena, int, values);
    *orders = (ChannelOrders){.arena = arena,
        .graph = graph,
        .classes = ARENA_ARRAY(arena, OrderClass, values),
        .class_of = ARENA_ARRAY(arena, int, values)};
    for (int i = 0; i < values; i++) {
        parents[i] = i;
        orders->class_of[i] = -1;
    }
    for (const Node *node = graph->first; node; node = node->next)
        tie(parents, node);
    for (int i = 0; i < graph->input_count; i++)
        add_value(orders, parents, graph->inputs[i].value);
    for (const Node *node = graph->first; node; node = node->next)
        for (int i = 0; i < node->result_count; i++)
            add_value(orders, parents, node->results[i]);
    for (int i = 0; i < graph->input_count; i++)
        pin(orders, graph->inputs[i].value);
    for (int i = 0; i < graph->output_count; i++)
        pin(orders, graph->outputs[i].value);
    for (const Node *node = graph->first; node; node = node->next)
        limit(orders, node);
    return orders;
}

/* Reads each vector of the operand once and can put it in order. */
static bool loads_in_order(const Node *node, int index, bool split) {
    if (node->op == OP_add)
        return split;
    return node->op == OP_conv && index == 1 && !is_depthwise_conv(node);
}

bool route_is_residual(const Graph *graph, const Node *route) {
    const Node *before = route->operands[0]->producer;
    bool split = route->operand_count == 1 && before != NULL && before->op == OP_route;
    for (const Node *node = route->next; node; node = node->next)
        for (int i = 0; i < node->operand_count; i++)
            if (node->operands[i] == route->results[0] && !loads_in_order(node, i, split))
                return false;
    return !graph_is_output(graph, route->results[0]);
}

/* Whether no input is in two windows. */
static bool reads_once(const Node *node) {
    if (node->op == OP_global_avg_pool || node->op == OP_reduce || node->op == OP_arg_max ||
        node->op == OP_resize || node->op == OP_take)
        return false;
    if (node->op != OP_conv && node->op != OP_max_pool && node->op != OP_avg_pool)
        return true;
    const int64_t *kernel =
        node->op == OP_conv ? node->weights[0]->type.dims + 2 : node_list(node, "kernel").items;
    const int64_t *stride = node_list(node, "stride").items;
    return kernel[0] <= stride[0] && kernel[1] <= stride[1];
}

bool route_is_gathered(const Graph *graph, const Node *route) {
    if (graph_use_count(graph, route->results[0]) != 1)
        return false;
    for (const Node *node = route->next; node; node = node->next)
        for (int i = 0; i < node->operand_count; i++)
            if (node->operands[i] == route->results[0])
                return is_channelwise(node) && reads_once(node);
    return false;
}
