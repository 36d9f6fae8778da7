/* extract-route: what a slice, or a rearrange, does to channels becomes a route in front of it.
 * Routes are what the order of a layer's filters can be chosen for (absorb-route), what a layer can
 * be split by (split-convolution), and what merges with others.
 *
 *     1. A slice of a rearrange, or of any tensor, that takes channels of what that is made of: a
 *        route takes them, and a rearrange of it gives the result. A box decoder's slices of
 *        [1, HW, C] end as ranges of filters. Done when all that read the rearrange are such
 * slices.
 *     2. A rearrange that puts channels at several distances (a pixel shuffle): the channels that
 *        are farthest apart in the result come first, so that those that stay together are a
 *        range. Done when the operand comes from a dense convolution or a fully connected layer
 *        alone, whose filters can follow.
 * Always legal: the map of one to the other (ir/index_map.h) says where each number goes, before
 * and after. */
#include "ir/index_map.h"
#include "passes/rewrite.h"

#include <stdlib.h>

typedef struct ChannelDigit {
    Digit *digit;
    int64_t distance; /* in the result, counted as one row of numbers */
} ChannelDigit;

typedef struct Extracted {
    int64_t *channels; /* of the source: what the route takes */
    int64_t count;
    Rearrangement rest; /* from the route's result to the node's */
} Extracted;

static int compare_distance(const void *left, const void *right) {
    const ChannelDigit *a = left, *b = right;
    return (a->distance < b->distance) - (a->distance > b->distance);
}

/* How far a step of each dimension of the result leads. In order: as the
 * dimensions are, as outputs lie; else the channels of a pixel lie together. */
static void find_strides(const IndexMap *map, bool in_order, int64_t strides[MAX_RANK]) {
    bool together = rank_has_channels(map->result_rank) && !in_order;
    int64_t product = together ? map->result_dims[1] : 1;
    for (int d = map->result_rank; d-- > 0;) {
        strides[d] = together && d == 1 ? 1 : product;
        product *= together && d == 1 ? 1 : map->result_dims[d];
    }
}

/* The digits of the source's channels, the farthest apart in the result first. */
static int find_channel_digits(IndexMap *map, bool in_order, ChannelDigit *found) {
    int64_t strides[MAX_RANK];
    find_strides(map, in_order, strides);
    int count = 0;
    for (int i = 0; i < map->digit_count; i++) {
        Digit *digit = &map->digits[i];
        if (digit->source_dimension == 1)
            found[count++] =
                (ChannelDigit){digit, digit->result_weight * strides[digit->result_dimension]};
    }
    qsort(found, (size_t)count, sizeof *found, compare_distance);
    return count;
}

/* Cuts the map in two: channels, and where they go. False where it moves none, or where its rest is
 * no rearrange. */
static bool extract_channels(
    const PassContext *context, const Node *node, IndexMap *map, Extracted *extracted) {
    ChannelDigit found[MOST_DIGITS];
    if (map->empty || !rank_has_channels(map->source_rank))
        return false;
    int digits = find_channel_digits(map, graph_is_output(context->graph, node->results[0]), found);
    extracted->count = 1;
    for (int i = 0; i < digits; i++)
        extracted->count *= found[i].digit->size;
    extracted->channels = ARENA_ARRAY(context->scratch, int64_t, extracted->count);
    bool moved = extracted->count != map->source_dims[1];
    for (int64_t c = 0; c < extracted->count; c++) {
        int64_t rest = c;
        extracted->channels[c] = map->source_base[1];
        for (int i = digits; i-- > 0; rest /= found[i].digit->size)
            extracted->channels[c] += rest % found[i].digit->size * found[i].digit->source_weight;
        moved = moved || extracted->channels[c] != c;
    }
    for (int64_t i = digits, weight = 1; i-- > 0; weight *= found[i].digit->size)
        found[i].digit->source_weight = weight;
    map->source_base[1] = 0;
    map->source_dims[1] = extracted->count;
    return moved && index_map_rearrangement(map, &extracted->rest);
}

