/* Nodes that make one number of many, and those that are computed of such numbers. */
#include "frontend/onnx/importer.h"

#include <inttypes.h>
#include <string.h>

/* ---- reductions ---- */

static bool mark_axes(Importer *importer, IntegerList axes, int rank, bool *marks) {
    for (size_t i = 0; i < axes.count; i++) {
        int axis;
        if (!resolve_axis(importer, axes.items[i], rank, &axis))
            return false;
        marks[axis] = true;
    }
    return true;
}

/* Reads which dimensions are reduced: all, where none is named. *none: none is, since the node
 * says so. */
static bool read_axes(Importer *importer, const Shape *shape, bool *reduced, bool *none) {
    IntegerList axes = {0};
    bool noop;
    if (!attribute_flag(importer, "noop_with_empty_axes", false, &noop) ||
        (has_operand(importer, 1) ? !integers_operand(importer, 1, "axes", &axes)
                                  : !attribute_integers(importer, "axes", &axes)))
        return false;
    *none = axes.count == 0 && noop;
    for (int i = 0; i < shape->rank; i++)
        reduced[i] = axes.count == 0;
    return mark_axes(importer, axes, shape->rank, reduced);
}

/* Result 0, whose reduced dimensions are 1, with them or without. */
static bool set_reduced(Importer *importer, Symbol *symbol, const bool *reduced, bool keep) {
    if (symbol == NULL)
        return false;
    Shape shape = {0};
    for (int i = 0; i < symbol->shape.rank; i++)
        if (keep || !reduced[i])
            shape.dims[shape.rank++] = symbol->shape.dims[i];
    Symbol *result = view_reshape(importer, symbol, &shape);
    return result != NULL && set_result(importer, result);
}

static bool import_reduction(Importer *importer, const ReduceOp *op) {
    Symbol *symbol;
    bool reduced[ONNX_MAX_RANK] = {false}, keep, none;
    if (!tensor_operand(importer, 0, &symbol) ||
        !attribute_flag(importer, "keepdims", true, &keep) ||
        !read_axes(importer, &symbol->shape, reduced, &none))
        return false;
    ReductionTerm term = reduction_of(op->kind)->term;
    if (none && ((term != TERM_SAME && term != TERM_NEGATIVE) || op->logarithm))
        return node_fault(importer, NULL, "it names no axes, and is to reduce none");
    if (none)
        return set_result(importer, symbol);
    return set_reduced(importer, symbol_reduced(importer, symbol, reduced, op), reduced, keep);
}

bool import_reduce_by_name(Importer *importer) {
    static const struct {
        const char *name;
        ReductionKind kind;
    } rows[] = {{"ReduceMean", REDUCTION_mean}, {"ReduceSum", REDUCTION_sum},
        {"ReduceMax", REDUCTION_max}, {"ReduceMin", REDUCTION_min}, {"ReduceL1", REDUCTION_l1},
        {"ReduceL2", REDUCTION_l2}, {"ReduceSumSquare", REDUCTION_sum_square}};
    size_t row = 0;
    while (strcmp(rows[row].name, importer->node->op_type) != 0)
        row++; /* ops.def has no others */
    return import_reduction(importer, &(ReduceOp){.op = OP_reduce, .kind = rows[row].kind});
}

bool import_reduce_log_sum(Importer *importer) {
    return import_reduction(
        importer, &(ReduceOp){.op = OP_reduce, .kind = REDUCTION_sum, .logarithm = true});
}

bool import_reduce_log_sum_exp(Importer *importer) {
    return import_reduction(importer,
        &(ReduceOp){
            .op = OP_reduce, .kind = REDUCTION_sum, .logarithm = true, .exponentials = true});
}

