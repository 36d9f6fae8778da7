/* Views that are no list of channels: the tensor is made as it is seen, and rearranged, sliced or
 * joined as a whole. What of this moves anything is decided when the network is compiled. */
#include "frontend/import/importer.h"
#include "ir/index_map.h"

#include <string.h>

/* ---- tensors ---- */

/* The value that the node, not inferred yet, puts back from what those before it made of it; NULL
 * where it does not. */
static Value *put_back(const Node *node) {
    enum { MOST_STEPS = 16 };
    const Node *steps[MOST_STEPS] = {node};
    for (int count = 1; count < MOST_STEPS; count++) {
        const Node *before = steps[count - 1]->operands[0]->producer;
        if (before == NULL || before->op != OP_rearrange)
            return NULL;
        steps[count] = before;
        IndexMap map = index_map_identity(&before->operands[0]->type);
        bool applied = true;
        for (int i = count; applied && i >= 0; i--)
            applied = index_map_apply(&map, steps[i], 0);
        index_map_simplify(&map);
        if (applied && index_map_is_identity(&map))
            return before->operands[0];
    }
    return NULL;
}

Value *rearrange_value(Importer *importer, Value *value, const Shape *factors, const int64_t *order,
    size_t order_count, const Shape *shape) {
    if (shape->rank < 1 || shape->rank > MAX_RANK) {
        node_fault(importer, NULL, "the shape %s has %d dimensions; riffle has 1 to %d",
            shape_spelling(importer->arena, shape), shape->rank, (int)MAX_RANK);
        return NULL;
    }
    Node *node = begin_node(importer, OP_rearrange, "", &value, 1);
    node_set_list(importer->graph, node, "factors", factors->dims, (size_t)factors->rank);
    node_set_list(importer->graph, node, "order", order, order_count);
    node_set_list(importer->graph, node, "dims", shape->dims, (size_t)shape->rank);
    Value *before = put_back(node);
    if (before != NULL)
        return before;
    return finish_node(importer, node) ? node->results[0] : NULL;
}

static const int64_t in_order[] = {0, 1, 2, 3, 4, 5, 6, 7};
_Static_assert(sizeof in_order / sizeof *in_order == MODEL_MAX_RANK, "an entry for each dimension");

/* The same numbers in the same order. */
static Value *reshape(Importer *importer, Value *value, const Shape *shape) {
    Shape own = shape_of_value(value), factors;
    if (shape_equal(&own, shape))
        return value;
    int64_t list[2 * MODEL_MAX_RANK];
    size_t count =
        common_factors(own.dims, own.rank, shape->dims, shape->rank, list, 2 * MODEL_MAX_RANK);
    if (count == 0 || count > MODEL_MAX_RANK) { /* as a row in between */
        Shape row = {.rank = 1, .dims = {shape_elements(&own)}};
        value = rearrange_value(importer, value, &own, in_order, (size_t)own.rank, &row);
        return value == NULL
                   ? NULL
                   : rearrange_value(importer, value, shape, in_order, (size_t)shape->rank, shape);
    }
    factors.rank = (int)count;
    memcpy(factors.dims, list, count * sizeof *list);
    return rearrange_value(importer, value, &factors, in_order, count, shape);
}

Value *symbol_tensor(Importer *importer, Symbol *symbol) {
    Value *value = settle_symbol(importer, symbol);
    return value == NULL ? NULL : reshape(importer, value, &symbol->shape);
}

Value *symbol_row(Importer *importer, Symbol *symbol) {
    Value *value = settle_symbol(importer, symbol);
    if (value == NULL)
        return NULL;
    int64_t elements = tensor_elements(&value->type), images = symbol->shape.dims[0];
    return reshape(importer, value, &(Shape){.rank = 2, .dims = {images, elements / images}});
}

Value *symbol_elements(Importer *importer, Symbol *symbol) {
    Value *value = settle_symbol(importer, symbol);
    bool known = value == NULL || rank_has_channels(value->type.rank);
    return known ? value : symbol_row(importer, symbol);
}

/* ---- an order of dimensions ---- */

Symbol *arrange_transpose(Importer *importer, const Symbol *symbol, const int *order) {
    Symbol source = *symbol;
    Value *value = symbol_tensor(importer, &source);
    Shape shape = {.rank = symbol->shape.rank};
    int64_t items[MODEL_MAX_RANK];
    for (int i = 0; i < shape.rank; i++) {
        items[i] = order[i];
        shape.dims[i] = symbol->shape.dims[order[i]];
    }
    if (value == NULL)
        return NULL;
    value = rearrange_value(importer, value, &symbol->shape, items, (size_t)shape.rank, &shape);
    return value == NULL ? NULL : symbol_of_value(importer, value);
}

Value *axis_to_channels(Importer *importer, Symbol *symbol, int axis) {
    Value *value = symbol_tensor(importer, symbol);
    int64_t order[MODEL_MAX_RANK] = {axis}, size = symbol->shape.dims[axis];
    int rank = symbol->shape.rank;
    for (int i = 0, at = 1; i < rank; i++)
        if (i != axis)
            order[at++] = i;
    Shape shape = {.rank = 4, .dims = {1, size, 1, shape_elements(&symbol->shape) / size}};
    return value == NULL
               ? NULL
               : rearrange_value(importer, value, &symbol->shape, order, (size_t)rank, &shape);
}

Symbol *channels_to_axis(
    Importer *importer, Value *value, const Symbol *symbol, int axis, int64_t size) {
    Shape shape = symbol->shape, factors = {.rank = shape.rank, .dims = {size}};
    int64_t order[MODEL_MAX_RANK];
    shape.dims[axis] = size;
    for (int i = 0, at = 1; i < shape.rank; i++) {
        order[i] = i == axis ? 0 : at;
        if (i != axis)
            factors.dims[at++] = shape.dims[i];
    }
    value = value == NULL
                ? NULL
                : rearrange_value(importer, value, &factors, order, (size_t)shape.rank, &shape);
    return value == NULL ? NULL : symbol_of_value(importer, value);
}

