/* Nodes that work element by element: activations, sums and products. */
#include "frontend/onnx/importer.h"
#include "ir/formula.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* The op on all elements of operand 0. */
static bool import_unary(Importer *importer, OpKind op) {
    Symbol *symbol;
    if (!tensor_operand(importer, 0, &symbol))
        return false;
    Value *value = symbol_elements(importer, symbol);
    Value *result = value == NULL ? NULL : build_unary(importer, op, value);
    return result != NULL && set_result(importer, view_over(importer, result, &symbol->shape));
}

/* The same with numbers of its own. */
static bool import_element(Importer *importer, OpKind op, const double *parameters) {
    Symbol *symbol;
    if (!tensor_operand(importer, 0, &symbol))
        return false;
    Value *value = symbol_elements(importer, symbol);
    if (value == NULL)
        return false;
    Node *node = begin_node(importer, op, "", &value, 1);
    for (int i = 0; i < element_parameters(op); i++)
        node->attributes[i].number = parameters[i];
    return finish_node(importer, node) &&
           set_result(importer, view_over(importer, node->results[0], &symbol->shape));
}

bool import_leaky_relu(Importer *importer) {
    double slope;
    return attribute_number(importer, "alpha", (double)0.01f, &slope) &&
           import_element(importer, OP_leaky_relu, &slope);
}

bool import_elu(Importer *importer) {
    double alpha;
    return attribute_number(importer, "alpha", 1, &alpha) &&
           import_element(importer, OP_elu, &alpha);
}

bool import_selu(Importer *importer) {
    double numbers[2];
    return attribute_number(importer, "alpha", (double)1.67326319217681884765625f, &numbers[0]) &&
           attribute_number(importer, "gamma", (double)1.05070102214813232421875f, &numbers[1]) &&
           import_element(importer, OP_selu, numbers);
}

bool import_celu(Importer *importer) {
    double alpha;
    if (!attribute_number(importer, "alpha", 1, &alpha))
        return false;
    if (alpha == 0)
        return node_fault(importer, NULL, "it divides by its alpha, which is 0");
    return import_element(importer, OP_celu, &alpha);
}

/* An op that is called as ours, but for capitals. */
bool import_same_name(Importer *importer) {
    const char *name = importer->node->op_type;
    Text lower = {0};
    for (; *name != '\0'; name++)
        text_append_bytes(
            &lower, &(char){*name >= 'A' && *name <= 'Z' ? *name + 'a' - 'A' : *name}, 1);
    OpKind op = OP_COUNT;
    bool found = op_find(lower.data, &op);
    assert(found && op_is_element(op));
    text_free(&lower);
    return found && import_unary(importer, op);
}

bool import_relu(Importer *importer) {
    return import_unary(importer, OP_relu);
}

bool import_sigmoid(Importer *importer) {
    return import_unary(importer, OP_sigmoid);
}

bool import_hard_swish(Importer *importer) {
    return import_unary(importer, OP_hard_swish);
}

/* The symbol with something pending about its value. */
static bool set_pending(Importer *importer, const Symbol *symbol, Pending pending) {
    Symbol *result = view_over(importer, symbol->value, &symbol->shape);
    result->pending = pending;
    return set_result(importer, result);
}

/* min(max(alpha * x + beta, 0), 1); riffle's own has alpha 1/6 and beta 1/2. */
bool import_hard_sigmoid(Importer *importer) {
    Symbol *symbol;
    double alpha, beta;
    if (!tensor_operand(importer, 0, &symbol) ||
        !attribute_number(importer, "alpha", (double)0.2f, &alpha) ||
        !attribute_number(importer, "beta", 0.5, &beta))
        return false;
    Value *value = symbol_elements(importer, symbol);
    if (value == NULL)
        return false;
    if (fabs(alpha * 6 - 1) > 1e-6 || fabs(beta - 0.5) > 1e-6) {
        int64_t channels = value->type.dims[1];
        const float *scale = repeat_number(importer, 6 * alpha, channels);
        const float *shift = scale == NULL ? NULL : repeat_number(importer, 6 * beta - 3, channels);
        value = shift == NULL ? NULL : build_affine(importer, value, scale, shift);
    }
    value = value == NULL ? NULL : build_unary(importer, OP_hard_sigmoid, value);
    return value != NULL && set_result(importer, view_over(importer, value, &symbol->shape));
}