/* Over all dimensions behind the channels. */
static bool import_global(Importer *importer, ReductionKind kind) {
    Symbol *symbol;
    bool reduced[ONNX_MAX_RANK] = {false};
    if (!tensor_operand(importer, 0, &symbol))
        return false;
    if (symbol->shape.rank < 3)
        return node_fault(importer, NULL, "%s has no dimensions behind the channels",
            shape_spelling(importer->arena, &symbol->shape));
    for (int i = 2; i < symbol->shape.rank; i++)
        reduced[i] = true;
    const ReduceOp op = {.op = OP_reduce, .kind = kind};
    return set_reduced(importer, symbol_reduced(importer, symbol, reduced, &op), reduced, true);
}

bool import_global_max_pool(Importer *importer) {
    return import_global(importer, REDUCTION_max);
}

bool import_global_lp_pool(Importer *importer) {
    int64_t p;
    if (!attribute_integer(importer, "p", 2, &p))
        return false;
    if (p != 1 && p != 2)
        return node_fault(importer, NULL, "its p is %" PRId64 "; riffle knows 1 and 2", p);
    return import_global(importer, p == 1 ? REDUCTION_l1 : REDUCTION_l2);
}

static bool import_index(Importer *importer, bool least) {
    Symbol *symbol;
    int64_t given;
    int axis;
    bool reduced[ONNX_MAX_RANK] = {false}, keep;
    ReduceOp op = {.op = OP_arg_max, .least = least};
    if (!tensor_operand(importer, 0, &symbol) || !attribute_integer(importer, "axis", 0, &given) ||
        !attribute_flag(importer, "keepdims", true, &keep) ||
        !attribute_flag(importer, "select_last_index", false, &op.last) ||
        !resolve_axis(importer, given, symbol->shape.rank, &axis))
        return false;
    reduced[axis] = true;
    return set_reduced(importer, symbol_reduced(importer, symbol, reduced, &op), reduced, keep);
}

bool import_arg_max(Importer *importer) {
    return import_index(importer, false);
}

bool import_arg_min(Importer *importer) {
    return import_index(importer, true);
}

/* ---- softmax ---- */

static bool import_likelihood(Importer *importer, OpKind op) {
    Symbol *symbol;
    int64_t axis_given;
    int axis;
    if (!tensor_operand(importer, 0, &symbol) ||
        !attribute_integer(importer, "axis", importer->opset < 13 ? 1 : -1, &axis_given) ||
        !resolve_axis(importer, axis_given, symbol->shape.rank, &axis))
        return false;
    bool joins = importer->opset < 13; /* the axis and all behind it count as one */
    Shape rows = {.rank = 2, .dims = {1, 1}};
    for (int i = 0; i < symbol->shape.rank; i++)
        rows.dims[i >= axis] *= symbol->shape.dims[i];
    if (joins && rows.dims[1] != symbol->shape.dims[axis]) {
        Symbol *seen = view_reshape(importer, symbol, &rows);
        Value *value = seen == NULL ? NULL : symbol_value(importer, seen);
        Value *result = value == NULL ? NULL : build_unary(importer, op, value);
        return result != NULL && set_result(importer, view_over(importer, result, &symbol->shape));
    }
    Symbol *result = along_axis(importer, symbol, axis, op);
    return result != NULL && set_result(importer, result);
}

bool import_softmax(Importer *importer) {
    return import_likelihood(importer, OP_softmax);
}

bool import_log_softmax(Importer *importer) {
    return import_likelihood(importer, OP_log_softmax);
}

/* ---- normalisations ---- */

/* Constant operand `index`, one number for each of the channels, or of `groups` equal parts of
 * them. NULL after reporting. */
static const float *channel_numbers(
    Importer *importer, size_t index, const char *what, int64_t channels, int64_t groups) {
    Symbol *symbol;
    if (!constant_operand(importer, index, what, &symbol))
        return NULL;
    int64_t count = shape_elements(&symbol->shape);
    if (symbol->floats == NULL || (count != channels && count != groups)) {
        node_fault(importer, NULL, "its %s %s does not fit %" PRId64 " channels", what,
            shape_spelling(importer->arena, &symbol->shape), channels);
        return NULL;
    }
    if (count == channels)
        return symbol->floats;
    if (!spend_elements(importer, &(Shape){.rank = 1, .dims = {channels}}))
        return NULL;
    float *numbers = ARENA_ARRAY(importer->arena, float, channels);
    for (int64_t i = 0; i < channels; i++)
        numbers[i] = symbol->floats[i / (channels / count)];
    return numbers;
}

