#include "ir/pair_degree.h"
#include "ir/formula.h"
#include "ir/reduction.h"
#include <math.h>

double larger_degree(double a, double b) {
    return isnan(a) || a > b ? a : b;
}

/* ---- formulas ---- */

static double power_degree(double base, const FormulaTerm *exponent) {
    bool whole = exponent->kind == TERM_LITERAL && exponent->literal >= 0 &&
                 exponent->literal == floor(exponent->literal);
    return whole ? base * exponent->literal : NAN;
}

static double term_degree(const Formula *formula, const FormulaTerm *term, const double *degrees) {
    double a = degrees[term->arguments[0]], b = degrees[term->arguments[1]];
    const FormulaTerm *second = &formula->terms[term->arguments[1]];
    switch ((int)term->element) {
    case OP_add:
    case OP_subtract:
    case OP_maximum:
    case OP_minimum:
        return larger_degree(a, b);
    case OP_multiply:
        return a + b;
    case OP_divide:
        return second->kind == TERM_LITERAL ? a : NAN;
    case OP_negate:
    case OP_abs:
        return a;
    case OP_power:
        return power_degree(a, second);
    default:
        return NAN;
    }
}

/* NULL stands for x. */
static double formula_degree(const Formula *formula, const double *operands) {
    if (formula == NULL)
        return operands[0];
    Arena *scratch = arena_create();
    const Formula *expanded = formula_expand(scratch, formula);
    if (expanded == NULL) {
        arena_destroy(scratch);
        return operands[0];
    }
    double *degrees = ARENA_ARRAY(scratch, double, expanded->count);
    for (int i = 0; i < expanded->count; i++) {
        const FormulaTerm *term = &expanded->terms[i];
        degrees[i] = term->kind == TERM_OPERAND   ? operands[term->operand]
                     : term->kind == TERM_LITERAL ? 0
                                                  : term_degree(expanded, term, degrees);
    }
    double degree = degrees[expanded->count - 1];
    arena_destroy(scratch);
    return degree;
}

/* ---- nodes ---- */

double weight_degree(const Weight *weight) {
    return weight == NULL ? 0 : weight->degree == 0 ? 1 : weight->degree;
}

static double product_degree(const Node *node, const double *operands) {
    double sum = larger_degree(operands[0] + weight_degree(node_weight(node, "weight")),
        weight_degree(node_weight(node, "bias")));
    sum = formula_degree(node_formula_attribute(node, "activation"), &sum);
    if (node->op != OP_conv || node->operand_count == 1)
        return sum;
    sum = larger_degree(sum, operands[1]);
    return formula_degree(node_formula_attribute(node, "residual_activation"), &sum);
}

static double reduce_degree(const Node *node, double operand) {
    const Reduction *reduction = node_reduction(node);
    if (reduction->finish == FINISH_ROOT)
        return NAN;
    return reduction->term == TERM_SQUARE ? 2 * operand : operand;
}

static double elements_degree(const Node *node, const double *operands) {
    Arena *scratch = arena_create();
    double degree = formula_degree(node_formula(node, scratch), operands);
    arena_destroy(scratch);
    return degree;
}

static double largest_degree(const double *operands, int count) {
    double degree = 0;
    for (int i = 0; i < count; i++)
        degree = larger_degree(operands[i], degree);
    return degree;
}

/* (x - mean) * weight / root + bias */
static double batch_norm_degree(const Node *node, double operand) {
    double mean = weight_degree(node_weight(node, "running_mean"));
    double scale = weight_degree(node_weight(node, "weight")) + 1;
    bool drawn = weight_degree(node_weight(node, "running_var")) == 1;
    return drawn ? larger_degree(larger_degree(operand, mean) + scale,
                       weight_degree(node_weight(node, "bias")))
                 : NAN;
}

static double node_degree(const Node *node, const double *operands) {
    switch (node->op) {
    case OP_conv:
    case OP_conv_transpose:
    case OP_linear:
        return product_degree(node, operands);
    case OP_bias:
        return larger_degree(operands[0], weight_degree(node->weights[0]));
    case OP_constant:
        return weight_degree(node->weights[0]);
    case OP_batch_norm:
        return batch_norm_degree(node, operands[0]);
    case OP_arg_max:
        return 0;
    case OP_reduce:
        return reduce_degree(node, operands[0]);
    case OP_softmax:
    case OP_log_softmax:
    case OP_local_response_norm:
        return NAN;
    default:
        return op_computes_elements(node->op) ? elements_degree(node, operands)
                                              : largest_degree(operands, node->operand_count);
    }
}

double graph_degree(const Graph *graph) {
    Arena *scratch = arena_create();
    double *degrees = ARENA_ARRAY(scratch, double, graph->next_value_id), degree = 0;
    for (int i = 0; i < graph->input_count; i++)
        degrees[graph->inputs[i].value->id] = 1;
    for (const Node *node = graph->first; node != NULL; node = node->next) {
        double *operands = ARENA_ARRAY(scratch, double, node->operand_count + 1);
        for (int i = 0; i < node->operand_count; i++)
            operands[i] = degrees[node->operands[i]->id];
        for (int i = 0; i < node->result_count; i++)
            degrees[node->results[i]->id] = node_degree(node, operands);
    }
    for (int i = 0; i < graph->output_count; i++)
        degree = larger_degree(degrees[graph->outputs[i].value->id], degree);
    arena_destroy(scratch);
    return degree;
}