/* The op of x and a number, or of a number and x. */
static bool import_with_number(
    Importer *importer, Symbol *symbol, OpKind op, double number, bool comes_first) {
    Value *value = symbol_elements(importer, symbol);
    if (value == NULL)
        return false;
    Node *node = begin_node(importer, OP_map, "", &value, 1);
    FormulaBuilder builder = {.arena = importer->graph->arena};
    int x = formula_operand(&builder, 0), constant = formula_literal(&builder, number);
    int arguments[] = {comes_first ? constant : x, comes_first ? x : constant};
    node_set_formula(
        node, "formula", formula_finish(&builder, formula_apply(&builder, op, arguments, NULL)));
    return finish_node(importer, node) &&
           set_result(importer, view_over(importer, node->results[0], &symbol->shape));
}

/* ---- Clip ---- */

/* An end of the float32 numbers, with which exporters write it too, is none. */
static bool clip_bound(
    Importer *importer, size_t index, const char *name, double standard, double *bound) {
    Symbol *symbol = input_symbol(importer, index);
    const Onnx__AttributeProto *attribute = attribute_find(importer, name);
    *bound = standard;
    if (symbol != NULL && !scalar_of(symbol, bound))
        return node_fault(importer, NULL, "its bound '%s' is not one constant number",
            importer->node->input[index]);
    if (symbol == NULL && attribute != NULL) {
        if (!attribute_has_type(importer, attribute, ONNX_ATTRIBUTE_FLOAT))
            return false;
        *bound = (double)attribute->f;
    }
    if (standard < 0 ? *bound < -3e38 : *bound > 3e38)
        *bound = standard;
    return true;
}

bool import_clip(Importer *importer) {
    Symbol *symbol;
    double least, most;
    if (!tensor_operand(importer, 0, &symbol) ||
        !clip_bound(importer, 1, "min", -INFINITY, &least) ||
        !clip_bound(importer, 2, "max", INFINITY, &most))
        return false;
    if (least == 0 && most == 6 && symbol->pending == PENDING_PLUS_THREE)
        return set_pending(importer, symbol, PENDING_CLIPPED);
    if (least == 0 && most == 6)
        return import_unary(importer, OP_relu6);
    bool open = isinf(most) && most > 0;
    if (least == 0 && open)
        return import_unary(importer, OP_relu);
    bool below = isinf(least) && least < 0;
    if (below && open)
        return set_result(importer, symbol);
    if (!below && !open && isfinite(least) && isfinite(most))
        return import_element(importer, OP_clip, (double[]){least, most});
    double bound = below ? most : least;
    if (!isfinite(bound))
        return node_fault(importer, NULL, "it clips to %g and %g", least, most);
    return import_with_number(importer, symbol, below ? OP_minimum : OP_maximum, bound, false);
}

/* ---- a tensor and a constant ---- */

/* What a number of the constant becomes as a factor or as a summand. */
typedef double Change(double);

/* One number for each channel of the tensor, aligned at the right as ONNX does. */
static bool is_per_channel(const Symbol *symbol, const Symbol *constant) {
    const Shape *shape = &constant->shape;
    int axis = shape->rank - (symbol->shape.rank - 1); /* of the channels */
    return symbol->shape.rank >= 2 && axis >= 0 && axis < shape->rank &&
           shape->dims[axis] == symbol->shape.dims[1] &&
           shape_elements(shape) == symbol->shape.dims[1];
}