/* times scale plus bias, where these are no ones and zeros. */
static Value *scaled(Importer *importer, Value *value, int64_t groups) {
    int64_t channels = value->type.dims[1];
    bool plain = true;
    const float *scale = channel_numbers(importer, 1, "scale", channels, groups);
    const float *bias = scale == NULL ? NULL
                        : has_operand(importer, 2)
                            ? channel_numbers(importer, 2, "bias", channels, groups)
                            : repeat_number(importer, 0, channels);
    if (bias == NULL)
        return NULL;
    for (int64_t i = 0; i < channels; i++)
        plain = plain && scale[i] == 1 && bias[i] == 0;
    return plain ? value : build_affine(importer, value, scale, bias);
}

/* The symbol as [n,c,h,w], all dimensions behind the channels joined to these. */
static Value *space_of(Importer *importer, Symbol *symbol) {
    Shape shape = symbol->shape;
    if (shape.rank < 3) {
        node_fault(importer, NULL, "%s has no dimensions behind the channels",
            shape_spelling(importer->arena, &shape));
        return NULL;
    }
    if (shape.rank == 4)
        return symbol_channels(importer, symbol);
    Shape image = {.rank = 4, .dims = {shape.dims[0], shape.dims[1], 1, 1}};
    for (int i = 2; i < shape.rank; i++)
        image.dims[i == shape.rank - 1 ? 3 : 2] *= shape.dims[i];
    Symbol *seen = view_reshape(importer, symbol, &image);
    return seen == NULL ? NULL : symbol_tensor(importer, seen);
}

/* A view [n,groups,rest] of [n,c,h,w], as a group normalisation is written before it is an op. */
static bool sees_groups(const Symbol *symbol) {
    const TensorType *type = symbol->value == NULL ? NULL : &symbol->value->type;
    return type != NULL && symbol->places == NULL && type->rank == 4 && symbol->shape.rank >= 3 &&
           symbol->shape.dims[0] == type->dims[0] && symbol->shape.dims[1] < type->dims[1] &&
           type->dims[1] % symbol->shape.dims[1] == 0;
}

static const bool over_space[4] = {false, false, true, true};

static bool import_groups(
    Importer *importer, Symbol *symbol, Value *value, int64_t groups, double epsilon) {
    value = normalise_value(importer, value, over_space, groups, epsilon);
    value = value == NULL ? NULL : scaled(importer, value, groups);
    return value != NULL && set_result(importer, view_over(importer, value, &symbol->shape));
}

bool import_instance_normalization(Importer *importer) {
    Symbol *symbol;
    double epsilon;
    if (!tensor_operand(importer, 0, &symbol) ||
        !attribute_number(importer, "epsilon", 1e-5, &epsilon))
        return false;
    if (sees_groups(symbol)) {
        Value *value = settle_symbol(importer, symbol);
        return value != NULL &&
               import_groups(importer, symbol, value, symbol->shape.dims[1], epsilon);
    }
    Value *value = space_of(importer, symbol);
    Symbol *image = value == NULL ? NULL : symbol_of_value(importer, value);
    image = image == NULL ? NULL : normalise_symbol(importer, image, over_space, epsilon);
    value = image == NULL ? NULL : symbol_channels(importer, image);
    value = value == NULL ? NULL : scaled(importer, value, value->type.dims[1]);
    return value != NULL && set_result(importer, view_over(importer, value, &symbol->shape));
}

