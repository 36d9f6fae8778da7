/* Layers that work number by number, and Softmax. */
#include "frontend/ncnn/importer.h"
#include "frontend/ncnn/window.h"
#include "ir/formula.h"

#include <assert.h>
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- one operand ---- */

Symbol *ncnn_element(Importer *importer, Symbol *symbol, OpKind op, const double *parameters) {
    Value *value = symbol_elements(importer, symbol);
    if (value == NULL)
        return NULL;
    Node *node = begin_node(importer, op, "", &value, 1);
    for (int i = 0; i < element_parameters(op) && parameters != NULL; i++)
        node->attributes[i].number = parameters[i];
    return finish_node(importer, node) ? view_over(importer, node->results[0], &symbol->shape)
                                       : NULL;
}

Symbol *ncnn_formula(Importer *importer, Symbol *symbol, const char *text) {
    FormulaFault fault = {0};
    const Formula *formula = formula_parse(text, 1, importer->graph->arena, &fault);
    assert(fault.message == NULL);
    Value *value = formula == NULL ? NULL : symbol_elements(importer, symbol);
    if (value == NULL)
        return formula == NULL ? symbol : NULL; /* x itself */
    Node *node = begin_node(importer, OP_map, "", &value, 1);
    node_set_formula(node, "formula", formula);
    return finish_node(importer, node) ? view_over(importer, node->results[0], &symbol->shape)
                                       : NULL;
}

/* A number as formulas have it, wherever it stands. */
static const char *spelled(Importer *importer, double number) {
    Text text = {0};
    text_append(&text, number < 0 ? "(" : "");
    text_append_float(&text, (float)number);
    text_append(&text, number < 0 ? ")" : "");
    const char *copy = arena_copy_string(importer->arena, text.data);
    text_free(&text);
    return copy;
}

/* Numbers in the file are float32: 1e-05 there should read 1e-05 here. */
static double read_back(Importer *importer, double number) {
    const char *text = spelled(importer, number);
    return strtod(*text == '(' ? text + 1 : text, NULL);
}

static Symbol *leaky(Importer *importer, Symbol *symbol, double slope) {
    slope = read_back(importer, slope);
    return slope == 0 ? ncnn_element(importer, symbol, OP_relu, NULL)
                      : ncnn_element(importer, symbol, OP_leaky_relu, &slope);
}

/* The ends of the float32 numbers are no bounds. */
static Symbol *clipped(Importer *importer, Symbol *symbol, double least, double most) {
    bool below = least > -3e38, above = most < 3e38;
    double bounds[] = {read_back(importer, least), read_back(importer, most)};
    if (!below && !above)
        return symbol;
    if (below && above && least == 0 && most == 6)
        return ncnn_element(importer, symbol, OP_relu6, NULL);
    if (below && above)
        return ncnn_element(importer, symbol, OP_clip, bounds);
    if (below && least == 0)
        return ncnn_element(importer, symbol, OP_relu, NULL);
    return ncnn_formula(importer, symbol,
        arena_format(importer->arena, below ? "maximum(x, %s)" : "minimum(x, %s)",
            spelled(importer, below ? least : most)));
}

/* clamp(alpha * x + beta, 0, 1), or x times that. */
static Symbol *hard(Importer *importer, Symbol *symbol, double alpha, double beta, bool swish) {
    if (fabs(alpha * 6 - 1) < 1e-6 && fabs(beta - 0.5) < 1e-6)
        return ncnn_element(importer, symbol, swish ? OP_hard_swish : OP_hard_sigmoid, NULL);
    return ncnn_formula(importer, symbol,
        arena_format(importer->arena, "%sminimum(maximum(%s * x + %s, 0), 1)", swish ? "x * " : "",
            spelled(importer, alpha), spelled(importer, beta)));
}

Symbol *ncnn_activation(Importer *importer, Symbol *symbol) {
    enum { NONE, RELU, LEAKY, CLIP, SIGMOID, MISH, HARD_SWISH, KINDS };
    static const size_t counts[KINDS] = {[LEAKY] = 1, [CLIP] = 2, [HARD_SWISH] = 2};
    int64_t kind;
    const double *numbers;
    size_t count;
    if (!ncnn_integer(importer, 9, NONE, &kind) || !ncnn_numbers(importer, 10, &numbers, &count))
        return NULL;
    if (kind < NONE || kind >= KINDS || count < counts[kind]) {
        node_fault(importer, NULL,
            "its activation (parameter 9) is %" PRId64 " with %zu numbers, which is none", kind,
            count);
        return NULL;
    }
    switch (kind) {
    case RELU:
        return ncnn_element(importer, symbol, OP_relu, NULL);
    case LEAKY:
        return leaky(importer, symbol, numbers[0]);
    case CLIP:
        return clipped(importer, symbol, numbers[0], numbers[1]);
    case SIGMOID:
        return ncnn_element(importer, symbol, OP_sigmoid, NULL);
    case MISH:
        return ncnn_element(importer, symbol, OP_mish, NULL);
    case HARD_SWISH:
        return hard(importer, symbol, numbers[0], numbers[1], true);
    default:
        return symbol;
    }
}

