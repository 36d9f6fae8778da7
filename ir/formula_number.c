/* What the primitives of elements.def mean: sums, products and choices, of any numbers. */
#include "ir/formula_number.h"

static bool is_arithmetic(OpKind element) {
    return element == OP_add || element == OP_subtract || element == OP_multiply ||
           element == OP_divide || element == OP_maximum || element == OP_minimum ||
           element == OP_negate || element == OP_abs;
}

NumberFormula number_formula(Arena *arena, const Formula *formula) {
    const Formula *expanded = formula_expand(arena, formula);
    int count = expanded == NULL ? 0 : expanded->count;
    const NumberFunction **functions = ARENA_ARRAY(arena, const NumberFunction *, count);
    for (int i = 0; i < count; i++) {
        const FormulaTerm *term = &expanded->terms[i];
        if (term->kind != TERM_ELEMENT || is_arithmetic(term->element))
            continue;
        const FormulaTerm *second =
            element_operands(term->element) > 1 ? &expanded->terms[term->arguments[1]] : NULL;
        bool constant = second != NULL && second->kind == TERM_LITERAL;
        functions[i] = number_function(arena, term->element, constant ? &second->literal : NULL);
    }
    return (NumberFormula){expanded, functions};
}

static Number element_value(const NumberFunction *function, OpKind element, Number a, Number b) {
    switch ((int)element) {
    case OP_add:
        return number_add(a, b);
    case OP_subtract:
        return number_subtract(a, b);
    case OP_multiply:
        return number_multiply(a, b);
    case OP_divide:
        return number_divide(a, b);
    case OP_maximum:
        return number_larger(a, b);
    case OP_minimum:
        return number_smaller(a, b);
    case OP_negate:
        return number_negate(a);
    case OP_abs:
        return number_absolute(a);
    default:
        return number_function_value(function, element, a, b);
    }
}

Number number_formula_value(const NumberFormula *formula, const Number *operands) {
    const Formula *expanded = formula->expanded;
    if (expanded == NULL)
        return operands[0];
    Number values[MOST_EXPANDED_TERMS], arguments[2] = {0};
    for (int i = 0; i < expanded->count; i++) {
        const FormulaTerm *term = &expanded->terms[i];
        if (term->kind == TERM_OPERAND) {
            values[i] = operands[term->operand];
        } else if (term->kind == TERM_LITERAL) {
            values[i] = number_constant(term->literal);
        } else {
            for (int k = 0; k < 2; k++)
                arguments[k] = values[term->arguments[k]];
            values[i] = element_value(formula->functions ? formula->functions[i] : NULL,
                term->element, arguments[0], arguments[1]);
        }
    }
    return values[expanded->count - 1];
}