/* Whether its second dimension is the channels of what it is a view of; of any [n,c,h,w] and [n,c]
 * it is. */
static bool keeps_channels(Importer *importer, Symbol *symbol) {
    if (!lists_channels(symbol))
        return false;
    const Value *value = settle_symbol(importer, symbol);
    return rank_has_channels(symbol->shape.rank) ||
           (value != NULL && value->type.rank >= 2 &&
               value->type.dims[0] == symbol->shape.dims[0] &&
               value->type.dims[1] == symbol->shape.dims[1]);
}

Symbol *along_axis(Importer *importer, Symbol *symbol, int axis, OpKind op) {
    if (axis == 1 && keeps_channels(importer, symbol)) {
        Value *channels = symbol_channels(importer, symbol);
        channels = channels == NULL ? NULL : build_unary(importer, op, channels);
        return channels == NULL ? NULL : view_over(importer, channels, &symbol->shape);
    }
    Value *value = axis_to_channels(importer, symbol, axis);
    value = value == NULL ? NULL : build_unary(importer, op, value);
    return value == NULL ? NULL
                         : channels_to_axis(importer, value, symbol, axis, value->type.dims[1]);
}

/* ---- parts ---- */

/* first + i * step for all i; 0 where the list is no such. */
static int64_t step_of(const int64_t *list, int64_t count) {
    int64_t step = count > 1 ? list[1] - list[0] : 1;
    for (int64_t i = 1; i < count; i++)
        if (list[i] - list[i - 1] != step)
            return 0;
    return step;
}

static Value *take_steps(
    Importer *importer, Value *value, int axis, int64_t begin, int64_t step, int64_t count) {
    Shape shape = shape_of_value(value);
    int64_t begins[MAX_RANK] = {0}, steps[MAX_RANK] = {1, 1, 1, 1, 1, 1};
    begins[axis] = begin;
    steps[axis] = step;
    shape.dims[axis] = count;
    Node *node = begin_node(importer, OP_slice, "", &value, 1);
    node_set_list(importer->graph, node, "begin", begins, (size_t)shape.rank);
    node_set_list(importer->graph, node, "step", steps, (size_t)shape.rank);
    node_set_list(importer->graph, node, "dims", shape.dims, (size_t)shape.rank);
    return finish_node(importer, node) ? node->results[0] : NULL;
}

int64_t times_of(const int64_t *list, int64_t count, int64_t size) {
    int64_t times = count / size;
    for (int64_t i = 0; i < count; i++)
        if (count % size != 0 || list[i] != i / times)
            return 0;
    return times;
}

Symbol *arrange_repeat(Importer *importer, const Symbol *symbol, const int64_t *times) {
    Symbol source = *symbol;
    Value *value = symbol_tensor(importer, &source);
    int64_t order[2 * MODEL_MAX_RANK];
    Shape shape = symbol->shape;
    size_t count = 0;
    for (int i = 0; i < shape.rank; i++) {
        order[count++] = i;
        if (times[i] > 1)
            order[count++] = -times[i];
        shape.dims[i] *= times[i];
    }
    value = value == NULL ? NULL
                          : rearrange_value(importer, value, &symbol->shape, order, count, &shape);
    return value == NULL ? NULL : symbol_of_value(importer, value);
}

Symbol *arrange_take(
    Importer *importer, const Symbol *symbol, int axis, const int64_t *list, int64_t count) {
    Symbol source = *symbol;
    int64_t step = step_of(list, count);
    Value *value;
    if (step > 0) {
        value = symbol_tensor(importer, &source);
        value = value == NULL ? NULL : take_steps(importer, value, axis, list[0], step, count);
    } else {
        value = axis_to_channels(importer, &source, axis);
        if (value == NULL)
            return NULL;
        Node *node = begin_node(importer, OP_gather, "", &value, 1);
        node_set_list(importer->graph, node, "channels", list, (size_t)count);
        value = finish_node(importer, node) ? node->results[0] : NULL;
        return value == NULL ? NULL : channels_to_axis(importer, value, symbol, axis, count);
    }
    return value == NULL ? NULL : symbol_of_value(importer, value);
}

Symbol *arrange_pick(
    Importer *importer, const Symbol *symbol, int64_t *const *lists, const int64_t *sizes) {
    int64_t times[MODEL_MAX_RANK];
    bool repeats = true;
    Symbol *result = (Symbol *)symbol;
    for (int i = 0; i < symbol->shape.rank; i++) {
        times[i] = times_of(lists[i], sizes[i], symbol->shape.dims[i]);
        repeats = repeats && times[i] > 0;
    }
    if (repeats)
        return arrange_repeat(importer, symbol, times);
    for (int i = 0; result != NULL && i < symbol->shape.rank; i++)
        result = view_take(importer, result, i, lists[i], sizes[i], false);
    return result;
}

/* ---- joining ---- */

Symbol *arrange_join(Importer *importer, Symbol *const *items, size_t count, int axis) {
    Value **values = ARENA_ARRAY(importer->arena, Value *, count);
    for (size_t i = 0; i < count; i++) {
        values[i] = symbol_tensor(importer, items[i]);
        if (values[i] == NULL)
            return NULL;
    }
    Node *node = begin_node(importer, OP_join, "", values, (int)count);
    node_set_integer(node, "axis", axis);
    return finish_node(importer, node) ? symbol_of_value(importer, node->results[0]) : NULL;
}
