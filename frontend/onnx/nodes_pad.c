/* Pad: rows, columns and any other dimension, by a number, the edge, reflection, or around. */
#include "frontend/onnx/importer.h"
#include "ir/sampling.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LARGEST_PAD = 1 << 20 };

/* What stands before and behind the indices of each axis. */
typedef struct Pads {
    bool by_number;
    double number;
    BorderMode mode; /* else */
    int64_t before[ONNX_MAX_RANK], behind[ONNX_MAX_RANK];
} Pads;

static bool read_mode(Importer *importer, Pads *pads) {
    static const char *const words[] = {
        [BORDER_REFLECT] = "reflect", [BORDER_EDGE] = "edge", [BORDER_AROUND] = "wrap"};
    const char *mode;
    if (!attribute_string(importer, "mode", &mode) ||
        !attribute_number(importer, "value", 0, &pads->number))
        return false;
    pads->by_number = *mode == '\0' || strcmp(mode, "constant") == 0;
    size_t i = 0, count = sizeof words / sizeof *words;
    while (i < count && strcmp(words[i], mode) != 0)
        i++;
    pads->mode = i < count ? (BorderMode)i : BORDER_EDGE;
    if (!pads->by_number)
        return i < count ||
               node_fault(importer, NULL, "the mode '%.40s' is not known to riffle", mode);
    Symbol *symbol = input_symbol(importer, 2);
    if (symbol != NULL && !scalar_of(symbol, &pads->number))
        return node_fault(importer, NULL, "its value is not one constant number");
    return isfinite((float)pads->number) ||
           node_fault(importer, NULL, "it pads with %g, which is no finite number", pads->number);
}

static bool read_pads(Importer *importer, int rank, Pads *pads) {
    IntegerList list, axes = {0};
    if (importer->node->n_input > 1 ? !integers_operand(importer, 1, "pads", &list)
                                    : !attribute_integers(importer, "pads", &list))
        return false;
    if (has_operand(importer, 3) && !integers_operand(importer, 3, "axes", &axes))
        return false;
    size_t count = has_operand(importer, 3) ? axes.count : (size_t)rank;
    if (list.count != 2 * count || count > ONNX_MAX_RANK)
        return node_fault(importer, NULL, "it has %zu pads for %zu axes", list.count, count);
    for (size_t i = 0; i < count; i++) {
        int axis = (int)i;
        if (axes.count > 0 && !resolve_axis(importer, axes.items[i], rank, &axis))
            return false;
        for (size_t side = 0; side < 2; side++) {
            int64_t pad = list.items[i + side * count];
            if (pad < -LARGEST_PAD || pad > LARGEST_PAD)
                return node_fault(importer, NULL, "a padding of %" PRId64 " is too large", pad);
            (side == 0 ? pads->before : pads->behind)[axis] = pad;
        }
    }
    return true;
}

/* ---- less than there was ---- */

static int64_t cut(int64_t pad) {
    return pad < 0 ? -pad : 0;
}

static int64_t added(int64_t pad) {
    return pad > 0 ? pad : 0;
}

/* What negative pads leave of the axis. */
static Symbol *leave(Importer *importer, Symbol *symbol, int axis, const Pads *pads) {
    int64_t first = cut(pads->before[axis]);
    int64_t count = symbol->shape.dims[axis] - first - cut(pads->behind[axis]);
    if (count < 1) {
        node_fault(importer, NULL, "nothing is left of dimension %d of %s", axis,
            shape_spelling(importer->arena, &symbol->shape));
        return NULL;
    }
    if (count == symbol->shape.dims[axis])
        return symbol;
    if (!spend_elements(importer, &(Shape){.rank = 1, .dims = {count}}))
        return NULL;
    int64_t *list = ARENA_ARRAY(importer->arena, int64_t, count);
    for (int64_t i = 0; i < count; i++)
        list[i] = first + i;
    return view_take(importer, symbol, axis, list, count, false);
}

/* ---- by numbers of the operand ---- */

static int64_t *border_list(
    Importer *importer, const Shape *shape, int axis, const Pads *pads, int64_t *count) {
    int64_t size = shape->dims[axis], before = added(pads->before[axis]);
    *count = before + size + added(pads->behind[axis]);
    if (!spend_elements(importer, &(Shape){.rank = 1, .dims = {*count}}))
        return NULL;
    int64_t *list = ARENA_ARRAY(importer->arena, int64_t, *count);
    for (int64_t i = 0; i < *count; i++)
        list[i] = border_index(pads->mode, i - before, size);
    return list;
}

/* Height and width of [n,c,h,w] at once. */
static Symbol *take_space(Importer *importer, Symbol *symbol, const Pads *pads) {
    int64_t counts[2], *lists[2];
    for (int i = 0; i < 2; i++) {
        lists[i] = border_list(importer, &symbol->shape, 2 + i, pads, &counts[i]);
        if (lists[i] == NULL)
            return NULL;
    }
    Value *value = symbol_value(importer, symbol);
    if (value == NULL)
        return NULL;
    Node *node = begin_node(importer, OP_take, "", &value, 1);
    node_set_list(importer->graph, node, "rows", lists[0], (size_t)counts[0]);
    node_set_list(importer->graph, node, "columns", lists[1], (size_t)counts[1]);
    return finish_node(importer, node) ? symbol_of_value(importer, node->results[0]) : NULL;
}

