/* Nodes whose operands are all constants, computed: the arithmetic of shapes, and weights that the
 * exporter left in another form. */
#include "frontend/onnx/fold.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

Symbol *fold_pick(
    Importer *importer, const Symbol *symbol, const Shape *shape, const int64_t *from) {
    int64_t count = shape_elements(shape);
    if (symbol->floats != NULL) {
        float *floats = ARENA_ARRAY(importer->arena, float, count + 1);
        for (int64_t i = 0; i < count; i++)
            floats[i] = symbol->floats[from[i]];
        return symbol_floats(importer, shape, floats);
    }
    int64_t *integers = ARENA_ARRAY(importer->arena, int64_t, count + 1);
    for (int64_t i = 0; i < count; i++)
        integers[i] = symbol->integers[from[i]];
    return symbol_integers(importer, shape, integers);
}

void fold_steps(const Shape *shape, int64_t *steps) {
    int64_t step = 1;
    for (int i = shape->rank - 1; i >= 0; i--) {
        steps[i] = step;
        step *= shape->dims[i];
    }
}

static bool fold_transpose(Importer *importer) {
    const Symbol *symbol = input_symbol(importer, 0);
    IntegerList list;
    if (!attribute_integers(importer, "perm", &list) || !spend_elements(importer, &symbol->shape))
        return false;
    int64_t dense[ONNX_MAX_RANK], steps[ONNX_MAX_RANK];
    bool seen[ONNX_MAX_RANK] = {0};
    fold_steps(&symbol->shape, dense);
    Shape shape = {.rank = symbol->shape.rank};
    for (int i = 0; i < shape.rank; i++) {
        int64_t axis = list.count == 0       ? shape.rank - 1 - i
                       : i < (int)list.count ? list.items[i]
                                             : -1;
        if (axis < 0 || axis >= shape.rank || seen[axis])
            return node_fault(importer, NULL, "'perm' is no order of the dimensions of %s",
                shape_spelling(importer->arena, &symbol->shape));
        seen[axis] = true;
        shape.dims[i] = symbol->shape.dims[axis];
        steps[i] = dense[axis];
    }
    int64_t *from = ARENA_ARRAY(importer->arena, int64_t, shape_elements(&shape) + 1);
    shape_walk(&shape, steps, 0, from);
    return set_result(importer, fold_pick(importer, symbol, &shape, from));
}

/* ---- parts of lists ---- */

static bool take(
    Importer *importer, const Symbol *symbol, const int64_t *list, const Shape *indices) {
    if (symbol->shape.rank != 1)
        return node_fault(importer, "simplify the model before",
            "a part of a constant of the shape %s is not computed here",
            shape_spelling(importer->arena, &symbol->shape));
    return set_result(importer, fold_pick(importer, symbol, indices, list));
}

static bool fold_gather(Importer *importer) {
    const Symbol *symbol = input_symbol(importer, 0), *indices = input_symbol(importer, 1);
    int64_t axis_given;
    int axis;
    if (indices == NULL || indices->integers == NULL || symbol->shape.rank < 1)
        return node_fault(importer, NULL, "its indices are no whole numbers");
    if (!attribute_integer(importer, "axis", 0, &axis_given) ||
        !resolve_axis(importer, axis_given, symbol->shape.rank, &axis) ||
        !spend_elements(importer, &indices->shape))
        return false;
    int64_t count = shape_elements(&indices->shape), size = symbol->shape.dims[0];
    int64_t *list = ARENA_ARRAY(importer->arena, int64_t, count + 1);
    for (int64_t i = 0; i < count; i++) {
        int64_t index = indices->integers[i];
        list[i] = index < 0 ? index + size : index;
        if (list[i] < 0 || list[i] >= size)
            return node_fault(importer, NULL,
                "the index %" PRId64 " lies outside of a dimension of %" PRId64, index, size);
    }
    return take(importer, symbol, list, &indices->shape);
}

static bool fold_slice(Importer *importer) {
    const Symbol *symbol = input_symbol(importer, 0);
    SliceLists lists;
    if (!read_slice(importer, &lists))
        return false;
    Shape shape = symbol->shape;
    int64_t steps[ONNX_MAX_RANK], first = 0;
    fold_steps(&shape, steps);
    for (size_t i = 0; i < lists.starts.count; i++) {
        int axis;
        int64_t step, begin = lists.starts.items[i];
        if (!read_slice_axis(importer, &lists, i, shape.rank, &axis, &step))
            return false;
        shape.dims[axis] = slice_count(&begin, lists.ends.items[i], step, shape.dims[axis]);
        first += begin * steps[axis];
        steps[axis] *= shape.dims[axis] > 1 ? step : 1; /* no other is used, however large */
    }
    if (!spend_elements(importer, &shape))
        return false;
    int64_t *from = ARENA_ARRAY(importer->arena, int64_t, shape_elements(&shape) + 1);
    shape_walk(&shape, steps, first, from);
    return set_result(importer, fold_pick(importer, symbol, &shape, from));
}