static bool import_element(Importer *importer, OpKind op, const double *parameters) {
    Symbol *symbol;
    return tensor_operand(importer, 0, &symbol) &&
           ncnn_set(importer, ncnn_element(importer, symbol, op, parameters));
}

bool ncnn_import_relu(Importer *importer) {
    Symbol *symbol;
    double slope;
    return tensor_operand(importer, 0, &symbol) && ncnn_number(importer, 0, 0, &slope) &&
           ncnn_set(importer, leaky(importer, symbol, slope));
}

bool ncnn_import_clip(Importer *importer) {
    Symbol *symbol;
    double least, most;
    return tensor_operand(importer, 0, &symbol) &&
           ncnn_number(importer, 0, (double)-FLT_MAX, &least) &&
           ncnn_number(importer, 1, (double)FLT_MAX, &most) &&
           ncnn_set(importer, clipped(importer, symbol, least, most));
}

static bool import_hard(Importer *importer, bool swish) {
    Symbol *symbol;
    double alpha, beta;
    return tensor_operand(importer, 0, &symbol) && ncnn_number(importer, 0, 0.2, &alpha) &&
           ncnn_number(importer, 1, 0.5, &beta) &&
           ncnn_set(importer, hard(importer, symbol, alpha, beta, swish));
}

bool ncnn_import_hard_sigmoid(Importer *importer) {
    return import_hard(importer, false);
}

bool ncnn_import_hard_swish(Importer *importer) {
    return import_hard(importer, true);
}

bool ncnn_import_sigmoid(Importer *importer) {
    return import_element(importer, OP_sigmoid, NULL);
}

bool ncnn_import_swish(Importer *importer) {
    return import_element(importer, OP_silu, NULL);
}

bool ncnn_import_mish(Importer *importer) {
    return import_element(importer, OP_mish, NULL);
}

bool ncnn_import_tanh(Importer *importer) {
    return import_element(importer, OP_tanh, NULL);
}

bool ncnn_import_abs_val(Importer *importer) {
    return import_element(importer, OP_abs, NULL);
}

static bool import_with_alpha(Importer *importer, OpKind op, double standard) {
    double alpha;
    if (!ncnn_number(importer, 0, standard, &alpha))
        return false;
    if (op == OP_celu && alpha == 0)
        return node_fault(importer, NULL, "it divides by its alpha, which is 0");
    alpha = read_back(importer, alpha);
    return import_element(importer, op, &alpha);
}

bool ncnn_import_elu(Importer *importer) {
    return import_with_alpha(importer, OP_elu, 0.1);
}

bool ncnn_import_celu(Importer *importer) {
    return import_with_alpha(importer, OP_celu, 1);
}

bool ncnn_import_selu(Importer *importer) {
    double numbers[2];
    return ncnn_number(importer, 0, 1.67326324, &numbers[0]) &&
           ncnn_number(importer, 1, 1.050700987, &numbers[1]) &&
           import_element(importer, OP_selu, numbers);
}

bool ncnn_import_gelu(Importer *importer) {
    bool fast;
    return ncnn_flag(importer, 0, &fast) &&
           import_element(importer, fast ? OP_gelu_tanh : OP_gelu, NULL);
}

bool ncnn_import_softplus(Importer *importer) {
    return import_element(importer, OP_softplus, NULL);
}

/* A slope for each channel, or for all. */
bool ncnn_import_prelu(Importer *importer) {
    Symbol *symbol;
    int64_t count;
    if (!tensor_operand(importer, 0, &symbol) || !ncnn_integer(importer, 0, 0, &count))
        return false;
    if (count != 1 && count != symbol->shape.dims[1])
        return node_fault(importer, NULL, "it has %" PRId64 " slopes for %" PRId64 " channels",
            count, symbol->shape.dims[1]);
    const float *slopes = ncnn_weight(importer, 0, count);
    if (slopes == NULL)
        return false;
    if (count == 1 && isfinite(slopes[0]))
        return ncnn_set(importer, leaky(importer, symbol, (double)slopes[0]));
    Shape shape = {.rank = symbol->shape.rank, .dims = {1, count, 1, 1}};
    Symbol *operands[] = {symbol, symbol_floats(importer, &shape, slopes)};
    return ncnn_set(importer, apply_element(importer, OP_prelu, NULL, operands));
}

