/* merge-layout: every tree of concat, split, shuffle, gather and route becomes one route per value
 * that something else reads (guideline G4 of the ShuffleNet V2 paper: element-wise and memory
 * operations are not free).
 *
 * A layout op computes nothing: each channel of its result is a channel of some root, a value that
 * is no layout op's result. So for each value made by layout ops we keep its origins, one (root,
 * channel) per channel, composed from the origins of the operands. What other nodes and graph
 * outputs read is then
 *     1. the root itself, when the origins are all its channels in order: nothing moves
 *     2. an earlier route with the same origins
 *     3. else one route from the roots, at the place of the op that made the value.
 * All old layout ops are unused after that and go, with those that nobody read. Roots none of whose
 * channels is read are no operands of the route.
 *
 * Always legal. It never moves more bytes: a value that another node reads had to be written
 * before, too, and values that only layout ops read are no longer written at all. A route that is
 * already what the pass would write is left alone, so that a second run changes nothing. */
#include "passes/rewrite.h"

#include <assert.h>

typedef struct Origin {
    Value *root;
    int64_t channel;
} Origin;

typedef struct Merger {
    PassContext *context;
    Graph *graph;
    Origin **origins; /* by value id; NULL for a value that is no layout op's result */
    Value **merged;   /* by value id: what readers get in its stead, once decided */
    bool *is_read;    /* by value id: by a node that is no layout op, or a graph output */
    int *root_marks;  /* by value id: position + 1 among the operands of the route being made */
    Value **routes;   /* layout values that were kept or made as a route, to find equal ones */
    size_t route_count;
    int value_count; /* values there were at the start */
} Merger;

static size_t channel_count(const Value *value) {
    return (size_t)value->type.dims[1];
}

static Origin origin_of(const Merger *merger, Value *value, int64_t channel) {
    const Origin *origins = merger->origins[value->id];
    return origins != NULL ? origins[channel] : (Origin){value, channel};
}

/* ---- phase 1: where each channel comes from ---- */

/* Channel `channel` of the operands joined along the channels; operand k begins at first[k]. */
static Origin joined_origin(
    const Merger *merger, const Node *node, const int64_t *first, int64_t channel) {
    int operand = 0;
    for (int behind = node->operand_count; behind - operand > 1;) {
        int middle = operand + (behind - operand) / 2;
        if (first[middle] <= channel)
            operand = middle;
        else
            behind = middle;
    }
    return origin_of(merger, node->operands[operand], channel - first[operand]);
}

static void find_origins(Merger *merger, const Node *node) {
    Arena *scratch = merger->context->scratch;
    int64_t *first = ARENA_ARRAY(scratch, int64_t, node->operand_count);
    for (int i = 1; i < node->operand_count; i++)
        first[i] = first[i - 1] + node->operands[i - 1]->type.dims[1];
    for (int r = 0; r < node->result_count; r++) {
        const Value *result = node->results[r];
        Origin *origins = ARENA_ARRAY(scratch, Origin, channel_count(result));
        for (size_t c = 0; c < channel_count(result); c++) {
            int64_t channel = node_source_channel(node, r, (int64_t)c);
            origins[c] = joined_origin(merger, node, first, channel);
        }
        merger->origins[result->id] = origins;
    }
}

/* ---- phase 2: what readers get instead ---- */

static bool is_whole_root(const Value *value, const Origin *origins) {
    if (channel_count(origins[0].root) != channel_count(value))
        return false;
    for (size_t c = 0; c < channel_count(value); c++)
        if (origins[c].root != origins[0].root || origins[c].channel != (int64_t)c)
            return false;
    return true;
}

static Value *find_equal_route(const Merger *merger, const Value *value) {
    size_t count = channel_count(value);
    const Origin *origins = merger->origins[value->id];
    for (size_t i = 0; i < merger->route_count; i++) {
        Value *route = merger->routes[i];
        const Origin *others = merger->origins[route->id];
        bool equal = channel_count(route) == count;
        for (size_t c = 0; equal && c < count; c++)
            equal = origins[c].root == others[c].root && origins[c].channel == others[c].channel;
        if (equal)
            return merger->merged[route->id];
    }
    return NULL;
}

/* Roots in the order of their first channel, and the list of channels of the route from them. */
typedef struct RoutePlan {
    Value **roots;
    int root_count;
    int64_t *channels;
    size_t channel_count;
} RoutePlan;

static RoutePlan plan_route(Merger *merger, const Value *value) {
    size_t count = channel_count(value);
    const Origin *origins = merger->origins[value->id];
    Arena *scratch = merger->context->scratch;
    RoutePlan plan = {
        ARENA_ARRAY(scratch, Value *, count), 0, ARENA_ARRAY(scratch, int64_t, count), count};
    for (size_t c = 0; c < count; c++) {
        if (merger->root_marks[origins[c].root->id] == 0) {
            plan.roots[plan.root_count++] = origins[c].root;
            merger->root_marks[origins[c].root->id] = plan.root_count;
        }
    }
    int64_t *first_channels = ARENA_ARRAY(scratch, int64_t, plan.root_count);
    for (int i = 1; i < plan.root_count; i++)
        first_channels[i] = first_channels[i - 1] + (int64_t)channel_count(plan.roots[i - 1]);
    for (size_t c = 0; c < count; c++)
        plan.channels[c] =
            first_channels[merger->root_marks[origins[c].root->id] - 1] + origins[c].channel;
    for (int i = 0; i < plan.root_count; i++)
        merger->root_marks[plan.roots[i]->id] = 0;
    return plan;
}

