/* absorb-route: reorders channels throughout the graph, so that routes become few long runs, and
 * where they become the identity, vanish. A backend can then let producers write where consumers
 * read. The order of a convolution's filters is free, and so is that of the columns of its weight;
 * docs/routing.md has the theory and worked examples.
 *
 *     phase 0 (split): an output that is a route's result and read in the graph, too, becomes a
 * route of its own, for only an output must have the order of the spec phase 1 (match): which
 * values share an order, and which blocks channels must stay in: channel_order.c phase 2 (order):
 * one for each class of values: channel_order_choose.c phase 3 (rewrite): the lists of the routes,
 * and the weights of what reads and writes the values; here
 *
 * Classes that routes connect are rewritten together, and only where that leaves fewer runs. It
 * computes the same, up to the order in which a convolution adds its products. */
#include "passes/channel_order.h"
#include "passes/permute.h"
#include "passes/rewrite.h"

static void copy_list(Graph *graph, Node *node, const void *context) {
    IntegerList list = node_list(context, "channels");
    node_set_list(graph, node, "channels", list.items, list.count);
}

/* Where this leads to nothing, common-subexpressions joins the two again. */
static void split_outputs(PassContext *context) {
    Graph *graph = context->graph;
    const int *uses = graph_use_counts(graph, context->scratch);
    for (int i = 0; i < graph->output_count; i++) {
        GraphOutput *output = &graph->outputs[i];
        Node *route = output->value->producer;
        if (route == NULL || route->op != OP_route || uses[output->value->id] < 2 ||
            !pass_may_rewrite(context, route))
            continue;
        output->value = insert_node(graph, route, OP_route, route->path, route->operands,
            route->operand_count, copy_list, route)
                            ->results[0];
    }
}

static bool is_route(const Node *reader, const void *context) {
    (void)context;
    return reader->op == OP_route;
}

static void identity_list(Graph *graph, Node *node, const void *context) {
    const Value *value = context;
    int64_t count = value->type.dims[1];
    int64_t *items = ARENA_ARRAY(graph->arena, int64_t, count);
    for (int64_t c = 0; c < count; c++)
        items[c] = c;
    node_set_list(graph, node, "channels", items, (size_t)count);
}

/* Gives operand `index` of the node a route of its own, when it is a route's result that others
 * read, too. Where the orders come out alike, simplify removes the route again. */
static void split_operand(PassContext *context, Node *node, int index) {
    Graph *graph = context->graph;
    Value *value = node->operands[index];
    if (value->producer == NULL || value->producer->op != OP_route ||
        graph_use_count(graph, value) < 2 ||
        !graph_is_read_only_by(graph, node->results[0], is_route, NULL) ||
        !pass_may_rewrite(context, node))
        return;
    node->operands[index] =
        insert_node(graph, node, OP_route, node->path, &value, 1, identity_list, value)->results[0];
}

static void split_residuals(PassContext *context) {
    for (Node *node = context->graph->first; node; node = node->next) {
        if (node->op == OP_conv && node->operand_count > 1 && !is_depthwise_conv(node))
            split_operand(context, node, 1);
        for (int i = 0; node->op == OP_add && i < node->operand_count; i++)
            if (tensor_type_equal(&node->operands[i]->type, &node->results[0]->type))
                split_operand(context, node, i);
    }
}

/* worthwhile[component]: its routes have fewer runs with the chosen orders, and may be rewritten.
 */
static bool *find_worthwhile(PassContext *context, const ChannelOrders *orders) {
    int64_t *saved = ARENA_ARRAY(orders->arena, int64_t, orders->class_count);
    bool *worthwhile = ARENA_ARRAY(orders->arena, bool, orders->class_count);
    for (const Node *node = orders->graph->first; node; node = node->next)
        if (node->op == OP_route && !route_is_residual(orders->graph, node))
            saved[channel_order(orders, node->results[0])->component] +=
                route_run_count(orders, node, false) - route_run_count(orders, node, true);
    for (const Node *node = orders->graph->first; node; node = node->next) {
        if (node->op != OP_route)
            continue;
        int component = channel_order(orders, node->results[0])->component;
        worthwhile[component] =
            worthwhile[component] || (saved[component] > 0 && pass_may_rewrite(context, node));
        saved[component] = 0; /* asked */
    }
    return worthwhile;
}

/* A class keeps its order when it is told so, or when nothing would change. */
static void keep_order(OrderClass *class) {
    class->old_place = class->new_place = NULL;
}

static bool is_natural(const OrderClass *class) {
    for (int64_t i = 0; i < class->channels; i++)
        if (class->old_place[i] != i)
            return false;
    return true;
}

static void rewrite_route(const ChannelOrders *orders, Graph *graph, Node *route) {
    const OrderClass *result = channel_order(orders, route->results[0]);
    int64_t *items = ARENA_ARRAY(orders->arena, int64_t, result->channels);
    IntegerList list = node_list(route, "channels");
    for (int64_t i = 0; i < result->channels; i++) {
        int64_t old = result->old_place ? result->old_place[i] : i;
        ChannelSource source = channel_source(route->results[0], old);
        const OrderClass *operand = channel_order(orders, route->operands[source.operand]);
        int64_t moved = operand->new_place ? operand->new_place[source.channel] : source.channel;
        items[i] = list.items[old] + moved - source.channel;
    }
    node_set_list(graph, route, "channels", items, (size_t)result->channels);
}

bool pass_absorb_route(PassContext *context) {
    Graph *graph = context->graph;
    split_outputs(context);
    split_residuals(context);
    ChannelOrders *orders = channel_orders_find(graph, context->scratch);
    channel_orders_choose(orders);
    const bool *worthwhile = find_worthwhile(context, orders);
    for (int i = 0; i < orders->class_count; i++) {
        OrderClass *class = &orders->classes[i];
        if (!worthwhile[class->component] || is_natural(class))
            keep_order(class);
    }
    for (Node *node = graph->first; node; node = node->next) {
        if (node->op == OP_route)
            rewrite_route(orders, graph, node);
        else if (op_info(node->op)->weight_count > 0)
            permute_weights(graph, node, channel_order(orders, node->results[0])->old_place,
                node->operand_count > 0 ? channel_order(orders, node->operands[0])->old_place
                                        : NULL);
    }
    return true;
}
