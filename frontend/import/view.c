/* Views: what Reshape, Transpose, Slice, Gather and Concat make of a tensor without moving
 * anything.
 *
 * As long as all elements of a value are seen in order, a view is the value and a shape. Else it
 * lists the channels (of each image of the batch) that the first dimensions index; what is behind
 * these dimensions is height and width in order, which no view changes. */
#include "frontend/import/importer.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

Symbol *view_over(Importer *importer, Value *value, const Shape *shape) {
    Symbol *symbol = symbol_create(importer, SYMBOL_TENSOR, shape);
    symbol->value = value;
    return symbol;
}

static int64_t product(const Shape *shape, int count) {
    int64_t result = 1;
    for (int i = 0; i < count; i++)
        result *= shape->dims[i];
    return result;
}

static int64_t pixels_of(const Value *value) {
    return value->type.rank == 4 ? value->type.dims[2] * value->type.dims[3] : 1;
}

/* How many of the first dimensions index `places` channels: the most, so that dimensions of 1
 * count. -1 when none do. */
static int outer_dimensions(const Shape *shape, int64_t places) {
    for (int count = shape->rank; count > 0; count--)
        if (product(shape, count) == places)
            return count;
    return -1;
}

/* How many of its first dimensions index channels; -1 when none do. */
static int channel_dimensions(const Symbol *symbol) {
    const TensorType *type = &symbol->value->type;
    if (symbol->places != NULL)
        return symbol->outer;
    return rank_has_channels(type->rank)
               ? outer_dimensions(&symbol->shape, type->dims[0] * type->dims[1])
               : -1;
}

bool lists_channels(const Symbol *symbol) {
    return channel_dimensions(symbol) >= 0;
}

static bool spend_places(Importer *importer, int64_t places) {
    importer->layout_spent += places;
    if (importer->layout_spent <= LAYOUT_BUDGET)
        return true;
    return node_fault(importer, NULL,
        "the model moves more than %d channels by Reshape, Transpose, Slice and the like",
        (int)LAYOUT_BUDGET);
}

/* The value that a symbol is all of, with what is pending done. NULL after reporting. */
static Value *whole_value(Importer *importer, const Symbol *symbol) {
    if (symbol->pending == PENDING_NOTHING)
        return symbol->value;
    Symbol copy = *symbol;
    return settle_symbol(importer, &copy);
}

/* A copy of the symbol, which lists channels, that has places. NULL after reporting. */
static Symbol *with_places(Importer *importer, const Symbol *symbol) {
    Symbol *result = ARENA_NEW(importer->arena, Symbol);
    *result = *symbol;
    if (symbol->places != NULL)
        return result;
    result->value = whole_value(importer, symbol);
    result->pending = PENDING_NOTHING;
    if (result->value == NULL)
        return NULL;
    int64_t count = result->value->type.dims[0] * result->value->type.dims[1];
    result->outer = outer_dimensions(&symbol->shape, count);
    assert(result->outer >= 0);
    if (!spend_places(importer, count))
        return NULL;
    result->places = ARENA_ARRAY(importer->arena, Place, count);
    for (int64_t i = 0; i < count; i++)
        result->places[i] = (Place){result->value, i};
    return result;
}

/* Drops places that name all channels of one value in order. */
static Symbol *simplify(Symbol *symbol) {
    Value *value = symbol->places[0].value;
    int64_t count = product(&symbol->shape, symbol->outer);
    bool whole = count == value->type.dims[0] * value->type.dims[1];
    for (int64_t i = 0; whole && i < count; i++)
        whole = symbol->places[i].value == value && symbol->places[i].channel == i;
    symbol->value = value;
    if (whole) {
        symbol->places = NULL;
        symbol->outer = 0;
    }
    return symbol;
}

