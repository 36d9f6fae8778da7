/* Nodes that only say which element is where: Reshape and its like, Transpose, Slice, Split,
 * Gather, Concat. */
#include "frontend/onnx/importer.h"

#include <inttypes.h>
#include <string.h>

static bool set_view(Importer *importer, Symbol *symbol) {
    return symbol != NULL && set_result(importer, symbol);
}

/* A list of axes from the attribute (early opsets) or the operand; without either, no entries. */
static bool read_axes(Importer *importer, size_t index, int rank, bool axes[ONNX_MAX_RANK]) {
    IntegerList list;
    memset(axes, 0, ONNX_MAX_RANK * sizeof *axes);
    if (has_operand(importer, index)) {
        if (!integers_operand(importer, index, "axes", &list))
            return false;
    } else if (!attribute_integers(importer, "axes", &list)) {
        return false;
    }
    for (size_t i = 0; i < list.count; i++) {
        int axis;
        if (!resolve_axis(importer, list.items[i], rank, &axis))
            return false;
        axes[axis] = true;
    }
    return true;
}

/* ---- other dimensions, same order ---- */

/* The shape that Reshape's list asks for: 0 keeps a dimension, -1 is what is left. */
static bool reshape_shape(
    Importer *importer, const Shape *from, IntegerList list, bool allow_zero, Shape *shape) {
    if (list.count > ONNX_MAX_RANK)
        return node_fault(importer, NULL, "it has %zu dimensions; at most %d are read", list.count,
            (int)ONNX_MAX_RANK);
    shape->rank = (int)list.count;
    int open = -1;
    int64_t known = 1;
    for (int i = 0; i < shape->rank; i++) {
        int64_t size = list.items[i];
        if (size == 0 && !allow_zero && i < from->rank)
            size = from->dims[i];
        if (size < -1 || (size == -1 && open >= 0))
            return node_fault(importer, NULL, "the shape %s is none to reshape to",
                list_spelling(importer->arena, list));
        if (size == -1)
            open = i;
        else if (__builtin_mul_overflow(known, size, &known))
            return node_fault(importer, NULL, "the shape to reshape to is too large");
        shape->dims[i] = size;
    }
    int64_t elements = shape_elements(from);
    if (open >= 0)
        shape->dims[open] = known > 0 ? elements / known : 0;
    if (shape_elements(shape) == elements)
        return true;
    return node_fault(importer, NULL, "%s cannot be reshaped to %s",
        shape_spelling(importer->arena, from), shape_spelling(importer->arena, shape));
}

static bool set_reshaped(Importer *importer, Symbol *symbol, const Shape *shape) {
    if (symbol->kind == SYMBOL_TENSOR)
        return set_view(importer, view_reshape(importer, symbol, shape));
    Symbol *result = ARENA_NEW(importer->arena, Symbol);
    *result = *symbol;
    result->shape = *shape;
    return set_result(importer, result);
}

static Symbol *any_operand(Importer *importer, size_t index) {
    Symbol *symbol = input_symbol(importer, index);
    if (symbol == NULL)
        node_fault(importer, NULL, "its input %zu is left out", index + 1);
    return symbol;
}

bool import_reshape(Importer *importer) {
    Symbol *symbol = any_operand(importer, 0);
    IntegerList list;
    bool allow_zero;
    Shape shape;
    return symbol != NULL && integers_operand(importer, 1, "shape", &list) &&
           attribute_flag(importer, "allowzero", false, &allow_zero) &&
           reshape_shape(importer, &symbol->shape, list, allow_zero, &shape) &&
           set_reshaped(importer, symbol, &shape);
}

