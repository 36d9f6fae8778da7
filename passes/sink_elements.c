/* sink-elements: an element-wise op of rearranged tensors and constants is computed before the
 * rearrange, and what comes out is rearranged. Box decoders compute with slices of [1, HW, C] that
 * are written as images of one row; afterwards they compute with images of the layer that made
 * them, and the rearrange meets the one behind.
 *
 * Legal when
 *     1. the operands are constants and results of rearranges that are the same map
 *     2. the map takes each number once, and what comes out has as many. Constants are put in the
 *        order of the source; along what they are repeated on in the result they stay one number.
 * Done when
 *     3. nothing but such ops reads the rearranges.
 * Values are the same. */
#include "ir/index_map.h"
#include "ir/weight_numbers.h"
#include "passes/rewrite.h"

#include <string.h>

static bool is_constant(const Value *value) {
    return value->producer != NULL && value->producer->op == OP_constant;
}

static bool is_equal_map(const IndexMap *a, const IndexMap *b) {
    if (a->digit_count != b->digit_count || a->source_rank != b->source_rank ||
        memcmp(a->source_dims, b->source_dims, sizeof a->source_dims) != 0)
        return false;
    for (int i = 0; i < a->digit_count; i++) {
        const Digit *x = &a->digits[i], *y = &b->digits[i];
        if (x->size != y->size || x->source_dimension != y->source_dimension ||
            x->source_weight != y->source_weight || x->result_dimension != y->result_dimension ||
            x->result_weight != y->result_weight)
            return false;
    }
    return true;
}

/* The map that brings all operands but constants to where they are; false where there is none. */
static bool find_map(const Node *node, IndexMap *map) {
    bool found = false;
    for (int i = 0; i < node->operand_count; i++) {
        const Value *operand = node->operands[i];
        IndexMap of_operand;
        if (is_constant(operand))
            continue;
        if (operand->producer == NULL || operand->producer->op != OP_rearrange ||
            !tensor_type_equal(&operand->type, &node->results[0]->type) ||
            !index_map_of(operand->producer, &of_operand) || index_map_repeats(&of_operand) ||
            (found && !is_equal_map(map, &of_operand)))
            return false;
        *map = of_operand;
        found = true;
    }
    return found;
}

typedef struct Sinking {
    IndexMap map;                /* from the operands as they are computed to the result */
    Rearrangement rearrangement; /* that says it */
} Sinking;

static bool can_sink(const Node *node, Sinking *sinking) {
    return op_computes_elements(node->op) && find_map(node, &sinking->map) &&
           rank_has_channels(sinking->map.source_rank) &&
           rank_has_channels(sinking->map.result_rank) &&
           index_map_rearrangement(&sinking->map, &sinking->rearrangement);
}

static bool is_such(const Node *reader, const void *context) {
    (void)context;
    Sinking sinking;
    return can_sink(reader, &sinking);
}

static bool is_worthwhile(const Graph *graph, const Node *node) { /* 3 */
    for (int i = 0; i < node->operand_count; i++)
        if (!is_constant(node->operands[i]) &&
            !graph_is_read_only_by(graph, node->operands[i], is_such, NULL))
            return false;
    return true;
}

/* ---- constants ---- */

/* The constant's dimensions in the source: 1 along what it is repeated on. strides[i]: how far a
 * step of digit i leads in its numbers. */
static TensorType constant_type(
    const IndexMap *map, const TensorType *constant, int64_t strides[MOST_DIGITS]) {
    int64_t product = 1, of_dimension[MAX_RANK] = {0}, dims[MAX_RANK];
    for (int d = constant->rank; d-- > 0; product *= constant->dims[d])
        of_dimension[d] = constant->dims[d] > 1 ? product : 0;
    for (int d = 0; d < map->source_rank; d++)
        dims[d] = 1;
    for (int i = 0; i < map->digit_count; i++) {
        const Digit *digit = &map->digits[i];
        strides[i] = digit->result_weight * of_dimension[digit->result_dimension];
        if (strides[i] > 0)
            dims[digit->source_dimension] = map->source_dims[digit->source_dimension];
    }
    return tensor_type(map->source_rank, dims);
}

static int64_t place_of(
    const IndexMap *map, const int64_t *strides, const int64_t index[MAX_RANK]) {
    int64_t at = 0;
    for (int i = 0; i < map->digit_count; i++) {
        const Digit *digit = &map->digits[i];
        at += index[digit->source_dimension] / digit->source_weight % digit->size * strides[i];
    }
    return at;
}

static Weight *rearranged_constant(
    PassContext *context, const Node *constant, const IndexMap *map) {
    const Weight *weight = constant->weights[0];
    int64_t strides[MOST_DIGITS];
    TensorType type = constant_type(map, &weight->type, strides);
    Weight *made = graph_add_computed_weight(context->graph, weight->path, type, NULL);
    weight_allocate_moved(context->graph, made, weight);
    int64_t index[MAX_RANK] = {0};
    for (int64_t i = 0, count = tensor_elements(&type); i < count; i++) {
        int64_t rest = i;
        for (int d = type.rank; d-- > 0; rest /= type.dims[d])
            index[d] = rest % type.dims[d];
        weight_move(made, i, weight, place_of(map, strides, index), 1);
    }
    weights_rest(made, weight);
    return made;
}

static void prepare_rearranged_constant(Graph *graph, Node *node, const void *context) {
    Weight *const *weight = context;
    node->weights[0] = *weight;
    node_set_list(graph, node, "dims", (*weight)->type.dims, (size_t)(*weight)->type.rank);
}

/* ---- the op ---- */

static Value *operand_before(
    PassContext *context, const Node *node, Node *producer, const IndexMap *map) {
    if (producer->op != OP_constant)
        return producer->operands[0];
    Weight *weight = rearranged_constant(context, producer, map);
    return insert_node(context->graph, producer, OP_constant, node->path, NULL, 0,
        prepare_rearranged_constant, &weight)
        ->results[0];
}

static void sink(PassContext *context, Node *node, const Sinking *sinking) {
    Graph *graph = context->graph;
    Value **operands = ARENA_ARRAY(context->scratch, Value *, node->operand_count);
    for (int i = 0; i < node->operand_count; i++)
        operands[i] = operand_before(context, node, node->operands[i]->producer, &sinking->map);
    Value *computed = insert_node(
        graph, node, node->op, node->path, operands, node->operand_count, copy_attributes, node)
                          ->results[0];
    Value *moved = insert_node(graph, node, OP_rearrange, node->path, &computed, 1,
        set_rearrangement, &sinking->rearrangement)
                       ->results[0];
    replace_node(graph, node, moved);
    for (int i = 0; i < node->operand_count; i++)
        remove_unused(graph, node->operands[i]);
}

bool pass_sink_elements(PassContext *context) {
    for (Node *node = context->graph->first, *next; node; node = next) {
        Sinking sinking;
        next = node->next;
        if (!can_sink(node, &sinking))
            continue;
        if (!is_worthwhile(context->graph, node))
            pass_missed(context, node, "another op reads the rearrange before it, too");
        else if (pass_may_rewrite(context, node))
            sink(context, node, &sinking);
    }
    return true;
}
