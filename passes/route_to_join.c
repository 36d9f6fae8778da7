/* route-to-join: a route that only rearrange, slice and join read becomes a join of slices, so that
 * there is one map from each of its sources to where their numbers go, and sources are stored
 * there.
 *
 * Legal always; done when
 *     1. no output and no other op reads the route
 *     2. its channels are at most most-parts ranges, each of one operand in equal steps. */
#include "passes/rewrite.h"

/* Channels of an operand: `begin`, begin + step and so on. */
typedef struct OperandRange {
    int operand;
    int64_t begin, step, count;
} OperandRange;

static bool moves_numbers(const Node *reader, const void *context) {
    (void)context;
    return op_moves_numbers(reader->op);
}

static bool is_read_by_moves_alone(const Graph *graph, const Value *value) {
    return graph_use_count(graph, value) > 0 &&
           graph_is_read_only_by(graph, value, moves_numbers, NULL);
}

/* Adds the channel to the range, if it goes on there. */
static bool extend(OperandRange *range, const ChannelSource *source) {
    int64_t step = source->channel - (range->begin + (range->count - 1) * range->step);
    if (source->operand != range->operand || step < 1 || (range->count > 1 && step != range->step))
        return false;
    range->step = step;
    range->count++;
    return true;
}

/* The ranges of the route; NULL when there are more than `most`. */
static OperandRange *find_ranges(
    PassContext *context, const Node *route, int64_t most, int *count) {
    const Value *value = route->results[0];
    OperandRange *ranges = ARENA_ARRAY(context->scratch, OperandRange, most);
    *count = 0;
    for (int64_t c = 0; c < value->type.dims[1]; c++) {
        ChannelSource source = channel_source(value, c);
        if (*count > 0 && extend(&ranges[*count - 1], &source))
            continue;
        if (*count == most)
            return NULL;
        ranges[(*count)++] = (OperandRange){source.operand, source.channel, 1, 1};
    }
    return ranges;
}

static void prepare_slice(Graph *graph, Node *node, const void *context) {
    const OperandRange *range = context;
    const TensorType *type = &node->operands[0]->type;
    int64_t begin[MAX_RANK] = {0}, step[MAX_RANK], dims[MAX_RANK];
    for (int i = 0; i < type->rank; i++) {
        step[i] = 1;
        dims[i] = type->dims[i];
    }
    begin[1] = range->begin;
    step[1] = range->step;
    dims[1] = range->count;
    node_set_list(graph, node, "begin", begin, (size_t)type->rank);
    node_set_list(graph, node, "step", step, (size_t)type->rank);
    node_set_list(graph, node, "dims", dims, (size_t)type->rank);
}

static void prepare_join(Graph *graph, Node *node, const void *context) {
    (void)graph;
    (void)context;
    node_set_integer(node, "axis", 1);
}

static void become_join(PassContext *context, Node *route, const OperandRange *ranges, int count) {
    Graph *graph = context->graph;
    Value **parts = ARENA_ARRAY(context->scratch, Value *, count);
    for (int i = 0; i < count; i++) {
        Value *source = route->operands[ranges[i].operand];
        bool whole = ranges[i].count == source->type.dims[1];
        parts[i] = whole ? source
                         : insert_node(graph, route, OP_slice, route->path, &source, 1,
                               prepare_slice, &ranges[i])
                               ->results[0];
    }
    if (count > 1)
        parts[0] = insert_node(graph, route, OP_join, route->path, parts, count, prepare_join, NULL)
                       ->results[0];
    replace_node(graph, route, parts[0]);
}

bool pass_route_to_join(PassContext *context) {
    int64_t most = pass_integer(context, "most-parts");
    for (Node *node = context->graph->first, *next; node; node = next) {
        next = node->next;
        if (node->op != OP_route || !is_read_by_moves_alone(context->graph, node->results[0]))
            continue;
        int count;
        const OperandRange *ranges = find_ranges(context, node, most, &count);
        if (ranges == NULL)
            pass_missed(context, node, "it takes more ranges than the option 'most-parts' says");
        else if (pass_may_rewrite(context, node))
            become_join(context, node, ranges, count);
    }
    return true;
}
