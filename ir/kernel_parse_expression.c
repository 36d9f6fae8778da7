/* Reads the integer expressions of kernels, as they are written: nothing is folded. */
#include "ir/kernel_reader.h"
#include "ir/names.h"

enum { MOST_DEPTH = 200 };

static const Expression *make(
    KernelReader *reader, ExpressionKind kind, const Expression *left, const Expression *right) {
    Expression *expression = ARENA_NEW(reader->arena, Expression);
    *expression = (Expression){.kind = kind, .left = left, .right = right};
    return left != NULL && right != NULL ? expression : NULL;
}

/* The operators whose operands stand in parentheses. */
static bool accept_operator(KernelReader *reader, ExpressionKind *kind) {
    static const struct {
        const char *mark;
        ExpressionKind kind;
    } operators[] = {{"+", EXPRESSION_ADD}, {"*", EXPRESSION_MULTIPLY}, {"/", EXPRESSION_DIVIDE},
        {"%", EXPRESSION_REMAINDER}};
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++) {
        *kind = operators[i].kind;
        if (reader_accept(reader, operators[i].mark))
            return true;
    }
    return reader_expected(reader, "'+', '*', '/' or '%'");
}

/* What follows "(". */
static const Expression *parse_operation(KernelReader *reader) {
    ExpressionKind kind;
    const Expression *left = reader_expression(reader);
    if (left == NULL || !accept_operator(reader, &kind))
        return NULL;
    const Expression *right = reader_expression(reader);
    if (right == NULL || !reader_expect(reader, ")"))
        return NULL;
    return make(reader, kind, left, right);
}

/* What follows "min(" or "max(". */
static const Expression *parse_extremum(KernelReader *reader, ExpressionKind kind) {
    const Expression *left = reader_expression(reader);
    if (left == NULL || !reader_expect(reader, ","))
        return NULL;
    const Expression *right = reader_expression(reader);
    if (right == NULL || !reader_expect(reader, ")"))
        return NULL;
    return make(reader, kind, left, right);
}

/* A variable, or an element of a table: "rows[...]". */
static const Expression *parse_name(KernelReader *reader) {
    uint32_t begin = reader->at;
    Expression *expression = ARENA_NEW(reader->arena, Expression);
    const char *word = reader_word(reader);
    bool is_element = word != NULL && reader_accept(reader, "[");
    reader->at = begin;
    if (!is_element) {
        expression->kind = EXPRESSION_VARIABLE;
        return reader_variable(reader, &expression->variable) ? expression : NULL;
    }
    expression->kind = EXPRESSION_ELEMENT;
    if (!reader_buffer(reader, &expression->variable))
        return NULL;
    const Kernel *kernel = reader->builder.kernel;
    if (expression->variable >= MAX_KERNEL_PARAMETERS ||
        kernel->parameters[expression->variable].role != PARAMETER_TABLE) {
        reader_report(
            reader, begin, "a table is a parameter with that role", "'%.40s' is no table", word);
        return NULL;
    }
    if (!reader_expect(reader, "["))
        return NULL;
    expression->left = reader_expression(reader);
    return expression->left != NULL && reader_expect(reader, "]") ? expression : NULL;
}

static const Expression *parse_constant(KernelReader *reader) {
    Expression *expression = ARENA_NEW(reader->arena, Expression);
    return reader_integer(reader, INT64_MIN, INT64_MAX, &expression->constant) ? expression : NULL;
}

const Expression *reader_expression(KernelReader *reader) {
    const Expression *expression = NULL;
    if (reader->depth == MOST_DEPTH) {
        reader_report(reader, reader->at, NULL, "the expression is more than %d deep", MOST_DEPTH);
        return NULL;
    }
    reader->depth++;
    if (reader_accept(reader, "("))
        expression = parse_operation(reader);
    else if (reader_accept(reader, "min("))
        expression = parse_extremum(reader, EXPRESSION_MINIMUM);
    else if (reader_accept(reader, "max("))
        expression = parse_extremum(reader, EXPRESSION_MAXIMUM);
    else if (is_letter(reader->file->text[reader->at]))
        expression = parse_name(reader);
    else
        expression = parse_constant(reader);
    reader->depth--;
    return expression;
}