/* NULL after reporting. */
static const float *changed(
    Importer *importer, const Symbol *constant, const Value *value, Change *change) {
    int64_t channels = value->type.dims[1], count = shape_elements(&constant->shape);
    if (!spend_elements(importer, &(Shape){.rank = 1, .dims = {channels}}))
        return NULL;
    float *numbers = ARENA_ARRAY(importer->arena, float, channels);
    for (int64_t i = 0; i < channels; i++)
        numbers[i] = (float)change((double)constant->floats[count == 1 ? 0 : i]);
    return numbers;
}

static double same(double x) {
    return x;
}

static double negative(double x) {
    return -x;
}

static double inverse(double x) {
    return 1 / x;
}

static double minus_one(double x) {
    (void)x;
    return -1;
}

/* A bias behind a layer that has none, and that nobody else reads, becomes the layer's. */
static bool give_bias(Importer *importer, const Symbol *symbol, const float *shift) {
    Node *node = symbol->value->producer;
    Shape shape = shape_of_value(symbol->value);
    bool takes = node != NULL && (node->op == OP_conv || node->op == OP_linear) &&
                 node->weights[1] == NULL && node->weights[0]->data != NULL && !symbol->is_shared &&
                 use_count(importer, symbol->name) == 1 && shape_equal(&shape, &symbol->shape);
    for (const Node *other = importer->graph->first; takes && other != NULL; other = other->next)
        takes = other == node || other->weights[0] != node->weights[0];
    if (takes)
        node_set_weight(importer, node, 1, tensor_type(1, node->weights[0]->type.dims), shift);
    return takes;
}

static bool check_constant(Importer *importer, const Symbol *symbol, const Symbol *constant) {
    if (constant->floats == NULL)
        return node_fault(importer, NULL, "its constant %s holds whole numbers",
            shape_spelling(importer->arena, &constant->shape));
    if ((shape_elements(&constant->shape) == 1 && constant->shape.rank <= symbol->shape.rank) ||
        is_per_channel(symbol, constant))
        return true;
    return node_fault(importer, NULL,
        "its constant %s is neither one number nor one for each channel of %s",
        shape_spelling(importer->arena, &constant->shape),
        shape_spelling(importer->arena, &symbol->shape));
}

static bool all_finite(const float *numbers, int64_t count) {
    for (int64_t i = 0; numbers != NULL && i < count; i++)
        if (!isfinite(numbers[i]))
            return false;
    return true;
}

/* symbol * scale(constant) + shift(constant); either may be NULL. */
static bool import_affine(
    Importer *importer, Symbol *symbol, const Symbol *constant, Change *scale, Change *shift) {
    if (!check_constant(importer, symbol, constant))
        return false;
    bool one = shape_elements(&constant->shape) == 1;
    Value *value = one ? symbol_elements(importer, symbol) : symbol_channels(importer, symbol);
    if (value == NULL)
        return false;
    const float *factors = scale == NULL ? NULL : changed(importer, constant, value, scale);
    const float *summands = shift == NULL ? NULL : changed(importer, constant, value, shift);
    if ((scale != NULL && factors == NULL) || (shift != NULL && summands == NULL))
        return false;
    if (!all_finite(factors, value->type.dims[1]))
        return node_fault(importer, NULL,
            scale == inverse ? "it divides by a constant that is 0 or not a number"
                             : "it multiplies by a constant that is infinite or not a number");
    if (factors == NULL && give_bias(importer, symbol, summands))
        return set_result(importer, symbol);
    Value *result = build_affine(importer, value, factors, summands);
    return result != NULL && set_result(importer, view_over(importer, result, &symbol->shape));
}

/* Whether the factor makes relu6(x + 3), or x times that, hard_sigmoid or hard_swish. */
static bool finish_hard(Importer *importer, Symbol *symbol, double factor, bool *done) {
    *done = fabs(factor * 6 - 1) < 1e-6 &&
            (symbol->pending == PENDING_CLIPPED || symbol->pending == PENDING_SIX_TIMES);
    if (!*done)
        return true;
    OpKind op = symbol->pending == PENDING_CLIPPED ? OP_hard_sigmoid : OP_hard_swish;
    Value *result = build_unary(importer, op, symbol->value);
    return result != NULL && set_result(importer, view_over(importer, result, &symbol->shape));
}