/* ---- with a scale and a shift before ---- */

/* A formula of scale * x + shift, which stands where it says %s. */
static bool import_shifted(
    Importer *importer, const char *formula, double scale, double shift, double number) {
    Symbol *symbol;
    if (!tensor_operand(importer, 0, &symbol))
        return false;
    if (!isfinite((float)scale) || !isfinite((float)shift) || !isfinite((float)number))
        return node_fault(importer, NULL, "its numbers are too large together");
    const char *inner = arena_format(
        importer->arena, "%s * x + %s", spelled(importer, scale), spelled(importer, shift));
    return ncnn_set(
        importer, ncnn_formula(importer, symbol,
                      arena_format(importer->arena, formula, inner, spelled(importer, number))));
}

/* base ^ (scale * x + shift), or the logarithm to that base; a base of -1 stands for e. */
static bool read_base(Importer *importer, double *factor, double *scale, double *shift) {
    double base;
    if (!ncnn_number(importer, 0, -1, &base) || !ncnn_number(importer, 1, 1, scale) ||
        !ncnn_number(importer, 2, 0, shift))
        return false;
    *factor = base == -1 ? 1 : log(base);
    return (isfinite(*factor) && *factor != 0) ||
           node_fault(importer, NULL, "its base is %g", base);
}

bool ncnn_import_exp(Importer *importer) {
    double factor, scale, shift;
    return read_base(importer, &factor, &scale, &shift) &&
           import_shifted(importer, "exp(%s)", factor * scale, factor * shift, 0);
}

bool ncnn_import_log(Importer *importer) {
    double factor, scale, shift;
    return read_base(importer, &factor, &scale, &shift) &&
           import_shifted(
               importer, factor == 1 ? "log(%s)" : "log(%s) * %s", scale, shift, 1 / factor);
}

bool ncnn_import_power(Importer *importer) {
    double power, scale, shift;
    return ncnn_number(importer, 0, 1, &power) && ncnn_number(importer, 1, 1, &scale) &&
           ncnn_number(importer, 2, 0, &shift) &&
           import_shifted(importer, power == 1 ? "%s" : "power(%s, %s)", scale, shift, power);
}

bool ncnn_import_unary(Importer *importer) {
    static const char *const formulas[] = {"abs(x)", "-x", "floor(x)", "ceil(x)", "x * x",
        "sqrt(x)", "1 / sqrt(x)", "exp(x)", "log(x)", NULL, NULL, NULL, NULL, NULL, NULL, "1 / x",
        "tanh(x)", "log(x) * 0.4342944819032518", "round(x)", "sign(x) * floor(abs(x))"};
    Symbol *symbol;
    int64_t kind;
    if (!tensor_operand(importer, 0, &symbol) || !ncnn_integer(importer, 0, 0, &kind))
        return false;
    if (kind < 0 || kind >= (int64_t)(sizeof formulas / sizeof *formulas) || formulas[kind] == NULL)
        return node_fault(importer, NULL, "riffle does not know its operation %" PRId64, kind);
    return ncnn_set(importer, ncnn_formula(importer, symbol, formulas[kind]));
}

/* ---- two operands ---- */

/* The operations of BinaryOp. */
typedef struct ElementOperation {
    OpKind op;
    bool swaps;          /* the second operand comes first */
    const char *formula; /* with a number, %s */
} ElementOperation;

static const ElementOperation operations[] = {
    {OP_add, false, "x + %s"},
    {OP_subtract, false, "x - %s"},
    {OP_multiply, false, "x * %s"},
    {OP_divide, false, "x / %s"},
    {OP_maximum, false, "maximum(x, %s)"},
    {OP_minimum, false, "minimum(x, %s)"},
    {OP_power, false, "power(x, %s)"},
    {OP_subtract, true, "%s - x"},
    {OP_divide, true, "%s / x"},
    {OP_power, true, "power(%s, x)"},
};

/* The blob seen with as many dimensions as the other, where it has fewer: a vector as numbers of
 * the first dimension if it fits, else of the last; rows and columns as channels and rows. */