static Symbol *pad_axis_by_own(Importer *importer, Symbol *symbol, int axis, const Pads *pads) {
    int64_t count;
    int64_t *list = border_list(importer, &symbol->shape, axis, pads, &count);
    return list == NULL ? NULL : view_take(importer, symbol, axis, list, count, false);
}

/* ---- by a number ---- */

static Value *pad_value(Importer *importer, Value *value, const int64_t padding[4], double number) {
    Node *node = begin_node(importer, OP_pad, "", &value, 1);
    Text text = {0};
    node_set_list(importer->graph, node, "padding", padding, 4);
    text_append_float(&text, (float)number);
    node_attribute(node, "value")->number = strtod(text.data, NULL);
    text_free(&text);
    return finish_node(importer, node) ? node->results[0] : NULL;
}

static Symbol *pad_space(Importer *importer, Symbol *symbol, const Pads *pads) {
    const int64_t padding[4] = {added(pads->before[2]), added(pads->before[3]),
        added(pads->behind[2]), added(pads->behind[3])};
    Value *value = symbol_value(importer, symbol);
    value = value == NULL ? NULL : pad_value(importer, value, padding, pads->number);
    return value == NULL ? NULL : symbol_of_value(importer, value);
}

/* Another axis: as the height of [what is before it, 1, the axis, what is behind it]. */
static Symbol *pad_axis_by_number(Importer *importer, Symbol *symbol, int axis, const Pads *pads) {
    Shape four = {.rank = 4, .dims = {1, 1, symbol->shape.dims[axis], 1}}, shape = symbol->shape;
    for (int i = 0; i < shape.rank; i++)
        if (i != axis)
            four.dims[i < axis ? 0 : 3] *= shape.dims[i];
    Symbol seen = *symbol;
    Value *value = settle_symbol(importer, &seen);
    if (value == NULL)
        return NULL;
    value = symbol_tensor(importer, view_over(importer, value, &four));
    const int64_t padding[4] = {added(pads->before[axis]), 0, added(pads->behind[axis]), 0};
    value = value == NULL ? NULL : pad_value(importer, value, padding, pads->number);
    shape.dims[axis] += padding[0] + padding[2];
    return value == NULL ? NULL : view_over(importer, value, &shape);
}

/* ---- the node ---- */

static bool pads_axis(const Pads *pads, int axis) {
    return pads->before[axis] > 0 || pads->behind[axis] > 0;
}

static Symbol *pad_all(Importer *importer, Symbol *symbol, const Pads *pads) {
    bool space = symbol->shape.rank == 4 && (pads_axis(pads, 2) || pads_axis(pads, 3));
    for (int axis = 0; symbol != NULL && axis < symbol->shape.rank; axis++)
        symbol = leave(importer, symbol, axis, pads);
    if (symbol != NULL && space)
        symbol = pads->by_number ? pad_space(importer, symbol, pads)
                                 : take_space(importer, symbol, pads);
    for (int axis = 0; symbol != NULL && axis < symbol->shape.rank && axis < (space ? 2 : 8);
        axis++)
        if (pads_axis(pads, axis))
            symbol = pads->by_number ? pad_axis_by_number(importer, symbol, axis, pads)
                                     : pad_axis_by_own(importer, symbol, axis, pads);
    return symbol;
}

/* [n,c,l], of which only the last dimension is padded, counts as [n,c,1,l]. */
static bool is_line(const Shape *shape, const Pads *pads) {
    bool line = shape->rank == 3;
    for (int axis = 0; axis < 2; axis++)
        line = line && pads->before[axis] == 0 && pads->behind[axis] == 0;
    return line;
}

bool import_pad(Importer *importer) {
    Symbol *symbol;
    Pads pads = {0};
    if (!tensor_operand(importer, 0, &symbol) || !read_mode(importer, &pads) ||
        !read_pads(importer, symbol->shape.rank, &pads))
        return false;
    if (!is_line(&symbol->shape, &pads)) {
        symbol = pad_all(importer, symbol, &pads);
        return symbol != NULL && set_result(importer, symbol);
    }
    Shape four = {.rank = 4,
        .dims = {symbol->shape.dims[0], symbol->shape.dims[1], 1, symbol->shape.dims[2]}};
    pads.before[3] = pads.before[2];
    pads.behind[3] = pads.behind[2];
    pads.before[2] = pads.behind[2] = 0;
    symbol = view_reshape(importer, symbol, &four);
    symbol = symbol == NULL ? NULL : pad_all(importer, symbol, &pads);
    if (symbol == NULL)
        return false;
    Shape three = {
        .rank = 3, .dims = {symbol->shape.dims[0], symbol->shape.dims[1], symbol->shape.dims[3]}};
    symbol = view_reshape(importer, symbol, &three);
    return symbol != NULL && set_result(importer, symbol);
}
