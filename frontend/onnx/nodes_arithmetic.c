/* Nodes that work element by element on two tensors, or a tensor and a constant. */
#include "frontend/onnx/importer.h"
#include "ir/formula.h"

#include <math.h>

/* The symbol with something pending about its value. */
static bool set_pending(Importer *importer, const Symbol *symbol, Pending pending) {
    Symbol *result = view_over(importer, symbol->value, &symbol->shape);
    result->pending = pending;
    return set_result(importer, result);
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

static bool all_finite(const float *numbers, int64_t count) {
    for (int64_t i = 0; numbers != NULL && i < count; i++)
        if (!isfinite(numbers[i]))
            return false;
    return true;
}

/* Whether the constant is better a batch norm or a bias, which layers take into their weights: one
 * number for each channel, or one for all behind such a layer. */
static bool is_affine(Importer *importer, Symbol *symbol, const Symbol *constant, Change *scale) {
    const Value *value = settle_symbol(importer, symbol);
    int64_t count = shape_elements(&constant->shape);
    if (value == NULL || constant->floats == NULL || !rank_has_channels(value->type.rank) ||
        !all_finite(constant->floats, count))
        return false;
    for (int64_t i = 0; scale == inverse && i < count; i++)
        if (!isfinite(1 / constant->floats[i]))
            return false;
    const Node *node = value->producer;
    bool takes = node == NULL || node->op == OP_conv || node->op == OP_linear ||
                 node->op == OP_batch_norm || node->op == OP_bias;
    bool one = count == 1 && constant->shape.rank <= symbol->shape.rank;
    bool alike =
        rank_has_channels(symbol->shape.rank) || (value->type.dims[0] == symbol->shape.dims[0] &&
                                                     value->type.dims[1] == symbol->shape.dims[1]);
    return (one && takes) || (alike && is_per_channel(symbol, constant));
}

/* symbol * scale(constant) + shift(constant); either may be NULL. */
static bool import_affine(
    Importer *importer, Symbol *symbol, const Symbol *constant, Change *scale, Change *shift) {
    bool one = shape_elements(&constant->shape) == 1;
    Value *value = one ? settle_symbol(importer, symbol) : symbol_channels(importer, symbol);
    if (value == NULL)
        return false;
    const float *factors = scale == NULL ? NULL : changed(importer, constant, value, scale);
    const float *summands = shift == NULL ? NULL : changed(importer, constant, value, shift);
    if ((scale != NULL && factors == NULL) || (shift != NULL && summands == NULL))
        return false;
    if (factors == NULL && give_bias(importer, symbol, summands))
        return set_result(importer, symbol);
    Value *result = build_affine(importer, value, factors, summands);
    return result != NULL && set_result(importer, view_over(importer, result, &symbol->shape));
}

static bool import_pair(Importer *importer, OpKind op, Symbol *a, Symbol *b) {
    Symbol *result = apply_element(importer, op, NULL, (Symbol *[]){a, b});
    return result != NULL && set_result(importer, result);
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

/* x + 3, or what the node does to it. */
static bool shift_by(Importer *importer, Symbol *symbol, Symbol *constant, bool subtract) {
    double number;
    if (scalar_of(constant, &number) && (subtract ? -number : number) == 3 &&
        symbol->pending == PENDING_NOTHING && symbol->places == NULL)
        return set_pending(importer, symbol, PENDING_PLUS_THREE);
    Change *shift = subtract ? negative : same;
    if (is_affine(importer, symbol, constant, NULL))
        return import_affine(importer, symbol, constant, NULL, shift);
    return import_pair(importer, subtract ? OP_subtract : OP_add, symbol, constant);
}

static bool scale_by(Importer *importer, Symbol *symbol, Symbol *constant, bool divide) {
    double number;
    bool done = false;
    if (scalar_of(constant, &number) &&
        !finish_hard(importer, symbol, divide ? 1 / number : number, &done))
        return false;
    if (done)
        return true;
    Change *scale = divide ? inverse : same;
    if (is_affine(importer, symbol, constant, scale))
        return import_affine(importer, symbol, constant, scale, NULL);
    return import_pair(importer, divide ? OP_divide : OP_multiply, symbol, constant);
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
    if (b->kind == SYMBOL_CONSTANT && a->kind == SYMBOL_TENSOR)
        return shift_by(importer, a, b, false);
    if (a->kind == SYMBOL_CONSTANT && b->kind == SYMBOL_TENSOR)
        return shift_by(importer, b, a, false);
    return import_pair(importer, OP_add, a, b);
}

bool import_multiply(Importer *importer) {
    Symbol *a, *b;
    if (!two_operands(importer, &a, &b))
        return false;
    if (b->kind == SYMBOL_CONSTANT && a->kind == SYMBOL_TENSOR)
        return scale_by(importer, a, b, false);
    if (a->kind == SYMBOL_CONSTANT && b->kind == SYMBOL_TENSOR)
        return scale_by(importer, b, a, false);
    if (a->kind == SYMBOL_TENSOR && (is_hard_pair(a, b) || is_hard_pair(b, a)))
        return set_pending(importer, a, PENDING_SIX_TIMES);
    if (a->kind == SYMBOL_TENSOR && (is_hard_swish(a, b) || is_hard_swish(b, a))) {
        const Symbol *x = is_hard_swish(a, b) ? b : a;
        Value *value = build_unary(importer, OP_hard_swish, x->value);
        return value != NULL && set_result(importer, view_over(importer, value, &x->shape));
    }
    return import_pair(importer, OP_multiply, a, b);
}

bool import_subtract(Importer *importer) {
    Symbol *a, *b;
    if (!two_operands(importer, &a, &b))
        return false;
    if (b->kind == SYMBOL_CONSTANT && a->kind == SYMBOL_TENSOR)
        return shift_by(importer, a, b, true);
    if (a->kind == SYMBOL_CONSTANT && b->kind == SYMBOL_TENSOR &&
        is_affine(importer, b, a, minus_one))
        return import_affine(importer, b, a, minus_one, same);
    return import_pair(importer, OP_subtract, a, b);
}

bool import_divide(Importer *importer) {
    Symbol *a, *b;
    if (!two_operands(importer, &a, &b))
        return false;
    if (b->kind == SYMBOL_CONSTANT && a->kind == SYMBOL_TENSOR)
        return scale_by(importer, a, b, true);
    return import_pair(importer, OP_divide, a, b);
}

/* Exponents may be whole numbers. */
static Symbol *as_floats(Importer *importer, Symbol *symbol) {
    if (symbol->kind != SYMBOL_CONSTANT || symbol->floats != NULL)
        return symbol;
    if (!spend_elements(importer, &symbol->shape))
        return NULL;
    int64_t count = shape_elements(&symbol->shape);
    float *floats = ARENA_ARRAY(importer->arena, float, count + 1);
    for (int64_t i = 0; i < count; i++)
        floats[i] = (float)symbol->integers[i];
    return symbol_floats(importer, &symbol->shape, floats);
}

bool import_power(Importer *importer) {
    Symbol *a, *b;
    double exponent;
    if (!two_operands(importer, &a, &b))
        return false;
    b = as_floats(importer, b);
    if (b == NULL)
        return false;
    bool one = scalar_of(b, &exponent) && b->shape.rank <= a->shape.rank;
    if (one && exponent == 1)
        return set_result(importer, a);
    if (!one || exponent != 0)
        return import_pair(importer, OP_power, a, b);
    FormulaBuilder builder = {.arena = importer->graph->arena}; /* NaN, too, becomes 1 */
    Symbol *result =
        apply_elements(importer, formula_finish(&builder, formula_literal(&builder, 1)), &a, 1);
    return result != NULL && set_result(importer, result);
}

/* One op after the other, of all that is given. */
static bool import_joined(Importer *importer, OpKind op) {
    Symbol *sum = input_symbol(importer, 0);
    if (sum == NULL)
        return node_fault(importer, NULL, "its input 1 is left out");
    for (size_t i = 1; i < importer->node->n_input && sum != NULL; i++) {
        Symbol *symbol = input_symbol(importer, i);
        double number;
        if (symbol == NULL)
            return node_fault(importer, NULL, "its input %zu is left out", i + 1);
        bool rectifies = op == OP_maximum && sum->kind == SYMBOL_TENSOR &&
                         scalar_of(symbol, &number) && number == 0 &&
                         symbol->shape.rank <= sum->shape.rank;
        sum = rectifies ? apply_element(importer, OP_relu, NULL, &sum)
                        : apply_element(importer, op, NULL, (Symbol *[]){sum, symbol});
    }
    return sum != NULL && set_result(importer, sum);
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
