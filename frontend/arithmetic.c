/* Operators on compile-time values. Whole numbers stay whole under + - * // % and are checked for
 * overflow; '/' always gives a number. */
#include "frontend/evaluate.h"
#include "ir/floor_division.h"

#include <math.h>
#include <string.h>

static Datum type_error(
    Evaluator *evaluator, const SpecExpression *expression, Datum left, Datum right) {
    return complain(evaluator, expression->where, NULL, "'%s' cannot take %s and %s",
        operator_spelling(expression->operation), datum_describe(left, evaluator->arena),
        datum_describe(right, evaluator->arena));
}

static Datum checked_number(Evaluator *evaluator, const SpecExpression *expression, double value) {
    if (!isfinite(value)) {
        return complain(evaluator, expression->where, NULL, "the result of '%s' is too large",
            operator_spelling(expression->operation));
    }
    return datum_number(value);
}

static Datum overflow(Evaluator *evaluator, const SpecExpression *expression) {
    return complain(evaluator, expression->where, NULL,
        "the result of '%s' does not fit in 64 bits", operator_spelling(expression->operation));
}

static Datum division_by_zero(Evaluator *evaluator, const SpecExpression *expression) {
    return complain(evaluator, expression->where, NULL, "division by zero");
}

static Datum integer_operation(
    Evaluator *evaluator, const SpecExpression *expression, int64_t left, int64_t right) {
    int64_t result = 0;
    bool overflows = false;
    switch (expression->operation) {
    case OPERATOR_add:
        overflows = __builtin_add_overflow(left, right, &result);
        break;
    case OPERATOR_subtract:
        overflows = __builtin_sub_overflow(left, right, &result);
        break;
    case OPERATOR_multiply:
        overflows = __builtin_mul_overflow(left, right, &result);
        break;
    default: /* floor_divide, remainder */
        if (right == 0) {
            return division_by_zero(evaluator, expression);
        }
        if (expression->operation == OPERATOR_floor_divide) {
            overflows = floor_divide_overflow(left, right, &result);
        } else {
            result = floor_remainder(left, right);
        }
        break;
    }
    return overflows ? overflow(evaluator, expression) : datum_integer(result);
}

static Datum number_operation(
    Evaluator *evaluator, const SpecExpression *expression, double left, double right) {
    switch (expression->operation) {
    case OPERATOR_add:
        return checked_number(evaluator, expression, left + right);
    case OPERATOR_subtract:
        return checked_number(evaluator, expression, left - right);
    case OPERATOR_multiply:
        return checked_number(evaluator, expression, left * right);
    default:
        break;
    }
    if (right == 0) {
        return division_by_zero(evaluator, expression);
    }
    if (expression->operation == OPERATOR_divide) {
        return checked_number(evaluator, expression, left / right);
    }
    double quotient = floor(left / right);
    return checked_number(evaluator, expression,
        expression->operation == OPERATOR_floor_divide ? quotient : left - quotient * right);
}

static Datum join_lists(
    Evaluator *evaluator, const SpecExpression *expression, Datum left, Datum right) {
    int64_t count = (int64_t)left.count + right.count;
    if (count > LIST_LIMIT) {
        return complain(
            evaluator, expression->where, NULL, "a list has at most %d items", LIST_LIMIT);
    }
    if (!spend(evaluator, count, expression->where)) {
        return datum_unknown;
    }
    Datum *items = ARENA_ARRAY(evaluator->arena, Datum, count + 1);
    for (int i = 0; i < count; i++) {
        items[i] = i < left.count ? left.items[i] : right.items[i - left.count];
    }
    return make_list(evaluator, items, (int)count, expression->where);
}

static Datum arithmetic(
    Evaluator *evaluator, const SpecExpression *expression, Datum left, Datum right) {
    Operator operation = expression->operation;
    if (left.kind == DATUM_INTEGER && right.kind == DATUM_INTEGER && operation != OPERATOR_divide) {
        return integer_operation(evaluator, expression, left.integer, right.integer);
    }
    if (datum_is_numeric(left) && datum_is_numeric(right)) {
        return number_operation(
            evaluator, expression, datum_as_number(left), datum_as_number(right));
    }
    if (operation == OPERATOR_add && left.kind == DATUM_LIST && right.kind == DATUM_LIST) {
        return join_lists(evaluator, expression, left, right);
    }
    bool tensors = left.kind == DATUM_TENSOR && right.kind == DATUM_TENSOR;
    if (tensors && (operation == OPERATOR_add || operation == OPERATOR_multiply)) {
        return combine_tensors(evaluator, operation == OPERATOR_add ? OP_add : OP_multiply,
            left.tensor, right.tensor, expression->where);
    }
    return type_error(evaluator, expression, left, right);
}

static Datum compare(
    Evaluator *evaluator, const SpecExpression *expression, Datum left, Datum right) {
    if (expression->operation == OPERATOR_equal || expression->operation == OPERATOR_not_equal) {
        return datum_boolean(is_equal(evaluator, left, right, expression->where) ==
                             (expression->operation == OPERATOR_equal));
    }
    int order = 0;
    if (left.kind == DATUM_INTEGER && right.kind == DATUM_INTEGER) {
        order = (left.integer > right.integer) - (left.integer < right.integer);
    } else if (datum_is_numeric(left) && datum_is_numeric(right)) {
        double a = datum_as_number(left), b = datum_as_number(right);
        order = (a > b) - (a < b);
    } else {
        return type_error(evaluator, expression, left, right);
    }
    switch (expression->operation) {
    case OPERATOR_less:
        return datum_boolean(order < 0);
    case OPERATOR_less_equal:
        return datum_boolean(order <= 0);
    case OPERATOR_greater:
        return datum_boolean(order > 0);
    default:
        return datum_boolean(order >= 0);
    }
}