bool import_flatten(Importer *importer) {
    Symbol *symbol = any_operand(importer, 0);
    int64_t axis;
    if (symbol == NULL || !attribute_integer(importer, "axis", 1, &axis))
        return false;
    if (axis < -symbol->shape.rank || axis > symbol->shape.rank)
        return node_fault(importer, NULL,
            "the axis %" PRId64 " lies outside of a tensor of %d dimensions", axis,
            symbol->shape.rank);
    if (axis < 0)
        axis += symbol->shape.rank;
    Shape shape = {.rank = 2, .dims = {1, 1}};
    for (int i = 0; i < symbol->shape.rank; i++)
        shape.dims[i < axis ? 0 : 1] *= symbol->shape.dims[i];
    return set_reshaped(importer, symbol, &shape);
}

bool import_squeeze(Importer *importer) {
    Symbol *symbol = any_operand(importer, 0);
    bool axes[ONNX_MAX_RANK];
    if (symbol == NULL || !read_axes(importer, 1, symbol->shape.rank, axes))
        return false;
    bool named = has_operand(importer, 1) || attribute_find(importer, "axes") != NULL;
    Shape shape = {0};
    for (int i = 0; i < symbol->shape.rank; i++) {
        if (named && axes[i] && symbol->shape.dims[i] != 1)
            return node_fault(importer, NULL, "the dimension %d of %s is not 1", i,
                shape_spelling(importer->arena, &symbol->shape));
        if (named ? !axes[i] : symbol->shape.dims[i] != 1)
            shape.dims[shape.rank++] = symbol->shape.dims[i];
    }
    return set_reshaped(importer, symbol, &shape);
}

bool import_unsqueeze(Importer *importer) {
    Symbol *symbol = any_operand(importer, 0);
    if (symbol == NULL)
        return false;
    IntegerList list;
    if (has_operand(importer, 1) ? !integers_operand(importer, 1, "axes", &list)
                                 : !attribute_integers(importer, "axes", &list))
        return false;
    if (list.count > (size_t)(ONNX_MAX_RANK - symbol->shape.rank))
        return node_fault(
            importer, NULL, "its result has more than %d dimensions", (int)ONNX_MAX_RANK);
    Shape shape = {.rank = symbol->shape.rank + (int)list.count};
    bool axes[ONNX_MAX_RANK] = {0};
    for (size_t i = 0; i < list.count; i++) {
        int axis;
        if (!resolve_axis(importer, list.items[i], shape.rank, &axis))
            return false;
        if (axes[axis])
            return node_fault(importer, NULL, "the axis %d is given twice", axis);
        axes[axis] = true;
    }
    for (int i = 0, from = 0; i < shape.rank; i++)
        shape.dims[i] = axes[i] ? 1 : symbol->shape.dims[from++];
    return set_reshaped(importer, symbol, &shape);
}

bool import_expand(Importer *importer) {
    Symbol *symbol;
    IntegerList list;
    if (!tensor_operand(importer, 0, &symbol) || !integers_operand(importer, 1, "shape", &list))
        return false;
    if (list.count > ONNX_MAX_RANK)
        return node_fault(
            importer, NULL, "its result has more than %d dimensions", (int)ONNX_MAX_RANK);
    Shape shape = {
        .rank = (int)list.count > symbol->shape.rank ? (int)list.count : symbol->shape.rank};
    int64_t times[ONNX_MAX_RANK];
    bool same = true;
    for (int i = 0; i < shape.rank; i++) {
        int own = i - (shape.rank - symbol->shape.rank), given = i - (shape.rank - (int)list.count);
        int64_t wanted = given < 0 ? 1 : list.items[given];
        shape.dims[i] = own < 0 ? 1 : symbol->shape.dims[own];
        times[i] = shape.dims[i] == 1 ? wanted : 1;
        same = same && times[i] == 1;
        if (wanted < 1 || (wanted != 1 && shape.dims[i] != 1 && wanted != shape.dims[i]))
            return node_fault(importer, NULL, "%s cannot be expanded to %s",
                shape_spelling(importer->arena, &symbol->shape),
                list_spelling(importer->arena, list));
    }
    Symbol *result = view_reshape(importer, symbol, &shape);
    if (result != NULL && !same)
        result = arrange_repeat(importer, result, times);
    return result != NULL && set_result(importer, result);
}