bool import_group_normalization(Importer *importer) {
    Symbol *symbol;
    double epsilon;
    int64_t groups;
    if (!tensor_operand(importer, 0, &symbol) ||
        !attribute_number(importer, "epsilon", 1e-5, &epsilon) ||
        !attribute_integer(importer, "num_groups", 0, &groups))
        return false;
    Value *value = space_of(importer, symbol);
    if (value == NULL)
        return false;
    if (groups < 1 || value->type.dims[1] % groups != 0)
        return node_fault(importer, NULL, "%" PRId64 " groups do not divide %" PRId64 " channels",
            groups, value->type.dims[1]);
    return import_groups(importer, symbol, value, groups, epsilon);
}

/* Reads which dimensions are normalised over; without the attribute those that are set. */
static bool read_normalised(Importer *importer, const Shape *shape, bool *reduced) {
    IntegerList axes;
    if (!attribute_integers(importer, "axes", &axes))
        return false;
    for (int i = 0; axes.count > 0 && i < shape->rank; i++)
        reduced[i] = false;
    return mark_axes(importer, axes, shape->rank, reduced);
}

bool import_mean_variance_normalization(Importer *importer) {
    Symbol *symbol;
    bool reduced[ONNX_MAX_RANK] = {true, false, true, true};
    if (!tensor_operand(importer, 0, &symbol))
        return false;
    for (int i = symbol->shape.rank; i < ONNX_MAX_RANK; i++)
        reduced[i] = false;
    if (!read_normalised(importer, &symbol->shape, reduced))
        return false;
    Symbol *result = normalise_symbol(importer, symbol, reduced, 1e-9);
    return result != NULL && set_result(importer, result);
}

bool import_layer_normalization(Importer *importer) {
    Symbol *symbol, *operands[3];
    double epsilon;
    int64_t given;
    int axis;
    bool reduced[ONNX_MAX_RANK] = {false};
    if (!tensor_operand(importer, 0, &symbol) ||
        !attribute_number(importer, "epsilon", 1e-5, &epsilon) ||
        !attribute_integer(importer, "axis", -1, &given) ||
        !resolve_axis(importer, given, symbol->shape.rank, &axis))
        return false;
    for (size_t i = 1; i < importer->node->n_output; i++)
        if (result_is_used(importer, i))
            return node_fault(importer, NULL, "its output %zu is used", i + 1);
    for (int i = axis; i < symbol->shape.rank; i++)
        reduced[i] = true;
    int count = has_operand(importer, 2) ? 3 : 2;
    for (int i = 1; i < count; i++)
        if (!constant_operand(importer, (size_t)i, i == 1 ? "scale" : "bias", &operands[i]))
            return false;
    operands[0] = normalise_symbol(importer, symbol, reduced, epsilon);
    if (operands[0] == NULL)
        return false;
    Symbol *result = apply_formula(importer, count == 3 ? "x * y + z" : "x * y", operands, count);
    return result != NULL && set_result(importer, result);
}

/* x / the length of all along the axis; zeros stay zeros. */
bool import_lp_normalization(Importer *importer) {
    Symbol *symbol;
    int64_t given, p;
    int axis;
    bool reduced[ONNX_MAX_RANK] = {false};
    if (!tensor_operand(importer, 0, &symbol) || !attribute_integer(importer, "axis", -1, &given) ||
        !attribute_integer(importer, "p", 2, &p) ||
        !resolve_axis(importer, given, symbol->shape.rank, &axis))
        return false;
    if (p != 1 && p != 2)
        return node_fault(importer, NULL, "its p is %" PRId64 "; riffle knows 1 and 2", p);
    reduced[axis] = true;
    const ReduceOp op = {.op = OP_reduce, .kind = p == 1 ? REDUCTION_l1 : REDUCTION_l2};
    Symbol *pair[2] = {symbol, symbol_reduced(importer, symbol, reduced, &op)};
    Symbol *result =
        pair[1] == NULL ? NULL : apply_formula(importer, "x / maximum(y, 1.17549435e-38)", pair, 2);
    return result != NULL && set_result(importer, result);
}