static bool fold_concat(Importer *importer) {
    Shape shape = {.rank = 1};
    bool floats = input_symbol(importer, 0)->floats != NULL;
    for (size_t i = 0; i < importer->node->n_input; i++) {
        const Symbol *symbol = input_symbol(importer, i);
        if (symbol == NULL || symbol->shape.rank != 1 || (symbol->floats != NULL) != floats)
            return node_fault(
                importer, "simplify the model before", "only lists of one type are joined here");
        shape.dims[0] += symbol->shape.dims[0];
    }
    int64_t axis_given;
    int axis;
    if (!attribute_integer(importer, "axis", 1, &axis_given) ||
        !resolve_axis(importer, axis_given, shape.rank, &axis) || !spend_elements(importer, &shape))
        return false;
    size_t size = floats ? sizeof(float) : sizeof(int64_t), at = 0;
    char *bytes = arena_allocate(importer->arena, (size_t)(shape.dims[0] + 1) * size);
    for (size_t i = 0; i < importer->node->n_input; i++) {
        const Symbol *symbol = input_symbol(importer, i);
        size_t length = (size_t)symbol->shape.dims[0] * size;
        if (length > 0)
            memcpy(bytes + at,
                floats ? (const void *)symbol->floats : (const void *)symbol->integers, length);
        at += length;
    }
    void *data = bytes;
    return set_result(importer,
        floats ? symbol_floats(importer, &shape, data) : symbol_integers(importer, &shape, data));
}

/* ---- types ---- */

/* Whether a type of floating point is asked for that float32 stands for. Half precision rounds
 * nothing here. */
static bool casts_to_float(Importer *importer, int64_t to) {
    bool wide = to == ONNX_DOUBLE && importer->options->convert_precision;
    if (to != ONNX_FLOAT && to != ONNX_FLOAT16 && to != ONNX_BFLOAT16 && !wide)
        return false;
    importer->converted += wide;
    importer->widened.casts += to == ONNX_FLOAT16 || to == ONNX_BFLOAT16;
    return true;
}

/* The number as one of the type's bits. */
static int64_t wrapped(int64_t number, int64_t to) {
    switch ((OnnxType)to) {
    case ONNX_BOOL:
        return number != 0;
    case ONNX_UINT8:
        return (uint8_t)number;
    case ONNX_INT8:
        return (int8_t)number;
    case ONNX_UINT16:
        return (uint16_t)number;
    case ONNX_INT16:
        return (int16_t)number;
    case ONNX_UINT32:
        return (uint32_t)number;
    case ONNX_INT32:
        return (int32_t)number;
    default:
        return number;
    }
}

static bool fold_to_integers(Importer *importer, const Symbol *symbol, int64_t to) {
    int64_t count = shape_elements(&symbol->shape);
    int64_t *integers = ARENA_ARRAY(importer->arena, int64_t, count + 1);
    for (int64_t i = 0; i < count; i++) {
        if (symbol->floats == NULL)
            integers[i] = wrapped(symbol->integers[i], to);
        else if (to == ONNX_BOOL)
            integers[i] = symbol->floats[i] != 0;
        else if (fabsf(symbol->floats[i]) < 9e18f)
            integers[i] = wrapped((int64_t)symbol->floats[i], to);
        else
            return node_fault(importer, NULL, "a number is too large for a whole one");
    }
    return set_result(importer, symbol_integers(importer, &symbol->shape, integers));
}

static bool fold_cast(Importer *importer) {
    const Symbol *symbol = input_symbol(importer, 0);
    int64_t to;
    if (!attribute_integer(importer, "to", 0, &to))
        return false;
    bool to_float = casts_to_float(importer, to);
    if (to_float && symbol->floats != NULL) {
        Symbol copy = *symbol;
        return set_result(importer, &copy);
    }
    if (!spend_elements(importer, &symbol->shape))
        return false;
    if (to == ONNX_BOOL || to == ONNX_UINT8 || to == ONNX_INT8 || to == ONNX_UINT16 ||
        to == ONNX_INT16 || to == ONNX_UINT32 || to == ONNX_INT32 || to == ONNX_INT64)
        return fold_to_integers(importer, symbol, to);
    if (!to_float)
        return node_fault(
            importer, NULL, "the type %s is not computed here", onnx_type_name(importer, (int)to));
    int64_t count = shape_elements(&symbol->shape);
    float *floats = ARENA_ARRAY(importer->arena, float, count + 1);
    for (int64_t i = 0; i < count; i++)
        floats[i] = (float)symbol->integers[i];
    return set_result(importer, symbol_floats(importer, &symbol->shape, floats));
}

bool fold_node(Importer *importer) {
    static const struct {
        const char *name;
        bool (*fold)(Importer *importer);
    } rows[] = {{"Add", fold_elements}, {"Sub", fold_elements}, {"Mul", fold_elements},
        {"Div", fold_elements}, {"Mod", fold_elements}, {"Equal", fold_elements},
        {"Where", fold_where}, {"Range", fold_range}, {"Ceil", fold_rounded},
        {"Floor", fold_rounded}, {"ReduceProd", fold_product}, {"Concat", fold_concat},
        {"Slice", fold_slice}, {"Gather", fold_gather}, {"Cast", fold_cast},
        {"Transpose", fold_transpose}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(importer->node->op_type, rows[i].name) == 0)
            return rows[i].fold(importer);
    assert(false && "an op that folds has a row here");
    return false;
}

/* An op that has no other meaning here than the arithmetic of shapes. */
bool import_of_constants(Importer *importer) {
    return node_fault(importer, "riffle needs all shapes when it compiles",
        "riffle computes this op of constants only");
}

bool import_cast(Importer *importer) {
    Symbol *symbol;
    int64_t to;
    if (!tensor_operand(importer, 0, &symbol) || !attribute_integer(importer, "to", 0, &to))
        return false;
    if (!casts_to_float(importer, to))
        return node_fault(importer,
            to == ONNX_DOUBLE ? "riffle computes in float32; --convert-precision converts it"
                              : "riffle computes in float32",
            "it changes the type of a tensor to %s", onnx_type_name(importer, (int)to));
    return set_result(importer, symbol);
}
