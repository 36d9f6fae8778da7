/* What the primitives of elements.def mean for ranges of numbers; and their values. */
#include "ir/formula_number.h"

#include <assert.h>
#include <math.h>

/* ---- ranges ---- */

double formula_value(const Formula *formula, const double *operands) {
    return number_formula_value(&(NumberFormula){.expanded = formula}, operands);
}

static const Range anything = {-INFINITY, INFINITY};

/* Of the corners: what is NaN there (0 * infinity) may be any number. */
static Range around(const double *corners, int count) {
    Range range = {INFINITY, -INFINITY};
    for (int i = 0; i < count; i++) {
        if (isnan(corners[i]))
            return anything;
        range.low = corners[i] < range.low ? corners[i] : range.low;
        range.high = corners[i] > range.high ? corners[i] : range.high;
    }
    return range;
}

/* The product of 0 and an infinity that a range goes up to is 0: the infinity is a bound. */
static double bound_product(double a, double b) {
    return a == 0 || b == 0 ? 0 : a * b;
}

static Range product(Range a, Range b) {
    double corners[] = {bound_product(a.low, b.low), bound_product(a.low, b.high),
        bound_product(a.high, b.low), bound_product(a.high, b.high)};
    return around(corners, 4);
}

static Range inverse(Range a) {
    if (a.low <= 0 && a.high >= 0)
        return anything;
    return (Range){1 / a.high, 1 / a.low};
}

static Range absolute(Range a) {
    if (a.low >= 0)
        return a;
    if (a.high <= 0)
        return (Range){-a.high, -a.low};
    return (Range){0, fmax(-a.low, a.high)};
}

static Range element_range(OpKind element, Range a, Range b) {
    switch ((int)element) {
    case OP_add:
        return around((double[]){a.low + b.low, a.high + b.high}, 2);
    case OP_subtract:
        return around((double[]){a.low - b.high, a.high - b.low}, 2);
    case OP_multiply:
        return product(a, b);
    case OP_divide:
        return product(a, inverse(b));
    case OP_maximum:
        return (Range){fmax(a.low, b.low), fmax(a.high, b.high)};
    case OP_minimum:
        return (Range){fmin(a.low, b.low), fmin(a.high, b.high)};
    case OP_negate:
        return (Range){-a.high, -a.low};
    case OP_abs:
        return absolute(a);
    case OP_sqrt:
        return a.high < 0 ? anything : (Range){sqrt(fmax(a.low, 0)), sqrt(a.high)};
    case OP_log:
        return a.high < 0 ? anything : (Range){log(fmax(a.low, 0)), log(a.high)};
    case OP_floor:
    case OP_round:
    case OP_sign:
    case OP_exp:
    case OP_erf:
    case OP_softplus:
    case OP_tanh: /* they never fall */
        return (Range){number_function_value(NULL, element, a.low, 0),
            number_function_value(NULL, element, a.high, 0)};
    }
    return anything;
}

static Range range_of(const Formula *expanded, const Range *operands, Arena *scratch) {
    Range *ranges = ARENA_ARRAY(scratch, Range, expanded->count);
    for (int i = 0; i < expanded->count; i++) {
        const FormulaTerm *term = &expanded->terms[i];
        if (term->kind == TERM_OPERAND)
            ranges[i] = operands[term->operand];
        else if (term->kind == TERM_LITERAL)
            ranges[i] = (Range){term->literal, term->literal};
        else
            ranges[i] = element_range(
                term->element, ranges[term->arguments[0]], ranges[term->arguments[1]]);
    }
    return ranges[expanded->count - 1];
}

Range formula_range(const Formula *formula, const Range *operands) {
    if (formula == NULL)
        return operands[0];
    Arena *scratch = arena_create();
    Range range = range_of(formula_expand(scratch, formula), operands, scratch);
    arena_destroy(scratch);
    return range;
}

/* Whether the terms up to this one only cut off what lies outside of some bounds, none of which is
 * inside the range. */
static bool keeps(const Formula *expanded, int index, Range range) {
    const FormulaTerm *term = &expanded->terms[index];
    if (term->kind == TERM_OPERAND)
        return true;
    if (term->kind != TERM_ELEMENT)
        return false;
    if (term->element == OP_abs)
        return range.low >= 0 && keeps(expanded, term->arguments[0], range);
    if (term->element != OP_maximum && term->element != OP_minimum)
        return false;
    for (int i = 0; i < 2; i++) {
        const FormulaTerm *bound = &expanded->terms[term->arguments[i]];
        if (bound->kind != TERM_LITERAL)
            continue;
        bool outside = term->element == OP_maximum ? bound->literal <= range.low
                                                   : bound->literal >= range.high;
        return outside && keeps(expanded, term->arguments[1 - i], range);
    }
    return false;
}

bool formula_keeps(const Formula *formula, Range range) {
    if (formula == NULL)
        return true;
    Arena *scratch = arena_create();
    const Formula *expanded = formula_expand(scratch, formula);
    bool kept = expanded == NULL || keeps(expanded, expanded->count - 1, range);
    arena_destroy(scratch);
    return kept;
}