static Symbol *fill_up(Importer *importer, Symbol *symbol, const Shape *other) {
    const int64_t *own = symbol->shape.dims;
    if (symbol->shape.rank >= other->rank)
        return symbol;
    Shape shape = {.rank = other->rank, .dims = {1, 1, 1, 1}};
    if (symbol->shape.rank == 3)
        memcpy(shape.dims, own, 3 * sizeof *own);
    else
        shape.dims[own[1] == other->dims[1] ? 1 : other->rank - 1] = own[1];
    return view_reshape(importer, symbol, &shape);
}

static Symbol *combine(Importer *importer, OpKind op, Symbol *a, Symbol *b) {
    Symbol *operands[] = {fill_up(importer, a, &b->shape), fill_up(importer, b, &a->shape)};
    return operands[0] == NULL || operands[1] == NULL ? NULL
                                                      : apply_element(importer, op, NULL, operands);
}

static Symbol *with_number(
    Importer *importer, Symbol *symbol, const ElementOperation *operation, double number) {
    return ncnn_formula(importer, symbol,
        arena_format(importer->arena, operation->formula, spelled(importer, number)));
}

Symbol *ncnn_scaled(Importer *importer, Symbol *symbol, double factor) {
    return factor == 1 ? symbol : with_number(importer, symbol, &operations[2], factor);
}

bool ncnn_import_binary(Importer *importer) {
    int64_t kind;
    bool has_number;
    double number;
    if (!ncnn_integer(importer, 0, 0, &kind) || !ncnn_flag(importer, 1, &has_number) ||
        !ncnn_number(importer, 2, 0, &number))
        return false;
    if (kind < 0 || kind >= (int64_t)(sizeof operations / sizeof *operations) ||
        operations[kind].formula == NULL)
        return node_fault(importer, NULL, "riffle does not know its operation %" PRId64, kind);
    const ElementOperation *operation = &operations[kind];
    Symbol *a, *b;
    if (!has_number && importer->node->n_input != 2)
        return node_fault(importer, NULL, "it has one input and no number");
    if (has_number)
        return tensor_operand(importer, 0, &a) &&
               ncnn_set(importer, with_number(importer, a, operation, number));
    a = input_symbol(importer, operation->swaps);
    b = input_symbol(importer, !operation->swaps);
    return ncnn_set(importer, combine(importer, operation->op, a, b));
}

bool ncnn_import_scale_by(Importer *importer) {
    return ncnn_set(importer,
        combine(importer, OP_multiply, input_symbol(importer, 0), input_symbol(importer, 1)));
}

bool ncnn_import_eltwise(Importer *importer) {
    enum { PRODUCT, SUM, MAXIMUM };
    static const OpKind ops[] = {[PRODUCT] = OP_multiply, [SUM] = OP_add, [MAXIMUM] = OP_maximum};
    int64_t kind;
    const double *factors;
    size_t count;
    Symbol *result = NULL;
    if (!ncnn_integer(importer, 0, PRODUCT, &kind) || !ncnn_numbers(importer, 1, &factors, &count))
        return false;
    if (kind < PRODUCT || kind > MAXIMUM)
        return node_fault(importer, NULL, "its operation %" PRId64 " is none", kind);
    if (count != 0 && (kind != SUM || count != importer->node->n_input))
        return node_fault(
            importer, NULL, "it has %zu factors for %zu inputs", count, importer->node->n_input);
    for (size_t i = 0; i < importer->node->n_input; i++) {
        Symbol *symbol;
        if (!tensor_operand(importer, i, &symbol))
            return false;
        if (count != 0)
            symbol = ncnn_scaled(importer, symbol, factors[i]);
        if (symbol == NULL)
            return false;
        result = result == NULL ? symbol : combine(importer, ops[kind], result, symbol);
        if (result == NULL)
            return false;
    }
    return ncnn_set(importer, result);
}

bool ncnn_import_dropout(Importer *importer) {
    Symbol *symbol;
    double scale;
    if (!tensor_operand(importer, 0, &symbol) || !ncnn_number(importer, 0, 1, &scale))
        return false;
    return ncnn_set(importer, ncnn_scaled(importer, symbol, scale));
}

/* ---- Softmax ---- */

bool ncnn_import_softmax(Importer *importer) {
    Symbol *symbol;
    int64_t given;
    bool mended;
    int axis;
    if (!tensor_operand(importer, 0, &symbol) || !ncnn_integer(importer, 0, 0, &given) ||
        !ncnn_flag(importer, 1, &mended) || !ncnn_axis(importer, given, symbol, &axis))
        return false;
    if (!mended && given != 0)
        return node_fault(importer, "make the .param file again, with a newer ncnn",
            "it is of an early ncnn, which took another axis (parameter 1 is not 1)");
    return ncnn_set(importer, along_axis(importer, symbol, axis, OP_softmax));
}
