/* The trees that the parser builds: nodes of the grammar's rules, and how deep they may be. */
#include "frontend/parsed.h"

Expression *parsed_expression(ParseContext *context, ExpressionKind kind, Span where) {
    return expression_create(context->arena, kind, parse_range(context, where));
}

Expression *parsed_binary(
    ParseContext *context, Operator operation, Expression *left, Expression *right, Span where) {
    Expression *expression = parsed_expression(context, EXPRESSION_BINARY, where);
    expression->operation = operation;
    expression->left = left;
    expression->right = right;
    return parsed_finish(context, expression);
}

Expression *parsed_unary(
    ParseContext *context, Operator operation, Expression *operand, Span where) {
    Expression *expression = parsed_expression(context, EXPRESSION_UNARY, where);
    expression->operation = operation;
    expression->left = operand;
    return parsed_finish(context, expression);
}

Expression *parsed_name(ParseContext *context, const char *name, Span where) {
    Expression *expression = parsed_expression(context, EXPRESSION_NAME, where);
    expression->name = name;
    return expression;
}

Expression *parsed_list(
    ParseContext *context, ExpressionKind kind, ExpressionList items, Span where) {
    Expression *expression = parsed_expression(context, kind, where);
    expression->items = items;
    return parsed_finish(context, expression);
}

Expression *parsed_argument(
    ParseContext *context, const char *name, Span name_where, Expression *value, Span where) {
    Expression *expression = parsed_expression(context, EXPRESSION_ARGUMENT, where);
    expression->name = name;
    expression->name_where = parse_range(context, name_where);
    expression->right = value;
    return parsed_finish(context, expression);
}

Expression *parsed_at(ParseContext *context, Expression *operand, Template *path, Span where) {
    Expression *expression = parsed_expression(context, EXPRESSION_AT, where);
    expression->left = operand;
    expression->text = path;
    return parsed_finish(context, expression);
}

Expression *parsed_pipe(ParseContext *context, Expression *left, Expression *stage, Span where) {
    Expression *expression = left;
    if (left->kind != EXPRESSION_PIPE) {
        expression = parsed_expression(context, EXPRESSION_PIPE, where);
        expression->left = left;
        expression_finish(expression); /* the stage, which lies deeper or as deep, is checked */
    }
    expression->where = parse_range(context, where);
    return parsed_add_item(context, expression, stage);
}

Template *parsed_template(ParseContext *context) {
    return ARENA_NEW(context->arena, Template);
}

Template *parsed_finish_template(ParseContext *context, Template *text, Span where) {
    text->where = parse_range(context, where);
    return text;
}

Statement *parsed_statement(ParseContext *context, StatementKind kind, Span where) {
    Statement *statement = ARENA_NEW(context->arena, Statement);
    statement->kind = kind;
    statement->where = parse_range(context, where);
    statement->name_where = statement->where;
    return statement;
}

Item *parsed_item(ParseContext *context, ItemKind kind, Span where) {
    Item *item = ARENA_NEW(context->arena, Item);
    item->kind = kind;
    item->where = parse_range(context, where);
    item->name_where = item->where;
    return item;
}

void parsed_add_text(ParseContext *context, Template *text, const char *literal) {
    if (text->count > 0 && text->parts[text->count - 1].text) {
        TemplatePart *last = &text->parts[text->count - 1];
        last->text = arena_format(context->arena, "%s%s", last->text, literal);
    } else {
        template_add(context->arena, text, literal, NULL);
    }
}

ExpressionList parsed_first(ParseContext *context, Expression *item) {
    return parsed_more(context, (ExpressionList){0}, item);
}

ExpressionList parsed_more(ParseContext *context, ExpressionList list, Expression *item) {
    expression_list_add(context->arena, &list, item);
    return list;
}

/* ---- depth ---- */

static Expression *parsed_checked(ParseContext *context, Expression *expression, bool fits) {
    if (fits) {
        return expression;
    }
    diagnostics_report(context->diagnostics, SEVERITY_ERROR, expression->where, NULL,
        "nested more than %d levels deep", SYNTAX_DEPTH_LIMIT);
    return expression_create(context->arena, EXPRESSION_ERROR, expression->where);
}

Expression *parsed_finish(ParseContext *context, Expression *expression) {
    return parsed_checked(context, expression, expression_finish(expression));
}

Expression *parsed_add_item(ParseContext *context, Expression *expression, Expression *item) {
    bool fits = expression_add_item(context->arena, expression, item);
    return parsed_checked(context, expression, fits);
}

Statement *parsed_finish_statement(ParseContext *context, Statement *statement) {
    if (!statement_finish(statement)) {
        diagnostics_report(context->diagnostics, SEVERITY_ERROR, statement->where, NULL,
            "nested more than %d levels deep", SYNTAX_DEPTH_LIMIT);
        Expression *error = expression_create(context->arena, EXPRESSION_ERROR, statement->where);
        *statement = (Statement){
            .kind = STATEMENT_FAIL, .where = statement->where, .depth = 1, .message = error};
    }
    return statement;
}