static Datum contains(
    Evaluator *evaluator, const SpecExpression *expression, Datum left, Datum right) {
    if (right.kind != DATUM_LIST && right.kind != DATUM_TABLE) {
        return complain(evaluator, expression->right->where, NULL,
            "'in' looks into a list or a table, not %s", datum_describe(right, evaluator->arena));
    }
    int step = right.kind == DATUM_TABLE ? 2 : 1;
    for (int i = 0; i < right.count && !evaluator->stopped; i++) {
        if (is_equal(evaluator, left, right.items[i * step], expression->where)) {
            return datum_boolean(true);
        }
    }
    return datum_boolean(false);
}

static Datum make_range(
    Evaluator *evaluator, const SpecExpression *expression, Datum left, Datum right) {
    int64_t from, to;
    if (!datum_to_integer(left, &from) || !datum_to_integer(right, &to)) {
        return complain(evaluator, expression->where, NULL,
            "a range goes from a whole number to a whole number, not from %s to %s",
            datum_spelling(left, evaluator->arena), datum_spelling(right, evaluator->arena));
    }
    int64_t count = 0;
    if (to > from && (__builtin_sub_overflow(to, from, &count) || count > LIST_LIMIT)) {
        return complain(
            evaluator, expression->where, NULL, "a range has at most %d numbers", LIST_LIMIT);
    }
    if (!spend(evaluator, count, expression->where)) {
        return datum_unknown;
    }
    Datum *items = ARENA_ARRAY(evaluator->arena, Datum, count + 1);
    for (int i = 0; i < count; i++) {
        items[i] = datum_integer(from + i);
    }
    return datum_list(items, (int)count);
}

Datum evaluate_unary(Evaluator *evaluator, const SpecExpression *expression) {
    Datum operand = evaluate(evaluator, expression->left);
    if (operand.kind == DATUM_UNKNOWN) {
        return operand;
    }
    if (expression->operation == OPERATOR_not) {
        if (operand.kind != DATUM_BOOLEAN) {
            return complain(evaluator, expression->left->where, NULL,
                "'not' takes true or false, not %s", datum_describe(operand, evaluator->arena));
        }
        return datum_boolean(!operand.boolean);
    }
    if (operand.kind == DATUM_INTEGER) {
        return operand.integer == INT64_MIN ? overflow(evaluator, expression)
                                            : datum_integer(-operand.integer);
    }
    if (operand.kind == DATUM_NUMBER) {
        return datum_number(-operand.number);
    }
    return complain(evaluator, expression->left->where, NULL, "'-' takes a number, not %s",
        datum_describe(operand, evaluator->arena));
}

/* "and" and "or" leave the right side alone where the left one decides. */
static Datum evaluate_logic(Evaluator *evaluator, const SpecExpression *expression) {
    const SpecExpression *sides[] = {expression->left, expression->right};
    for (int i = 0; i < 2; i++) {
        Datum side = evaluate(evaluator, sides[i]);
        if (side.kind == DATUM_UNKNOWN) {
            return side;
        }
        if (side.kind != DATUM_BOOLEAN) {
            return complain(evaluator, sides[i]->where, NULL, "'%s' takes true or false, not %s",
                operator_spelling(expression->operation), datum_describe(side, evaluator->arena));
        }
        if (side.boolean == (expression->operation == OPERATOR_or)) {
            return side;
        }
    }
    return datum_boolean(expression->operation == OPERATOR_and);
}

Datum evaluate_binary(Evaluator *evaluator, const SpecExpression *expression) {
    if (expression->operation == OPERATOR_and || expression->operation == OPERATOR_or) {
        return evaluate_logic(evaluator, expression);
    }
    Datum left = evaluate(evaluator, expression->left);
    Datum right = evaluate(evaluator, expression->right);
    if (left.kind == DATUM_UNKNOWN || right.kind == DATUM_UNKNOWN) {
        return datum_unknown;
    }
    switch (expression->operation) {
    case OPERATOR_equal:
    case OPERATOR_not_equal:
    case OPERATOR_less:
    case OPERATOR_less_equal:
    case OPERATOR_greater:
    case OPERATOR_greater_equal:
        return compare(evaluator, expression, left, right);
    case OPERATOR_in:
        return contains(evaluator, expression, left, right);
    case OPERATOR_range:
        return make_range(evaluator, expression, left, right);
    case OPERATOR_add:
    case OPERATOR_subtract:
    case OPERATOR_multiply:
    case OPERATOR_divide:
    case OPERATOR_floor_divide:
    case OPERATOR_remainder:
        return arithmetic(evaluator, expression, left, right);
    case OPERATOR_or:
    case OPERATOR_and:
    case OPERATOR_not:
    case OPERATOR_negate:
    case OPERATOR_COUNT:
        break;
    }
    return datum_unknown;
}
