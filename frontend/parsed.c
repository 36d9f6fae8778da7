/* The trees that the parser builds: nodes of the grammar's rules, and how deep they may be. */
#include "frontend/parsed.h"

SpecExpression *parsed_expression(ParseContext *context, SpecExpressionKind kind, Span where) {
    return expression_create(context->arena, kind, parse_range(context, where));
}

SpecExpression *parsed_binary(ParseContext *context, Operator operation, SpecExpression *left,
    SpecExpression *right, Span where) {
    SpecExpression *expression = parsed_expression(context, SPEC_EXPRESSION_BINARY, where);
    expression->operation = operation;
    expression->left = left;
    expression->right = right;
    return parsed_finish(context, expression);
}

SpecExpression *parsed_unary(
    ParseContext *context, Operator operation, SpecExpression *operand, Span where) {
    SpecExpression *expression = parsed_expression(context, SPEC_EXPRESSION_UNARY, where);
    expression->operation = operation;
    expression->left = operand;
    return parsed_finish(context, expression);
}

SpecExpression *parsed_name(ParseContext *context, const char *name, Span where) {
    SpecExpression *expression = parsed_expression(context, SPEC_EXPRESSION_NAME, where);
    expression->name = name;
    return expression;
}

SpecExpression *parsed_list(
    ParseContext *context, SpecExpressionKind kind, SpecExpressionList items, Span where) {
    SpecExpression *expression = parsed_expression(context, kind, where);
    expression->items = items;
    return parsed_finish(context, expression);
}

SpecExpression *parsed_argument(
    ParseContext *context, const char *name, Span name_where, SpecExpression *value, Span where) {
    SpecExpression *expression = parsed_expression(context, SPEC_EXPRESSION_ARGUMENT, where);
    expression->name = name;
    expression->name_where = parse_range(context, name_where);
    expression->right = value;
    return parsed_finish(context, expression);
}

SpecExpression *parsed_at(
    ParseContext *context, SpecExpression *operand, Template *path, Span where) {
    SpecExpression *expression = parsed_expression(context, SPEC_EXPRESSION_AT, where);
    expression->left = operand;
    expression->text = path;
    return parsed_finish(context, expression);
}

SpecExpression *parsed_pipe(
    ParseContext *context, SpecExpression *left, SpecExpression *stage, Span where) {
    SpecExpression *expression = left;
    if (left->kind != SPEC_EXPRESSION_PIPE) {
        expression = parsed_expression(context, SPEC_EXPRESSION_PIPE, where);
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

SpecStatement *parsed_statement(ParseContext *context, SpecStatementKind kind, Span where) {
    SpecStatement *statement = ARENA_NEW(context->arena, SpecStatement);
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

SpecExpressionList parsed_first(ParseContext *context, SpecExpression *item) {
    return parsed_more(context, (SpecExpressionList){0}, item);
}

SpecExpressionList parsed_more(
    ParseContext *context, SpecExpressionList list, SpecExpression *item) {
    expression_list_add(context->arena, &list, item);
    return list;
}

/* ---- depth ---- */

static SpecExpression *parsed_checked(
    ParseContext *context, SpecExpression *expression, bool fits) {
    if (fits) {
        return expression;
    }
    diagnostics_report(context->diagnostics, SEVERITY_ERROR, expression->where, NULL,
        "nested more than %d levels deep", SYNTAX_DEPTH_LIMIT);
    return expression_create(context->arena, SPEC_EXPRESSION_ERROR, expression->where);
}

SpecExpression *parsed_finish(ParseContext *context, SpecExpression *expression) {
    return parsed_checked(context, expression, expression_finish(expression));
}

SpecExpression *parsed_add_item(
    ParseContext *context, SpecExpression *expression, SpecExpression *item) {
    bool fits = expression_add_item(context->arena, expression, item);
    return parsed_checked(context, expression, fits);
}

SpecStatement *parsed_finish_statement(ParseContext *context, SpecStatement *statement) {
    if (!statement_finish(statement)) {
        diagnostics_report(context->diagnostics, SEVERITY_ERROR, statement->where, NULL,
            "nested more than %d levels deep", SYNTAX_DEPTH_LIMIT);
        SpecExpression *error =
            expression_create(context->arena, SPEC_EXPRESSION_ERROR, statement->where);
        *statement = (SpecStatement){
            .kind = SPEC_STATEMENT_FAIL, .where = statement->where, .depth = 1, .message = error};
    }
    return statement;
}