Symbol *view_reshape(Importer *importer, const Symbol *symbol, const Shape *shape) {
    if (shape_elements(shape) != shape_elements(&symbol->shape)) {
        node_fault(importer, NULL, "%s cannot be reshaped to %s",
            shape_spelling(importer->arena, &symbol->shape),
            shape_spelling(importer->arena, shape));
        return NULL;
    }
    Symbol *result = ARENA_NEW(importer->arena, Symbol);
    *result = *symbol;
    result->shape = *shape;
    if (symbol->places == NULL)
        return result;
    result->outer = outer_dimensions(shape, product(&symbol->shape, symbol->outer));
    if (result->outer < 0) {
        /* height and width join the channels, which must be moved first */
        Symbol source = *symbol;
        Value *value = rank_has_channels(source.shape.rank) ? symbol_value(importer, &source)
                                                            : symbol_tensor(importer, &source);
        return value == NULL ? NULL : view_over(importer, value, shape);
    }
    return result;
}

/* Whether the order leaves all dimensions larger than 1 in their order. */
static bool moves_nothing(const Shape *shape, const int *order) {
    int last = -1;
    for (int i = 0; i < shape->rank; i++) {
        if (shape->dims[order[i]] == 1)
            continue;
        if (order[i] < last)
            return false;
        last = order[i];
    }
    return true;
}

Symbol *view_transpose(Importer *importer, const Symbol *symbol, const int *order) {
    Shape shape = {.rank = symbol->shape.rank};
    for (int i = 0; i < shape.rank; i++)
        shape.dims[i] = symbol->shape.dims[order[i]];
    if (moves_nothing(&symbol->shape, order))
        return view_reshape(importer, symbol, &shape);
    int outer = channel_dimensions(symbol);
    bool channels = outer >= 0; /* are all that moves */
    for (int i = 0; channels && i < shape.rank; i++)
        channels = (i < outer) == (order[i] < outer) && (i < outer || order[i] == i);
    if (!channels)
        return arrange_transpose(importer, symbol, order);
    Symbol *result = with_places(importer, symbol);
    if (result == NULL)
        return NULL;
    int64_t count = product(&shape, outer);
    if (!spend_places(importer, count))
        return NULL;
    Place *places = ARENA_ARRAY(importer->arena, Place, count);
    int64_t steps[MODEL_MAX_RANK], index[MODEL_MAX_RANK] = {0};
    for (int i = 0; i < outer; i++) {
        steps[i] = 1;
        for (int k = order[i] + 1; k < outer; k++)
            steps[i] *= symbol->shape.dims[k];
    }
    for (int64_t at = 0; at < count; at++) {
        int64_t from = 0;
        for (int i = 0; i < outer; i++)
            from += index[i] * steps[i];
        places[at] = result->places[from];
        for (int i = outer - 1; i >= 0 && ++index[i] == shape.dims[i]; i--)
            index[i] = 0;
    }
    result->places = places;
    result->shape = shape;
    return simplify(result);
}

/* ---- taking indices ---- */

/* Rows or columns of a tensor [n,c,h,w] that are next to each other: a crop. */
static Symbol *take_space(
    Importer *importer, const Symbol *symbol, int axis, const int64_t *list, int64_t count) {
    bool adjacent = symbol->shape.rank == 4 && axis >= 2;
    for (int64_t i = 1; adjacent && i < count; i++)
        adjacent = list[i] == list[0] + i;
    if (!adjacent)
        return arrange_take(importer, symbol, axis, list, count);
    Symbol source = *symbol;
    Value *value = symbol_value(importer, &source);
    if (value == NULL)
        return NULL;
    int64_t margins[4] = {0}, end = list[0] + count;
    margins[axis - 2] = list[0];
    margins[axis] = symbol->shape.dims[axis] - end;
    Node *node = begin_node(importer, OP_crop, "", &value, 1);
    node_set_list(importer->graph, node, "margins", margins, 4);
    return finish_node(importer, node) ? symbol_of_value(importer, node->results[0]) : NULL;
}

static Symbol *drop_axis(Importer *importer, Symbol *symbol, int axis) {
    if (symbol == NULL)
        return NULL;
    Shape shape = {.rank = symbol->shape.rank - 1};
    for (int i = 0; i < shape.rank; i++)
        shape.dims[i] = symbol->shape.dims[i < axis ? i : i + 1];
    return view_reshape(importer, symbol, &shape);
}

