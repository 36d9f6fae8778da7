/* sink-route: moves a route that only reorders the channels of one value down over what treats each
 * channel alone: relu(route(x)) = route(relu(x)). In ShuffleNet V1 the shuffle then stands behind
 * the depthwise convolution, right before the grouped convolution, whose groups can gather their
 * inputs one number at a time at no cost; before, a depthwise convolution had to read vectors from
 * it.
 *
 * Legal when
 *     1. the route has one operand, and takes each of its channels once
 *     2. nobody but one node reads the route, and it is no graph output
 *     3. that node is channelwise (permute.h) and has no other operand
 * The node's weights of one entry a channel are permuted to the order of the route's operand.
 * Values are the same, bit by bit. The route sinks as far as it can. */
#include "passes/permute.h"
#include "passes/rewrite.h"

/* places[i]: the channel of the route's result that is channel i of its operand. NULL when some
 * channel is taken twice or not at all. */
static int64_t *inverse_list(PassContext *context, const Node *route) {
    IntegerList list = node_list(route, "channels");
    if (route->operand_count != 1 || route->operands[0]->type.dims[1] != (int64_t)list.count)
        return NULL;
    int64_t *places = ARENA_ARRAY(context->scratch, int64_t, list.count);
    for (size_t i = 0; i < list.count; i++)
        places[i] = -1;
    for (size_t i = 0; i < list.count; i++) {
        if (places[list.items[i]] >= 0)
            return NULL;
        places[list.items[i]] = (int64_t)i;
    }
    return places;
}

/* The first reader of the route that the route could sink over. */
static Node *find_reader(const Node *route) {
    const Value *value = route->results[0];
    for (Node *node = route->next; node; node = node->next)
        if (node->operand_count == 1 && node->operands[0] == value && is_channelwise(node))
            return node;
    return NULL; /* an output, or a second operand */
}

static void sink(PassContext *context, Node *route, Node *reader, const int64_t *places) {
    Graph *graph = context->graph;
    Value *result = reader->results[0], *moved = route->results[0];
    permute_weights(graph, reader, places, places);
    reader->operands[0] = route->operands[0];
    graph_replace_uses(graph, result, moved);
    graph_remove(graph, route);
    if (reader->next != NULL)
        graph_insert_before(graph, reader->next, route);
    else
        graph_append(graph, route);
    route->operands[0] = result;
    moved->type = result->type;
    const char *name = result->name; /* it belongs to the order that readers see */
    result->name = moved->name;
    moved->name = name;
}

bool pass_sink_route(PassContext *context) {
    Node *next;
    for (Node *node = context->graph->first; node; node = next) {
        next = node->next;
        if (node->op != OP_route)
            continue;
        const int64_t *places = inverse_list(context, node);
        Node *reader;
        while ((reader = find_reader(node)) != NULL) {
            const char *missing = places == NULL /* 1 */
                                      ? "it does not take each channel of one operand once"
                                      : !used_once(context->graph, node->results[0]) /* 2 */
                                            ? "its result has another use"
                                            : NULL;
            if (missing != NULL)
                pass_missed(context, node, missing);
            if (missing != NULL || !pass_may_rewrite(context, reader))
                break;
            sink(context, node, reader, places);
        }
    }
    return true;
}