bool import_transpose(Importer *importer) {
    Symbol *symbol;
    IntegerList list;
    if (!tensor_operand(importer, 0, &symbol) || !attribute_integers(importer, "perm", &list))
        return false;
    int order[ONNX_MAX_RANK], rank = symbol->shape.rank;
    bool seen[ONNX_MAX_RANK] = {0};
    bool good = list.count == 0 || list.count == (size_t)rank;
    for (int i = 0; good && i < rank; i++) {
        int64_t axis = list.count == 0 ? rank - 1 - i : list.items[i];
        good = axis >= 0 && axis < rank && !seen[axis];
        if (good)
            seen[order[i] = (int)axis] = true;
    }
    if (!good)
        return node_fault(importer, NULL, "'perm' is no order of the dimensions of %s",
            shape_spelling(importer->arena, &symbol->shape));
    return set_view(importer, view_transpose(importer, symbol, order));
}

/* ---- parts ---- */

/* A view of dense channels in another order becomes a value before parts of it are taken: first the
 * shuffle, then the split. */
static bool settle_dense(Importer *importer, Symbol *symbol) {
    if (symbol->places == NULL || symbol->shape.rank != 4 ||
        symbol->shape.dims[0] != symbol->value->type.dims[0] || symbol->value->type.rank != 4 ||
        symbol->shape.dims[2] != symbol->value->type.dims[2] ||
        symbol->shape.dims[3] != symbol->value->type.dims[3])
        return true;
    return symbol_value(importer, symbol) != NULL;
}

static int64_t *counted(Importer *importer, int64_t begin, int64_t step, int64_t count) {
    int64_t *list = ARENA_ARRAY(importer->arena, int64_t, count + 1);
    for (int64_t i = 0; i < count; i++)
        list[i] = begin + i * step;
    return list;
}

/* Takes begin, begin + step... along the axis. */
static Symbol *take_range(Importer *importer, const Symbol *symbol, int axis, int64_t begin,
    int64_t step, int64_t count) {
    if (symbol->shape.dims[axis] > LAYOUT_BUDGET) {
        node_fault(importer, NULL, "the dimension %d of %s is too large to take a part of", axis,
            shape_spelling(importer->arena, &symbol->shape));
        return NULL;
    }
    return view_take(importer, symbol, axis, counted(importer, begin, step, count), count, false);
}

int64_t slice_count(int64_t *begin, int64_t end, int64_t step, int64_t size) {
    int64_t least = step > 0 ? 0 : -1, most = step > 0 ? size : size - 1;
    int64_t *ends[2] = {begin, &end};
    for (int i = 0; i < 2; i++) {
        if (*ends[i] < 0)
            *ends[i] = *ends[i] < -size ? least : *ends[i] + size;
        if (*ends[i] < least)
            *ends[i] = least;
        if (*ends[i] > most)
            *ends[i] = most;
    }
    int64_t length = step > 0 ? end - *begin : *begin - end;
    int64_t stride = step > 0 ? step : -step;
    return length > 0 ? (length - 1) / stride + 1 : 0;
}

static bool read_lists(Importer *importer, SliceLists *lists) {
    *lists = (SliceLists){0};
    if (importer->node->n_input < 2)
        return attribute_integers(importer, "starts", &lists->starts) &&
               attribute_integers(importer, "ends", &lists->ends) &&
               attribute_integers(importer, "axes", &lists->axes);
    return integers_operand(importer, 1, "starts", &lists->starts) &&
           integers_operand(importer, 2, "ends", &lists->ends) &&
           (!has_operand(importer, 3) || integers_operand(importer, 3, "axes", &lists->axes)) &&
           (!has_operand(importer, 4) || integers_operand(importer, 4, "steps", &lists->steps));
}

bool read_slice(Importer *importer, SliceLists *lists) {
    if (!read_lists(importer, lists))
        return false;
    size_t count = lists->starts.count;
    if (lists->ends.count != count || (lists->axes.count != count && lists->axes.count != 0) ||
        (lists->steps.count != count && lists->steps.count != 0))
        return node_fault(importer, NULL, "its starts, ends, axes and steps differ in number");
    return true;
}

