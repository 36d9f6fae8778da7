/* Inside the parser: the nodes of its trees, each with its place. */
#ifndef RIFFLE_FRONTEND_PARSED_H
#define RIFFLE_FRONTEND_PARSED_H

#include "frontend/parse.h"

Expression *parsed_expression(ParseContext *context, ExpressionKind kind, Span where);
Expression *parsed_binary(
    ParseContext *context, Operator operation, Expression *left, Expression *right, Span where);
Expression *parsed_unary(
    ParseContext *context, Operator operation, Expression *operand, Span where);
Expression *parsed_name(ParseContext *context, const char *name, Span where);
Expression *parsed_list(
    ParseContext *context, ExpressionKind kind, ExpressionList items, Span where);
Expression *parsed_argument(
    ParseContext *context, const char *name, Span name_where, Expression *value, Span where);
Expression *parsed_at(ParseContext *context, Expression *operand, Template *path, Span where);
/* Stages of one pipeline stand side by side in one node. */
Expression *parsed_pipe(ParseContext *context, Expression *left, Expression *stage, Span where);
Statement *parsed_statement(ParseContext *context, StatementKind kind, Span where);
Item *parsed_item(ParseContext *context, ItemKind kind, Span where);

/* A list of one item, and a list with one more. */
ExpressionList parsed_first(ParseContext *context, Expression *item);
ExpressionList parsed_more(ParseContext *context, ExpressionList list, Expression *item);

/* A string or a path that is not complete yet; text behind text is one part. */
Template *parsed_template(ParseContext *context);
void parsed_add_text(ParseContext *context, Template *text, const char *literal);
Template *parsed_finish_template(ParseContext *context, Template *text, Span where);

/* Reports trees nested too deeply, and cuts them. */
Expression *parsed_finish(ParseContext *context, Expression *expression);
/* Adds an item to one that is finished. */
Expression *parsed_add_item(ParseContext *context, Expression *expression, Expression *item);
Statement *parsed_finish_statement(ParseContext *context, Statement *statement);

#endif
