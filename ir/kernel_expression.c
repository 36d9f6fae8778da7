/* Integer expressions of the kernel IR: constructors that fold, and comparison. */
#include "ir/kernel.h"
#include <assert.h>

static const Expression *make_expression(
    Arena *arena, ExpressionKind kind, const Expression *left, const Expression *right) {
    Expression *expression = ARENA_NEW(arena, Expression);
    expression->kind = kind;
    expression->left = left;
    expression->right = right;
    return expression;
}

const Expression *expression_constant(Arena *arena, int64_t constant) {
    Expression *expression = ARENA_NEW(arena, Expression);
    expression->kind = EXPRESSION_CONSTANT;
    expression->constant = constant;
    return expression;
}

const Expression *expression_element(Arena *arena, int parameter, const Expression *index) {
    Expression *expression = ARENA_NEW(arena, Expression);
    expression->kind = EXPRESSION_ELEMENT;
    expression->variable = parameter;
    expression->left = index;
    return expression;
}

bool expression_is_constant(const Expression *expression, int64_t *constant) {
    if (expression->kind != EXPRESSION_CONSTANT)
        return false;
    *constant = expression->constant;
    return true;
}

bool expressions_are_equal(const Expression *a, const Expression *b) {
    if (a == b)
        return true;
    if (a->kind != b->kind)
        return false;
    if (a->kind == EXPRESSION_CONSTANT)
        return a->constant == b->constant;
    if (a->kind == EXPRESSION_VARIABLE)
        return a->variable == b->variable;
    return a->kind != EXPRESSION_ELEMENT && expressions_are_equal(a->left, b->left) &&
           expressions_are_equal(a->right, b->right);
}

const Expression *expression_add(Arena *arena, const Expression *a, const Expression *b) {
    int64_t x, y;
    if (expression_is_constant(a, &x) && expression_is_constant(b, &y))
        return expression_constant(arena, x + y);
    if (expression_is_constant(a, &x))
        return expression_offset(arena, b, x);
    if (expression_is_constant(b, &y))
        return expression_offset(arena, a, y);
    return make_expression(arena, EXPRESSION_ADD, a, b);
}

const Expression *expression_offset(Arena *arena, const Expression *a, int64_t constant) {
    if (constant == 0)
        return a;
    if (a->kind == EXPRESSION_CONSTANT)
        return expression_constant(arena, a->constant + constant);
    /* (x + c) + d is x + (c + d): constants end up in the displacement of an address. */
    if (a->kind == EXPRESSION_ADD && a->right->kind == EXPRESSION_CONSTANT)
        return expression_offset(arena, a->left, a->right->constant + constant);
    return make_expression(arena, EXPRESSION_ADD, a, expression_constant(arena, constant));
}

const Expression *expression_multiply(Arena *arena, const Expression *a, int64_t factor) {
    if (factor == 0)
        return expression_constant(arena, 0);
    if (factor == 1)
        return a;
    if (a->kind == EXPRESSION_CONSTANT)
        return expression_constant(arena, a->constant * factor);
    if (a->kind == EXPRESSION_MULTIPLY && a->right->kind == EXPRESSION_CONSTANT)
        return expression_multiply(arena, a->left, a->right->constant * factor);
    return make_expression(arena, EXPRESSION_MULTIPLY, a, expression_constant(arena, factor));
}

const Expression *expression_product(Arena *arena, const Expression *a, const Expression *b) {
    int64_t factor;
    if (expression_is_constant(b, &factor))
        return expression_multiply(arena, a, factor);
    if (expression_is_constant(a, &factor))
        return expression_multiply(arena, b, factor);
    return make_expression(arena, EXPRESSION_MULTIPLY, a, b);
}

const Expression *expression_divide(Arena *arena, const Expression *a, int64_t divisor) {
    assert(divisor > 0);
    if (divisor == 1)
        return a;
    if (a->kind == EXPRESSION_CONSTANT)
        return expression_constant(arena, a->constant / divisor);
    return make_expression(arena, EXPRESSION_DIVIDE, a, expression_constant(arena, divisor));
}

const Expression *expression_remainder(Arena *arena, const Expression *a, int64_t divisor) {
    assert(divisor > 0);
    if (divisor == 1)
        return expression_constant(arena, 0);
    if (a->kind == EXPRESSION_CONSTANT)
        return expression_constant(arena, a->constant % divisor);
    return make_expression(arena, EXPRESSION_REMAINDER, a, expression_constant(arena, divisor));
}

const Expression *expression_minimum(Arena *arena, const Expression *a, const Expression *b) {
    int64_t x, y;
    if (expression_is_constant(a, &x) && expression_is_constant(b, &y))
        return x < y ? a : b;
    return make_expression(arena, EXPRESSION_MINIMUM, a, b);
}

const Expression *expression_maximum(Arena *arena, const Expression *a, const Expression *b) {
    int64_t x, y;
    if (expression_is_constant(a, &x) && expression_is_constant(b, &y))
        return x > y ? a : b;
    return make_expression(arena, EXPRESSION_MAXIMUM, a, b);
}

bool expression_mentions(const Expression *expression, int variable) {
    if (!expression || expression->kind == EXPRESSION_CONSTANT)
        return false;
    if (expression->kind == EXPRESSION_VARIABLE)
        return expression->variable == variable;
    if (expression->kind == EXPRESSION_ELEMENT)
        return expression_mentions(expression->left, variable);
    return expression_mentions(expression->left, variable) ||
           expression_mentions(expression->right, variable);
}

bool expression_is_linear(const Expression *expression, int variable, int64_t *factor) {
    int64_t left, right;
    *factor = 0;
    if (!expression_mentions(expression, variable))
        return true;
    switch (expression->kind) {
    case EXPRESSION_VARIABLE:
        *factor = 1;
        return true;
    case EXPRESSION_ADD:
        if (!expression_is_linear(expression->left, variable, &left) ||
            !expression_is_linear(expression->right, variable, &right))
            return false;
        *factor = left + right;
        return true;
    case EXPRESSION_MULTIPLY:
        if (expression->right->kind != EXPRESSION_CONSTANT ||
            !expression_is_linear(expression->left, variable, &left))
            return false;
        *factor = left * expression->right->constant;
        return true;
    case EXPRESSION_CONSTANT:
    case EXPRESSION_DIVIDE:
    case EXPRESSION_REMAINDER:
    case EXPRESSION_MINIMUM:
    case EXPRESSION_MAXIMUM:
    case EXPRESSION_ELEMENT:
        break;
    }
    return false;
}