bool read_slice_axis(
    Importer *importer, const SliceLists *lists, size_t i, int rank, int *axis, int64_t *step) {
    *step = lists->steps.count > 0 ? lists->steps.items[i] : 1;
    if (!resolve_axis(
            importer, lists->axes.count > 0 ? lists->axes.items[i] : (int64_t)i, rank, axis))
        return false;
    return (*step != 0 && *step != INT64_MIN) ||
           node_fault(importer, NULL, "a step of %" PRId64 " is none", *step);
}

bool import_slice(Importer *importer) {
    Symbol *symbol;
    SliceLists lists;
    if (!tensor_operand(importer, 0, &symbol) || !read_slice(importer, &lists) ||
        !settle_dense(importer, symbol))
        return false;
    for (size_t i = 0; i < lists.starts.count; i++) {
        int axis;
        int64_t step, begin = lists.starts.items[i];
        if (!read_slice_axis(importer, &lists, i, symbol->shape.rank, &axis, &step))
            return false;
        int64_t taken = slice_count(&begin, lists.ends.items[i], step, symbol->shape.dims[axis]);
        symbol = take_range(importer, symbol, axis, begin, step, taken);
        if (symbol == NULL)
            return false;
    }
    return set_result(importer, symbol);
}

/* The sizes of Split: given, or equal ones, the last smaller. */
static bool split_sizes(Importer *importer, int64_t total, IntegerList *sizes) {
    if (has_operand(importer, 1) ? !integers_operand(importer, 1, "sizes", sizes)
                                 : !attribute_integers(importer, "split", sizes))
        return false;
    size_t parts = importer->node->n_output;
    int64_t named_parts;
    if (!attribute_integer(importer, "num_outputs", (int64_t)parts, &named_parts))
        return false;
    if (sizes->count == 0 && parts > 0 && named_parts == (int64_t)parts) {
        int64_t *equal = ARENA_ARRAY(importer->arena, int64_t, parts), left = total;
        int64_t size = (total + (int64_t)parts - 1) / (int64_t)parts;
        for (size_t i = 0; i < parts; i++) {
            equal[i] = left < size ? left : size;
            left -= equal[i];
        }
        *sizes = (IntegerList){equal, parts};
    }
    int64_t sum = 0;
    bool good = sizes->count == parts;
    for (size_t i = 0; good && i < sizes->count; i++)
        good = sizes->items[i] > 0 && !__builtin_add_overflow(sum, sizes->items[i], &sum);
    if (good && sum == total)
        return true;
    return node_fault(
        importer, NULL, "its sizes do not make %zu parts of %" PRId64 " in all", parts, total);
}

bool import_split(Importer *importer) {
    Symbol *symbol;
    int64_t axis_given;
    int axis;
    IntegerList sizes;
    if (!tensor_operand(importer, 0, &symbol) || !settle_dense(importer, symbol) ||
        !attribute_integer(importer, "axis", 0, &axis_given) ||
        !resolve_axis(importer, axis_given, symbol->shape.rank, &axis) ||
        !split_sizes(importer, symbol->shape.dims[axis], &sizes))
        return false;
    int64_t begin = 0;
    for (size_t i = 0; i < sizes.count; i++) {
        Symbol *part = take_range(importer, symbol, axis, begin, 1, sizes.items[i]);
        if (part == NULL)
            return false;
        set_result_at(importer, i, part);
        begin += sizes.items[i];
    }
    return true;
}