Symbol *view_take(Importer *importer, const Symbol *symbol, int axis, const int64_t *list,
    int64_t count, bool drop) {
    bool all = count == symbol->shape.dims[axis];
    for (int64_t i = 0; all && i < count; i++)
        all = list[i] == i;
    Symbol *result;
    if (all) {
        result = ARENA_NEW(importer->arena, Symbol);
        *result = *symbol;
        return drop ? drop_axis(importer, result, axis) : result;
    }
    if (count == 0) {
        node_fault(importer, NULL, "its result is empty");
        return NULL;
    }
    bool images = axis == 0 && symbol->value->type.dims[0] > 1;
    if (images || axis >= channel_dimensions(symbol)) {
        result = take_space(importer, symbol, axis, list, count);
        return drop ? drop_axis(importer, result, axis) : result;
    }
    result = with_places(importer, symbol);
    if (result == NULL)
        return NULL;
    int64_t before = product(&symbol->shape, axis), size = symbol->shape.dims[axis];
    int64_t after = product(&symbol->shape, result->outer) / before / size;
    bool fits = count <= LAYOUT_BUDGET / (before * after);
    if (!spend_places(importer, fits ? before * count * after : 2 * LAYOUT_BUDGET))
        return NULL;
    Place *places = ARENA_ARRAY(importer->arena, Place, before * count * after);
    for (int64_t b = 0; b < before; b++)
        for (int64_t i = 0; i < count; i++)
            memcpy(&places[(b * count + i) * after], &result->places[(b * size + list[i]) * after],
                (size_t)after * sizeof *places);
    result->places = places;
    result->shape.dims[axis] = count;
    simplify(result);
    return drop ? drop_axis(importer, result, axis) : result;
}

/* ---- joining ---- */

static bool fits(const Symbol *a, const Symbol *b, int axis) {
    bool equal = a->shape.rank == b->shape.rank;
    for (int i = 0; equal && i < a->shape.rank; i++)
        equal = i == axis || a->shape.dims[i] == b->shape.dims[i];
    return equal;
}

Symbol *view_concat(Importer *importer, Symbol *const *items, size_t count, int axis) {
    Symbol **parts = ARENA_ARRAY(importer->arena, Symbol *, count);
    int64_t size = 0;
    for (size_t i = 0; i < count; i++) {
        if (!fits(items[0], items[i], axis)) {
            node_fault(importer, NULL, "%s and %s cannot be joined along the axis %d",
                shape_spelling(importer->arena, &items[0]->shape),
                shape_spelling(importer->arena, &items[i]->shape), axis);
            return NULL;
        }
        int outer = channel_dimensions(items[i]);
        bool images = axis == 0 && items[i]->value->type.dims[0] > 1;
        if (images || axis >= outer || outer != channel_dimensions(items[0]) ||
            pixels_of(items[i]->value) != pixels_of(items[0]->value))
            return arrange_join(importer, items, count, axis);
        size += items[i]->shape.dims[axis];
    }
    for (size_t i = 0; i < count; i++) {
        parts[i] = with_places(importer, items[i]);
        if (parts[i] == NULL)
            return NULL;
    }
    Symbol *result = parts[0];
    int64_t before = product(&result->shape, axis);
    int64_t after = product(&result->shape, result->outer) / before / result->shape.dims[axis];
    if (!spend_places(importer, before * size * after))
        return NULL;
    Place *places = ARENA_ARRAY(importer->arena, Place, before * size * after), *at = places;
    for (int64_t b = 0; b < before; b++) {
        for (size_t i = 0; i < count; i++) {
            int64_t run = parts[i]->shape.dims[axis] * after;
            memcpy(at, &parts[i]->places[b * run], (size_t)run * sizeof *places);
            at += run;
        }
    }
    result->places = places;
    result->shape.dims[axis] = size;
    return simplify(result);
}
