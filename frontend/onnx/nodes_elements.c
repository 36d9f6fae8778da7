/* Nodes that work element by element on one tensor. Those of two are in
 * nodes_arithmetic.c. */
#include "frontend/onnx/importer.h"
#include "ir/formula.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* A tensor, or a constant, of which the node is computed. */
static bool element_operand(Importer *importer, size_t index, Symbol **symbol) {
    *symbol = input_symbol(importer, index);
    return *symbol != NULL || node_fault(importer, NULL, "its input %zu is left out", index + 1);
}

static bool import_element(Importer *importer, OpKind op, const double *parameters) {
    Symbol *symbol;
    if (!element_operand(importer, 0, &symbol))
        return false;
    Symbol *result = apply_element(importer, op, parameters, &symbol);
    return result != NULL && set_result(importer, result);
}

static bool import_unary(Importer *importer, OpKind op) {
    return import_element(importer, op, NULL);
}

/* What the formula makes of the first operand. */
static bool import_formula(Importer *importer, const FormulaBuilder *builder, int root) {
    Symbol *symbol;
    if (!element_operand(importer, 0, &symbol))
        return false;
    Symbol *result = apply_elements(importer, formula_finish(builder, root), &symbol, 1);
    return result != NULL && set_result(importer, result);
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

bool import_thresholded_relu(Importer *importer) {
    double alpha;
    return attribute_number(importer, "alpha", 1, &alpha) &&
           import_element(importer, OP_thresholded_relu, &alpha);
}

bool import_gelu(Importer *importer) {
    const char *form;
    if (!attribute_string(importer, "approximate", &form))
        return false;
    bool tanh = strcmp(form, "tanh") == 0;
    if (!tanh && *form != '\0' && strcmp(form, "none") != 0)
        return node_fault(importer, NULL, "its 'approximate' is '%.100s'", form);
    return import_unary(importer, tanh ? OP_gelu_tanh : OP_gelu);
}

/* x * sigmoid(alpha * x) */
bool import_swish(Importer *importer) {
    double alpha;
    if (!attribute_number(importer, "alpha", 1, &alpha))
        return false;
    if (alpha == 1)
        return import_unary(importer, OP_silu);
    FormulaBuilder builder = {.arena = importer->graph->arena};
    int x = formula_operand(&builder, 0), factor = formula_literal(&builder, alpha);
    int product = formula_apply(&builder, OP_multiply, (int[]){x, factor}, NULL);
    int gate = formula_apply(&builder, OP_sigmoid, &product, NULL);
    return import_formula(
        importer, &builder, formula_apply(&builder, OP_multiply, (int[]){x, gate}, NULL));
}

/* A slope for each number, or for all. */
bool import_prelu(Importer *importer) {
    Symbol *operands[2];
    double slope;
    if (!element_operand(importer, 0, &operands[0]) || !element_operand(importer, 1, &operands[1]))
        return false;
    if (scalar_of(operands[1], &slope) && isfinite(slope))
        return import_element(importer, OP_leaky_relu, &slope);
    Symbol *result = apply_element(importer, OP_prelu, NULL, operands);
    return result != NULL && set_result(importer, result);
}

bool import_negate(Importer *importer) {
    return import_unary(importer, OP_negate);
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

/* min(max(alpha * x + beta, 0), 1); riffle's own has alpha 1/6 and beta 1/2. */
bool import_hard_sigmoid(Importer *importer) {
    double alpha, beta;
    if (!attribute_number(importer, "alpha", (double)0.2f, &alpha) ||
        !attribute_number(importer, "beta", 0.5, &beta))
        return false;
    if (fabs(alpha * 6 - 1) < 1e-6 && fabs(beta - 0.5) < 1e-6)
        return import_unary(importer, OP_hard_sigmoid);
    if (!isfinite(alpha) || !isfinite(beta))
        return node_fault(importer, NULL, "its alpha is %g, its beta %g", alpha, beta);
    FormulaBuilder builder = {.arena = importer->graph->arena};
    int x = formula_operand(&builder, 0), factor = formula_literal(&builder, alpha);
    int product = formula_apply(&builder, OP_multiply, (int[]){x, factor}, NULL);
    int sum =
        formula_apply(&builder, OP_add, (int[]){product, formula_literal(&builder, beta)}, NULL);
    return import_formula(
        importer, &builder, formula_apply(&builder, OP_clip, &sum, (double[]){0, 1}));
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
    if (!element_operand(importer, 0, &symbol) ||
        !clip_bound(importer, 1, "min", -INFINITY, &least) ||
        !clip_bound(importer, 2, "max", INFINITY, &most))
        return false;
    if (least == 0 && most == 6 && symbol->pending == PENDING_PLUS_THREE) {
        Symbol *clipped = view_over(importer, symbol->value, &symbol->shape);
        clipped->pending = PENDING_CLIPPED;
        return set_result(importer, clipped);
    }
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
    FormulaBuilder builder = {.arena = importer->graph->arena};
    int terms[] = {formula_operand(&builder, 0), formula_literal(&builder, bound)};
    return import_formula(
        importer, &builder, formula_apply(&builder, below ? OP_minimum : OP_maximum, terms, NULL));
}