bool import_gather(Importer *importer) {
    Symbol *symbol, *indices;
    int64_t axis_given;
    int axis;
    if (!tensor_operand(importer, 0, &symbol) || !settle_dense(importer, symbol) ||
        !constant_operand(importer, 1, "indices", &indices) ||
        !attribute_integer(importer, "axis", 0, &axis_given) ||
        !resolve_axis(importer, axis_given, symbol->shape.rank, &axis))
        return false;
    if (indices->integers == NULL || indices->shape.rank > 1)
        return node_fault(importer, NULL, "its indices are no list of whole numbers");
    int64_t count = shape_elements(&indices->shape), size = symbol->shape.dims[axis];
    int64_t *list = ARENA_ARRAY(importer->arena, int64_t, count + 1);
    for (int64_t i = 0; i < count; i++) {
        int64_t index = indices->integers[i];
        if (index < -size || index >= size)
            return node_fault(importer, NULL,
                "the index %" PRId64 " lies outside of a dimension of %" PRId64, index, size);
        list[i] = index < 0 ? index + size : index;
    }
    return set_view(
        importer, view_take(importer, symbol, axis, list, count, indices->shape.rank == 0));
}

/* ---- joining ---- */

/* Whether the operands are mere parts of fewer tensors: then they are channels in a new order, and
 * no tensors to join. */
static bool are_parts(Importer *importer, Symbol *const *items, size_t count) {
    for (size_t i = 0; i < count; i++) {
        bool shared = false;
        if (items[i]->places == NULL)
            return false;
        for (size_t k = 0; !shared && k < count; k++)
            shared = k != i && items[k]->value == items[i]->value;
        if (!shared)
            return false;
    }
    (void)importer;
    return count > 1;
}

/* The usual case, values joined along their channels. NULL after reporting. */
static Symbol *join_values(Importer *importer, Symbol *const *items, size_t count) {
    Value **values = ARENA_ARRAY(importer->arena, Value *, count);
    for (size_t i = 0; i < count; i++) {
        values[i] = symbol_value(importer, items[i]);
        if (values[i] == NULL)
            return NULL;
    }
    Node *node = build_node(importer, OP_concat, values, (int)count);
    return node == NULL ? NULL : symbol_of_value(importer, node->results[0]);
}

bool import_concat(Importer *importer) {
    size_t count = importer->node->n_input;
    if (count == 0 || count > 4096)
        return node_fault(importer, NULL, "it joins %zu tensors", count);
    Symbol **items = ARENA_ARRAY(importer->arena, Symbol *, count);
    bool images = true;
    for (size_t i = 0; i < count; i++) {
        if (!tensor_operand(importer, i, &items[i]))
            return false;
        images = images && items[i]->shape.rank == 4;
    }
    int64_t axis_given;
    int axis;
    if (!attribute_integer(importer, "axis", 1, &axis_given) ||
        !resolve_axis(importer, axis_given, items[0]->shape.rank, &axis))
        return false;
    bool plain = images && axis == 1 && !are_parts(importer, items, count);
    return set_view(importer,
        plain ? join_values(importer, items, count) : view_concat(importer, items, count, axis));
}

bool import_identity(Importer *importer) {
    Symbol *symbol = any_operand(importer, 0);
    return symbol != NULL && set_result(importer, symbol);
}

bool import_dropout(Importer *importer) {
    if (result_is_used(importer, 1))
        return node_fault(importer, NULL, "its mask is used");
    Symbol *training = input_symbol(importer, 2);
    double number = 1;
    if (training != NULL && !(scalar_of(training, &number) && number == 0))
        return node_fault(
            importer, "export the model for inference: model.eval()", "it is in training mode");
    return import_identity(importer);
}

bool import_shape(Importer *importer) {
    Symbol *symbol = any_operand(importer, 0);
    int64_t begin, end;
    if (symbol == NULL || !attribute_integer(importer, "start", 0, &begin) ||
        !attribute_integer(importer, "end", symbol->shape.rank, &end))
        return false;
    int64_t count = slice_count(&begin, end, 1, symbol->shape.rank);
    Shape shape = {.rank = 1, .dims = {count}};
    int64_t *dims = ARENA_ARRAY(importer->arena, int64_t, ONNX_MAX_RANK);
    memcpy(dims, symbol->shape.dims + begin, (size_t)count * sizeof *dims);
    return set_result(importer, symbol_integers(importer, &shape, dims));
}
