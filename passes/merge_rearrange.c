/* merge-rearrange: a rearrange of a rearrange becomes one, of whatever both come to.
 *
 *     1. What puts each number where it was is dropped: its readers read the operand.
 *     2. What only puts channels in another order becomes a gather, which merge-layout and
 *        absorb-route know.
 *     3. Else one rearrange takes the place of both, where its factors can say it.
 * Always legal: a map of one to the other is composed (ir/index_map.h), and numbers are moved as it
 * says. The first is left where others read it, too. */
#include "ir/index_map.h"
#include "passes/rewrite.h"

/* The map from `source` to the result of the node; false where no map can say it. */
static bool map_from(const Node *node, const Value *source, IndexMap *map) {
    const Value *operand = node->operands[0];
    *map = index_map_identity(&source->type);
    bool applied = (operand == source || index_map_apply(map, operand->producer, 0)) &&
                   index_map_apply(map, node, 0);
    index_map_simplify(map);
    return applied;
}

/* channels[i]: the channel of the source that is channel i of the result. False where the map moves
 * anything else. */
static bool only_channels_move(const IndexMap *map, int64_t *channels) {
    IndexMap others = *map;
    others.digit_count = 0;
    for (int64_t c = 0; c < map->result_dims[1]; c++)
        channels[c] = 0;
    int64_t taken = 1;
    for (int i = 0; i < map->digit_count; i++) {
        const Digit *digit = &map->digits[i];
        if (digit->source_dimension != 1 || digit->result_dimension != 1) {
            others.digits[others.digit_count++] = *digit;
            continue;
        }
        taken *= digit->size;
        for (int64_t c = 0; c < map->result_dims[1]; c++)
            channels[c] += c / digit->result_weight % digit->size * digit->source_weight;
    }
    others.source_dims[1] = others.result_dims[1] = 1;
    return map->source_base[1] == 0 && map->result_base[1] == 0 && taken == map->source_dims[1] &&
           taken == map->result_dims[1] && index_map_is_identity(&others);
}

static void prepare_gather(Graph *graph, Node *node, const void *context) {
    const IntegerList *list = context;
    node_set_list(graph, node, "channels", list->items, list->count);
}

/* What stands for the node's result, of the source; NULL where the node is the best there is. */
static Value *merged_value(PassContext *context, Node *node, Value *source) {
    Graph *graph = context->graph;
    IndexMap map;
    if (!map_from(node, source, &map))
        return NULL;
    bool is_identity = index_map_is_identity(&map);
    if (is_identity)
        return pass_may_rewrite(context, node) ? source : NULL;
    if (rank_has_channels(map.source_rank) && rank_has_channels(map.result_rank)) {
        int64_t *channels = ARENA_ARRAY(context->scratch, int64_t, map.result_dims[1]);
        const IntegerList list = {channels, (size_t)map.result_dims[1]};
        if (only_channels_move(&map, channels))
            return pass_may_rewrite(context, node) ? insert_node(graph, node, OP_gather, node->path,
                                                         &source, 1, prepare_gather, &list)
                                                         ->results[0]
                                                   : NULL;
    }
    Rearrangement both;
    if (source == node->operands[0] || !index_map_rearrangement(&map, &both) ||
        !pass_may_rewrite(context, node))
        return NULL;
    return insert_node(graph, node, OP_rearrange, node->path, &source, 1, set_rearrangement, &both)
        ->results[0];
}

/* Whether one rearrange can take the place of both. */
static bool can_be_one(const Node *node, const Node *before) {
    IndexMap map;
    Rearrangement both;
    return map_from(node, before->operands[0], &map) &&
           (index_map_is_identity(&map) || index_map_rearrangement(&map, &both));
}

bool pass_merge_rearrange(PassContext *context) {
    Graph *graph = context->graph;
    for (Node *node = graph->first, *next; node; node = next) {
        next = node->next;
        if (node->op != OP_rearrange)
            continue;
        Value *operand = node->operands[0];
        Node *before = operand->producer;
        bool follows = before != NULL && before->op == OP_rearrange;
        Value *merged = merged_value(context, node, follows ? before->operands[0] : operand);
        if (merged == NULL && follows) {
            if (!can_be_one(node, before))
                pass_missed(context, node, "no rearrange says what it and the one before come to");
            merged = merged_value(context, node, operand);
        }
        if (merged == NULL)
            continue;
        replace_node(graph, node, merged);
        remove_unused(graph, operand);
    }
    return true;
}
