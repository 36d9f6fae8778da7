/* Inside the parser: the nodes of its trees, each with its place. */
#ifndef RIFFLE_FRONTEND_PARSED_H
#define RIFFLE_FRONTEND_PARSED_H

#include "frontend/parse.h"

SpecExpression *parsed_expression(ParseContext *context, SpecExpressionKind kind, Span where);
SpecExpression *parsed_binary(ParseContext *context, Operator operation, SpecExpression *left,
    SpecExpression *right, Span where);
SpecExpression *parsed_unary(
    ParseContext *context, Operator operation, SpecExpression *operand, Span where);
SpecExpression *parsed_name(ParseContext *context, const char *name, Span where);
SpecExpression *parsed_list(
    ParseContext *context, SpecExpressionKind kind, SpecExpressionList items, Span where);
SpecExpression *parsed_argument(
    ParseContext *context, const char *name, Span name_where, SpecExpression *value, Span where);
SpecExpression *parsed_at(
    ParseContext *context, SpecExpression *operand, Template *path, Span where);
/* Stages of one pipeline stand side by side in one node. */
SpecExpression *parsed_pipe(
    ParseContext *context, SpecExpression *left, SpecExpression *stage, Span where);
SpecStatement *parsed_statement(ParseContext *context, SpecStatementKind kind, Span where);
Item *parsed_item(ParseContext *context, ItemKind kind, Span where);

/* A list of one item, and a list with one more. */
SpecExpressionList parsed_first(ParseContext *context, SpecExpression *item);
SpecExpressionList parsed_more(
    ParseContext *context, SpecExpressionList list, SpecExpression *item);

/* A string or a path that is not complete yet; text behind text is one part. */
Template *parsed_template(ParseContext *context);
void parsed_add_text(ParseContext *context, Template *text, const char *literal);
Template *parsed_finish_template(ParseContext *context, Template *text, Span where);

/* Reports trees nested too deeply, and cuts them. */
SpecExpression *parsed_finish(ParseContext *context, SpecExpression *expression);
/* Adds an item to one that is finished. */
SpecExpression *parsed_add_item(
    ParseContext *context, SpecExpression *expression, SpecExpression *item);
SpecStatement *parsed_finish_statement(ParseContext *context, SpecStatement *statement);

#endif