static bool shift_by(Importer *importer, Symbol *symbol, const Symbol *constant, bool subtract) {
    double number;
    if (scalar_of(constant, &number) && (subtract ? -number : number) == 3 &&
        symbol->pending == PENDING_NOTHING && symbol->places == NULL)
        return set_pending(importer, symbol, PENDING_PLUS_THREE);
    return import_affine(importer, symbol, constant, NULL, subtract ? negative : same);
}

static bool scale_by(Importer *importer, Symbol *symbol, const Symbol *constant, bool divide) {
    double number;
    bool done = false;
    if (scalar_of(constant, &number) &&
        !finish_hard(importer, symbol, divide ? 1 / number : number, &done))
        return false;
    if (done)
        return true;
    return import_affine(importer, symbol, constant, divide ? inverse : same, NULL);
}

/* ---- two tensors ---- */

/* relu6(x + 3) * x, in either order. */
static bool is_hard_pair(const Symbol *a, const Symbol *b) {
    return a->pending == PENDING_CLIPPED && b->pending == PENDING_NOTHING && a->value == b->value &&
           a->places == NULL && b->places == NULL && shape_equal(&a->shape, &b->shape);
}

/* hard_sigmoid(x) * x. */
static bool is_hard_swish(const Symbol *a, const Symbol *b) {
    const Node *node = a->value->producer;
    return a->pending == PENDING_NOTHING && a->places == NULL && b->places == NULL &&
           b->pending == PENDING_NOTHING && node != NULL && node->op == OP_hard_sigmoid &&
           node->operands[0] == b->value && shape_equal(&a->shape, &b->shape);
}

/* Whether b is repeated over a: [n,c,1,1] to [n,c,h,w]. */
static bool repeats(const Symbol *a, const Symbol *b) {
    return a->shape.rank == 4 && b->shape.rank == 4 && a->shape.dims[0] == b->shape.dims[0] &&
           a->shape.dims[1] == b->shape.dims[1] && b->shape.dims[2] == 1 && b->shape.dims[3] == 1;
}

static Symbol *combine(Importer *importer, OpKind op, Symbol *a, Symbol *b) {
    bool commutes = op != OP_subtract && op != OP_divide;
    if (commutes && !shape_equal(&a->shape, &b->shape) && !repeats(a, b) && repeats(b, a)) {
        Symbol *swap = a;
        a = b;
        b = swap;
    }
    bool equal = shape_equal(&a->shape, &b->shape);
    if (!equal && !repeats(a, b)) {
        node_fault(importer, "equal shapes, or [batch, channels, 1, 1] on one side, are known",
            "it cannot repeat %s and %s to one shape", shape_spelling(importer->arena, &a->shape),
            shape_spelling(importer->arena, &b->shape));
        return NULL;
    }
    Value *values[2] = {symbol_elements(importer, a), NULL};
    values[1] = values[0] == NULL ? NULL : symbol_elements(importer, b);
    if (values[1] == NULL)
        return NULL;
    if (!equal || !tensor_type_equal(&values[0]->type, &values[1]->type)) {
        bool images = rank_has_channels(a->shape.rank);
        values[0] = images ? symbol_value(importer, a) : symbol_row(importer, a);
        values[1] = values[0] == NULL ? NULL
                    : images          ? symbol_value(importer, b)
                                      : symbol_row(importer, b);
    }
    Node *node = values[1] == NULL ? NULL : build_node(importer, op, values, 2);
    return node == NULL ? NULL : view_over(importer, node->results[0], &a->shape);
}

static bool two_operands(Importer *importer, Symbol **a, Symbol **b) {
    *a = input_symbol(importer, 0);
    *b = input_symbol(importer, 1);
    if (*a == NULL || *b == NULL)
        return node_fault(importer, NULL, "it needs two inputs");
    return true;
}