static bool is_planned_route(const Node *node, const RoutePlan *plan) {
    if (node->op != OP_route || node->operand_count != plan->root_count)
        return false;
    for (int i = 0; i < plan->root_count; i++)
        if (node->operands[i] != plan->roots[i])
            return false;
    return true; /* with equal operands, equal origins are equal channels */
}

static void set_channels(Graph *graph, Node *node, const void *context) {
    const RoutePlan *plan = context;
    node_set_list(graph, node, "channels", plan->channels, plan->channel_count);
}

static Value *merge_value(Merger *merger, Value *value) {
    const Origin *origins = merger->origins[value->id];
    Value *equal =
        is_whole_root(value, origins) ? origins[0].root : find_equal_route(merger, value);
    if (equal != NULL)
        return pass_may_rewrite(merger->context, value->producer) ? equal : value;
    merger->routes[merger->route_count++] = value;
    RoutePlan plan = plan_route(merger, value);
    if (is_planned_route(value->producer, &plan) ||
        !pass_may_rewrite(merger->context, value->producer))
        return value;
    Value *result = insert_node(merger->graph, value->producer, OP_route, value->producer->path,
        plan.roots, plan.root_count, set_channels, &plan)
                        ->results[0];
    result->name = value->name;
    return result;
}

/* ---- phase 3: give it to them, and drop the rest ---- */

static void mark_reads(Merger *merger) {
    for (const Node *node = merger->graph->first; node; node = node->next)
        for (int i = 0; i < node->operand_count && !op_moves_channels(node->op); i++)
            merger->is_read[node->operands[i]->id] = true;
    for (int i = 0; i < merger->graph->output_count; i++)
        merger->is_read[merger->graph->outputs[i].value->id] = true;
}

static Value *replacement(const Merger *merger, Value *value) {
    Value *merged = merger->merged[value->id];
    return merged != NULL ? merged : value;
}

static void replace_reads(Merger *merger) {
    Graph *graph = merger->graph;
    /* Routes read roots, which have no replacement, so all nodes can be treated alike. */
    for (Node *node = graph->first; node; node = node->next)
        for (int i = 0; i < node->operand_count; i++)
            if (node->operands[i]->id < merger->value_count)
                node->operands[i] = replacement(merger, node->operands[i]);
    for (int i = 0; i < graph->output_count; i++)
        graph->outputs[i].value = replacement(merger, graph->outputs[i].value);
}

static bool is_used(const Node *node, const int *use_counts) {
    for (int i = 0; i < node->result_count; i++)
        if (use_counts[node->results[i]->id] > 0)
            return true;
    return false;
}

/* Layout ops whose readers went elsewhere go with them. Those that nobody read before are
 * rewrites of their own. */
static void drop_unused(
    Merger *merger, Node *const *layout_nodes, size_t layout_count, const int *uses_before) {
    int *uses = graph_use_counts(merger->graph, merger->context->scratch);
    for (size_t i = layout_count; i-- > 0;) {
        Node *node = layout_nodes[i];
        if (is_used(node, uses) ||
            (!is_used(node, uses_before) && !pass_may_rewrite(merger->context, node)))
            continue;
        for (int k = 0; k < node->operand_count; k++)
            uses[node->operands[k]->id]--;
        graph_remove(merger->graph, node);
    }
}

/* How much there is to do. */
typedef struct LayoutCounts {
    size_t nodes, results;
    int64_t channels; /* of the results; counted no further than just above `most` */
} LayoutCounts;

static LayoutCounts count_layout(const Graph *graph, int64_t most) {
    LayoutCounts counts = {0};
    for (const Node *node = graph->first; node; node = node->next) {
        if (!op_moves_channels(node->op))
            continue;
        counts.nodes++;
        counts.results += (size_t)node->result_count;
        for (int i = 0; i < node->result_count && counts.channels <= most; i++)
            counts.channels += node->results[i]->type.dims[1];
    }
    return counts;
}

bool pass_merge_layout(PassContext *context) {
    Graph *graph = context->graph;
    Arena *scratch = context->scratch;
    int64_t most = pass_integer(context, "most-channels"); /* no network comes near the default */
    LayoutCounts counts = count_layout(graph, most);
    if (counts.nodes == 0 || counts.channels > most)
        return true;
    size_t values = (size_t)graph->next_value_id;
    Merger merger = {
        .context = context,
        .graph = graph,
        .origins = ARENA_ARRAY(scratch, Origin *, values),
        .merged = ARENA_ARRAY(scratch, Value *, values),
        .is_read = ARENA_ARRAY(scratch, bool, values),
        .root_marks = ARENA_ARRAY(scratch, int, values),
        .routes = ARENA_ARRAY(scratch, Value *, counts.results),
        .value_count = graph->next_value_id,
    };
    Node **layout_nodes = ARENA_ARRAY(scratch, Node *, counts.nodes);
    const int *uses = graph_use_counts(graph, scratch);
    mark_reads(&merger);
    size_t at = 0;
    for (Node *node = graph->first; node; node = node->next) {
        if (!op_moves_channels(node->op) || node->results[0]->id >= merger.value_count)
            continue; /* no layout op, or a route of ours */
        layout_nodes[at++] = node;
        find_origins(&merger, node);
        for (int i = 0; i < node->result_count; i++)
            if (merger.is_read[node->results[i]->id])
                merger.merged[node->results[i]->id] = merge_value(&merger, node->results[i]);
    }
    replace_reads(&merger);
    drop_unused(&merger, layout_nodes, counts.nodes, uses);
    return true;
}
