/* split-convolution: a convolution whose filters go separate ways becomes one for each way. The
 * last layer of a detector computes scores and distances at once; a sigmoid then reads the scores,
 * and each of the two is rearranged into an output of its own. Two convolutions can take the
 * sigmoid as their activation, and store their results where they go.
 *
 * Legal when
 *     1. the convolution is dense and has no residual
 *     2. only routes read it, each one range of its channels in order, and none of another's; a
 * route may join them with other tensors. Done when
 *     3. the ranges are at least least-filters long: the operand is read once for each
 *     4. and one of them goes to an activation, rearrange, slice or join, and nowhere else.
 * Filters that nobody reads go. Values are the same. */
#include "ir/weight_numbers.h"
#include "passes/rewrite.h"

#include <string.h>

enum { MOST_WAYS = 8 };

typedef struct Way {
    Node *route;
    int operand; /* of the route */
    int64_t begin, count;
} Way;

/* The range of the operand's channels that the route takes; false where it is none. */
static bool read_range(Node *route, int operand, Way *way) {
    if (route->op != OP_route)
        return false;
    *way = (Way){.route = route, .operand = operand};
    for (int64_t c = 0; c < route->results[0]->type.dims[1]; c++) {
        ChannelSource source = channel_source(route->results[0], c);
        if (source.operand != operand)
            continue;
        if (way->count == 0)
            way->begin = source.channel;
        if (source.channel != way->begin + way->count)
            return false;
        way->count++;
    }
    return way->count > 0;
}

static bool meets_another(const Way *ways, int count, const Way *way) {
    for (int i = 0; i < count; i++)
        if (way->begin < ways[i].begin + ways[i].count && ways[i].begin < way->begin + way->count)
            return true;
    return false;
}

/* The ways of the value; 0 where something else reads it. */
static int find_ways(const Graph *graph, const Value *value, Way *ways) { /* 2 */
    int count = 0;
    for (Node *node = value->producer->next; node; node = node->next)
        for (int i = 0; i < node->operand_count; i++) {
            if (node->operands[i] != value)
                continue;
            if (count == MOST_WAYS || !read_range(node, i, &ways[count]) ||
                meets_another(ways, count, &ways[count]))
                return 0;
            count++;
        }
    return graph_use_count(graph, value) == count ? count : 0;
}

static bool gains(const Graph *graph, const Node *route) { /* 4 */
    const Value *value = route->results[0];
    if (route->operand_count > 1)
        return false;
    for (const Node *node = route->next; node; node = node->next)
        for (int i = 0; i < node->operand_count; i++)
            if (node->operands[i] == value)
                return used_once(graph, value) &&
                       (is_activation(node) || op_moves_numbers(node->op));
    return false;
}

static Weight *take_rows(PassContext *context, const Weight *weight, int64_t begin, int64_t count) {
    TensorType type = weight->type;
    type.dims[0] = count;
    Weight *taken = graph_add_computed_weight(context->graph, weight->path, type, NULL);
    int64_t row = tensor_elements(&weight->type) / weight->type.dims[0];
    weight_allocate_moved(context->graph, taken, weight);
    weight_move(taken, 0, weight, begin * row, count * row);
    weights_rest(taken, weight);
    return taken;
}

typedef struct FilterRange {
    const Node *model;
    Weight *weights[2];
} FilterRange;

static void prepare_range(Graph *graph, Node *node, const void *context) {
    const FilterRange *range = context;
    node_copy_attributes(graph, node, range->model);
    node->weights[0] = range->weights[0];
    node->weights[1] = range->weights[1];
}

/* Lets the route, which has other operands, too, read the part that is its range. */
static void replace_operand(PassContext *context, const Way *way, Value *part) {
    Node *route = way->route;
    const Value *result = route->results[0];
    int64_t count = result->type.dims[1];
    int64_t *channels = ARENA_ARRAY(context->scratch, int64_t, count);
    for (int64_t c = 0; c < count; c++) {
        ChannelSource source = channel_source(result, c);
        channels[c] = source.operand == way->operand ? source.channel - way->begin : source.channel;
        for (int i = 0; i < source.operand; i++)
            channels[c] += i == way->operand ? way->count : route->operands[i]->type.dims[1];
    }
    route->operands[way->operand] = part;
    node_set_list(context->graph, route, "channels", channels, (size_t)count);
}

static void take_way(PassContext *context, Node *conv, const Way *way) {
    FilterRange range = {.model = conv};
    for (int i = 0; i < 2; i++)
        if (conv->weights[i] != NULL)
            range.weights[i] = take_rows(context, conv->weights[i], way->begin, way->count);
    Value *part = insert_node(
        context->graph, conv, OP_conv, conv->path, conv->operands, 1, prepare_range, &range)
                      ->results[0];
    if (way->route->operand_count == 1)
        replace_node(context->graph, way->route, part);
    else
        replace_operand(context, way, part);
}

/* What is missing where the filters go such ways; NULL: nothing. */
static const char *obstacle(const Node *conv, const Way *ways, int count, int64_t least) {
    if (conv->operand_count != 1) /* 1 */
        return "the convolution adds a residual";
    if (node_integer(conv, "groups") != 1)
        return "the convolution has groups";
    if (conv->weights[0]->type.element != ELEMENT_F32)
        return "the weights of the convolution are rounded";
    for (int i = 0; i < count; i++)
        if (ways[i].count < least) /* 3 */
            return "a range of filters is shorter than the option 'least-filters' says";
    return NULL;
}

bool pass_split_convolution(PassContext *context) {
    Graph *graph = context->graph;
    int64_t least = pass_integer(context, "least-filters");
    for (Node *node = graph->first, *next; node; node = next) {
        next = node->next;
        if (node->op != OP_conv)
            continue;
        Way ways[MOST_WAYS];
        int count = find_ways(graph, node->results[0], ways);
        bool any = false;
        for (int i = 0; i < count; i++)
            any = any || gains(graph, ways[i].route);
        if (!any)
            continue;
        const char *missing = obstacle(node, ways, count, least);
        if (missing != NULL)
            pass_missed(context, node, missing);
        if (missing != NULL || !pass_may_rewrite(context, node))
            continue;
        for (int i = 0; i < count; i++)
            take_way(context, node, &ways[i]);
        next = node->next; /* routes went */
        graph_remove(graph, node);
    }
    return true;
}