/* The map of a slice; through the rearrange before it, if that is what it reads. */
static bool map_of_slice(const Node *slice, IndexMap *map, Value **source) {
    Node *before = slice->operands[0]->producer;
    bool follows = before != NULL && before->op == OP_rearrange;
    *source = follows ? before->operands[0] : slice->operands[0];
    *map = index_map_identity(&(*source)->type);
    bool applied = (!follows || index_map_apply(map, before, 0)) && index_map_apply(map, slice, 0);
    index_map_simplify(map);
    return applied;
}

static bool is_slice_of_channels(
    const PassContext *context, const Node *node, Value **source, Extracted *extracted) {
    IndexMap map;
    return node->op == OP_slice && map_of_slice(node, &map, source) &&
           extract_channels(context, node, &map, extracted);
}

static bool slices_channels(const Node *reader, const void *context) {
    Value *source;
    Extracted extracted;
    return is_slice_of_channels(context, reader, &source, &extracted);
}

/* Whether filters can be put in any order for the only reader of the value. */
static bool has_free_filters(const Graph *graph, const Value *value) {
    const Node *producer = value->producer;
    while (producer != NULL && used_once(graph, value) && is_activation(producer)) {
        value = producer->operands[0];
        producer = value->producer;
    }
    return producer != NULL && used_once(graph, value) &&
           (producer->op == OP_linear ||
               (producer->op == OP_conv && node_integer(producer, "groups") == 1 &&
                   producer->operand_count == 1));
}

static bool is_worthwhile_slice(
    PassContext *context, const Node *slice, Value **source, Extracted *extracted) {
    const Node *before = slice->operands[0]->producer;
    if (!is_slice_of_channels(context, slice, source, extracted))
        return false;
    bool alone =
        before == NULL || before->op != OP_rearrange ||
        graph_is_read_only_by(context->graph, slice->operands[0], slices_channels, context);
    if (!alone)
        pass_missed(context, slice, "other ops than such slices read the rearrange before it");
    return alone;
}

static bool is_worthwhile_rearrange(
    PassContext *context, const Node *rearrange, Value **source, Extracted *extracted) {
    IndexMap map;
    *source = rearrange->operands[0];
    if (!index_map_of(rearrange, &map) || !extract_channels(context, rearrange, &map, extracted))
        return false;
    bool is_free = has_free_filters(context->graph, *source);
    if (!is_free)
        pass_missed(context, rearrange, "no layer's filters alone are what it rearranges");
    return is_free;
}

static bool is_worthwhile(
    PassContext *context, const Node *node, Value **source, Extracted *extracted) {
    return node->op == OP_slice       ? is_worthwhile_slice(context, node, source, extracted)
           : node->op == OP_rearrange ? is_worthwhile_rearrange(context, node, source, extracted)
                                      : false;
}

static void prepare_route(Graph *graph, Node *node, const void *context) {
    const Extracted *extracted = context;
    node_set_list(graph, node, "channels", extracted->channels, (size_t)extracted->count);
}

bool pass_extract_route(PassContext *context) {
    Graph *graph = context->graph;
    for (Node *node = graph->first, *next; node; node = next) {
        Value *source;
        Extracted extracted;
        next = node->next;
        if (!is_worthwhile(context, node, &source, &extracted) || !pass_may_rewrite(context, node))
            continue;
        Value *routed =
            insert_node(graph, node, OP_route, node->path, &source, 1, prepare_route, &extracted)
                ->results[0];
        Value *result = insert_node(
            graph, node, OP_rearrange, node->path, &routed, 1, set_rearrangement, &extracted.rest)
                            ->results[0];
        replace_node(graph, node, result);
        remove_unused(graph, node->operands[0]);
    }
    return true;
}