bool import_add(Importer *importer) {
    Symbol *a, *b;
    if (!two_operands(importer, &a, &b))
        return false;
    if (b->kind == SYMBOL_CONSTANT)
        return shift_by(importer, a, b, false);
    if (a->kind == SYMBOL_CONSTANT)
        return shift_by(importer, b, a, false);
    Symbol *sum = combine(importer, OP_add, a, b);
    return sum != NULL && set_result(importer, sum);
}

bool import_multiply(Importer *importer) {
    Symbol *a, *b;
    if (!two_operands(importer, &a, &b))
        return false;
    if (b->kind == SYMBOL_CONSTANT)
        return scale_by(importer, a, b, false);
    if (a->kind == SYMBOL_CONSTANT)
        return scale_by(importer, b, a, false);
    if (is_hard_pair(a, b) || is_hard_pair(b, a))
        return set_pending(importer, a, PENDING_SIX_TIMES);
    if (is_hard_swish(a, b) || is_hard_swish(b, a)) {
        const Symbol *x = is_hard_swish(a, b) ? b : a;
        Value *value = build_unary(importer, OP_hard_swish, x->value);
        return value != NULL && set_result(importer, view_over(importer, value, &x->shape));
    }
    Symbol *result = combine(importer, OP_multiply, a, b);
    return result != NULL && set_result(importer, result);
}

static Symbol *negated(Importer *importer, Symbol *symbol) {
    Value *value = symbol_elements(importer, symbol);
    const float *factors = value == NULL ? NULL : repeat_number(importer, -1, value->type.dims[1]);
    Value *result = factors == NULL ? NULL : build_affine(importer, value, factors, NULL);
    return result == NULL ? NULL : view_over(importer, result, &symbol->shape);
}

bool import_subtract(Importer *importer) {
    Symbol *a, *b;
    if (!two_operands(importer, &a, &b))
        return false;
    if (b->kind == SYMBOL_CONSTANT)
        return shift_by(importer, a, b, true);
    if (a->kind == SYMBOL_CONSTANT)
        return import_affine(importer, b, a, minus_one, same);
    Symbol *opposite = repeats(b, a) ? negated(importer, b) : NULL;
    if (repeats(b, a) && opposite == NULL)
        return false;
    Symbol *result = opposite != NULL ? combine(importer, OP_add, a, opposite)
                                      : combine(importer, OP_subtract, a, b);
    return result != NULL && set_result(importer, result);
}

bool import_negate(Importer *importer) {
    Symbol *symbol;
    if (!tensor_operand(importer, 0, &symbol))
        return false;
    Symbol *result = negated(importer, symbol);
    return result != NULL && set_result(importer, result);
}

bool import_divide(Importer *importer) {
    Symbol *a, *b;
    if (!two_operands(importer, &a, &b))
        return false;
    if (b->kind == SYMBOL_CONSTANT)
        return scale_by(importer, a, b, true);
    double number;
    if (a->kind == SYMBOL_CONSTANT && scalar_of(a, &number) && isfinite(number))
        return import_with_number(importer, b, OP_divide, number, true);
    if (a->kind == SYMBOL_CONSTANT)
        return node_fault(
            importer, NULL, "it divides a constant that is not one finite number by a tensor");
    Symbol *result = combine(importer, OP_divide, a, b);
    return result != NULL && set_result(importer, result);
}

/* One op after the other, of all that is given. */
static bool import_joined(Importer *importer, OpKind op) {
    Symbol *sum;
    if (!tensor_operand(importer, 0, &sum))
        return false;
    for (size_t i = 1; i < importer->node->n_input; i++) {
        Symbol *symbol;
        if (!tensor_operand(importer, i, &symbol))
            return false;
        sum = combine(importer, op, sum, symbol);
        if (sum == NULL)
            return false;
    }
    return set_result(importer, sum);
}

bool import_sum(Importer *importer) {
    return import_joined(importer, OP_add);
}

bool import_maximum(Importer *importer) {
    return import_joined(importer, OP_maximum);
}

bool import_minimum(Importer *importer) {
    return import_joined(importer, OP_minimum);
}
