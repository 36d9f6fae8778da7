/* The canonical form of a spec: four blanks a level, at most 100 columns where a list or pipe can
 * be broken. Line breaks of the author inside lists and pipes stay; blank lines between statements
 * stay, one at most. */
#include "frontend/syntax.h"

#include <inttypes.h>
#include <string.h>

enum { LINE_WIDTH = 100, INDENT = 4 };

/* Binding strength of what is no operator. */
enum { LEVEL_CONDITIONAL = 0, LEVEL_PIPE = 1, LEVEL_OPERATION = 2, LEVEL_POSTFIX = 10 };

typedef struct SpecPrinter {
    Text *text;
    int indent;
    bool flat; /* measuring: no line breaks */
} SpecPrinter;

static void print_expression(
    SpecPrinter *printer, const SpecExpression *expression, int least_level);
static void print_block(SpecPrinter *printer, const SpecBlock *block);

static size_t column(const SpecPrinter *printer) {
    size_t begin = printer->text->length;
    while (begin > 0 && printer->text->data[begin - 1] != '\n') {
        begin--;
    }
    return printer->text->length - begin;
}

static void new_line(SpecPrinter *printer) {
    text_append(printer->text, "\n");
    for (int i = 0; i < printer->indent; i++) {
        text_append(printer->text, " ");
    }
}

static void print_comments(SpecPrinter *printer, const Trivia *trivia) {
    for (int i = 0; i < trivia->comment_count; i++) {
        text_format(printer->text, "#%s", trivia->comments[i]);
        new_line(printer);
    }
}

static void print_trailing(SpecPrinter *printer, const Trivia *trivia) {
    if (trivia->trailing) {
        text_format(printer->text, " #%s", trivia->trailing);
    }
}

/* ---- strings and paths ---- */

static void print_interpolation(SpecPrinter *printer, const SpecExpression *expression) {
    SpecPrinter flat = {printer->text, 0, true};
    text_append(printer->text, "{");
    print_expression(&flat, expression, LEVEL_CONDITIONAL);
    text_append(printer->text, "}");
}

static void print_escaped(Text *text, const char *literal) {
    for (const char *c = literal; *c; c++) {
        if (strchr("\"\\{}", *c)) {
            text_format(text, "\\%c", *c);
        } else if (*c == '\n') {
            text_append(text, "\\n");
        } else if (*c == '\t') {
            text_append(text, "\\t");
        } else {
            text_append_bytes(text, c, 1);
        }
    }
}

static void print_string(SpecPrinter *printer, const Template *text) {
    text_append(printer->text, "\"");
    for (int i = 0; i < text->count; i++) {
        if (text->parts[i].text) {
            print_escaped(printer->text, text->parts[i].text);
        } else {
            print_interpolation(printer, text->parts[i].expression);
        }
    }
    text_append(printer->text, "\"");
}

static bool is_bare_path(const char *text) {
    static const char characters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./";
    return text[strspn(text, characters)] == 0;
}

static void print_path(SpecPrinter *printer, const Template *path) {
    text_append(printer->text, " @ ");
    if (path->count == 0) {
        text_append(printer->text, "\"\"");
    }
    for (int i = 0; i < path->count; i++) {
        const char *literal = path->parts[i].text;
        if (!literal) {
            print_interpolation(printer, path->parts[i].expression);
        } else if (is_bare_path(literal)) {
            text_append(printer->text, literal);
        } else {
            text_append(printer->text, "\"");
            print_escaped(printer->text, literal);
            text_append(printer->text, "\"");
        }
    }
}

/* ---- lists and pipes ---- */

static bool trivia_breaks(const Trivia *trivia) {
    return trivia->comment_count > 0 || trivia->trailing || trivia->new_line;
}

static bool must_break(const SpecExpression *expression);

static bool list_must_break(const SpecExpressionList *list, const Trivia *closing) {
    for (int i = 0; i < list->count; i++) {
        if (trivia_breaks(&list->items[i]->trivia) || must_break(list->items[i])) {
            return true;
        }
    }
    return closing->comment_count > 0;
}

/* Whether the author's line breaks or comments forbid printing it on one line. */
static bool must_break(const SpecExpression *expression) {
    if (!expression) {
        return false;
    }
    if (expression->kind == SPEC_EXPRESSION_PIPE && expression->left->trivia.trailing) {
        return true;
    }
    return list_must_break(&expression->items, &expression->closing) ||
           must_break(expression->condition) || must_break(expression->left) ||
           must_break(expression->right);
}

static size_t flat_width(const SpecExpression *expression, int least_level) {
    Text text = {0};
    SpecPrinter flat = {&text, 0, true};
    print_expression(&flat, expression, least_level);
    size_t width = text.length;
    text_free(&text);
    return width;
}

static void print_flat_items(SpecPrinter *printer, const SpecExpressionList *list) {
    for (int i = 0; i < list->count; i++) {
        text_append(printer->text, i > 0 ? ", " : "");
        print_expression(printer, list->items[i], LEVEL_CONDITIONAL);
    }
}

/* One line or several between the brackets; as many items on a line as the author wrote, or as fit.
 */
static void print_list(SpecPrinter *printer, const char *open, const SpecExpressionList *list,
    const Trivia *closing, const char *close) {
    text_append(printer->text, open);
    bool broken = !printer->flat && list_must_break(list, closing);
    if (!broken && !printer->flat) {
        Text text = {0};
        SpecPrinter flat = {&text, 0, true};
        print_flat_items(&flat, list);
        broken = list->count > 0 && column(printer) + text.length + strlen(close) > LINE_WIDTH;
        text_free(&text);
    }
    if (!broken) {
        print_flat_items(printer, list);
        text_append(printer->text, close);
        return;
    }
    printer->indent += INDENT;
    bool line_ends = true;
    for (int i = 0; i < list->count; i++) {
        const SpecExpression *item = list->items[i];
        bool fits = column(printer) + 2 + flat_width(item, LEVEL_CONDITIONAL) + 1 <= LINE_WIDTH;
        if (line_ends || item->trivia.new_line || item->trivia.comment_count > 0 || !fits) {
            new_line(printer);
        } else {
            text_append(printer->text, " ");
        }
        print_comments(printer, &item->trivia);
        print_expression(printer, item, LEVEL_CONDITIONAL);
        text_append(printer->text, ",");
        print_trailing(printer, &item->trivia);
        line_ends = item->trivia.trailing || must_break(item);
    }
    for (int i = 0; i < closing->comment_count; i++) {
        new_line(printer);
        text_format(printer->text, "#%s", closing->comments[i]);
    }
    printer->indent -= INDENT;
    new_line(printer);
    text_append(printer->text, close);
}

static void print_pipe(SpecPrinter *printer, const SpecExpression *pipe) {
    bool broken = !printer->flat &&
                  (must_break(pipe) || column(printer) + flat_width(pipe, LEVEL_PIPE) > LINE_WIDTH);
    print_expression(printer, pipe->left, LEVEL_PIPE);
    if (!printer->flat) {
        print_trailing(printer, &pipe->left->trivia);
    }
    int outer = printer->indent;
    bool line_ends = pipe->left->trivia.trailing != NULL;
    for (int i = 0; i < pipe->items.count; i++) {
        const SpecExpression *stage = pipe->items.items[i];
        const Trivia *trivia = &stage->trivia;
        /* the width is measured last: measured for each stage of a line, it is for each in it again
         */
        if (broken && (line_ends || trivia->new_line || trivia->comment_count > 0 ||
                          column(printer) + 4 + flat_width(stage, LEVEL_PIPE) > LINE_WIDTH)) {
            printer->indent = outer + INDENT;
            new_line(printer);
            print_comments(printer, trivia);
        } else {
            text_append(printer->text, " ");
        }
        text_append(printer->text, "|> ");
        print_expression(printer, stage, LEVEL_PIPE);
        if (!printer->flat) {
            print_trailing(printer, trivia);
        }
        line_ends = trivia->trailing != NULL;
    }
    printer->indent = outer;
}

/* ---- expressions ---- */

static int level_of(const SpecExpression *expression) {
    switch (expression->kind) {
    case SPEC_EXPRESSION_CONDITIONAL:
        return LEVEL_CONDITIONAL;
    case SPEC_EXPRESSION_PIPE:
    case SPEC_EXPRESSION_AT:
        return LEVEL_PIPE;
    case SPEC_EXPRESSION_UNARY:
    case SPEC_EXPRESSION_BINARY:
        return operator_precedence(expression->operation);
    case SPEC_EXPRESSION_ERROR:
    case SPEC_EXPRESSION_INTEGER:
    case SPEC_EXPRESSION_NUMBER:
    case SPEC_EXPRESSION_BOOLEAN:
    case SPEC_EXPRESSION_STRING:
    case SPEC_EXPRESSION_NAME:
    case SPEC_EXPRESSION_LIST:
    case SPEC_EXPRESSION_TABLE:
    case SPEC_EXPRESSION_ENTRY:
    case SPEC_EXPRESSION_CALL:
    case SPEC_EXPRESSION_ARGUMENT:
    case SPEC_EXPRESSION_INDEX:
    case SPEC_EXPRESSION_KIND_COUNT:
        break;
    }
    return LEVEL_POSTFIX;
}

static void print_binary(SpecPrinter *printer, const SpecExpression *expression) {
    int level = operator_precedence(expression->operation);
    bool chains = level != operator_precedence(OPERATOR_equal) &&
                  level != operator_precedence(OPERATOR_range);
    print_expression(printer, expression->left, chains ? level : level + 1);
    text_format(printer->text, " %s ", operator_spelling(expression->operation));
    print_expression(printer, expression->right, level + 1);
}

static void print_bare(SpecPrinter *printer, const SpecExpression *expression) {
    Text *text = printer->text;
    switch (expression->kind) {
    case SPEC_EXPRESSION_ERROR:
    case SPEC_EXPRESSION_KIND_COUNT:
        text_append(text, "error");
        break;
    case SPEC_EXPRESSION_INTEGER:
        text_format(text, "%" PRId64, expression->integer);
        break;
    case SPEC_EXPRESSION_NUMBER:
        text_append_double(text, expression->number);
        break;
    case SPEC_EXPRESSION_BOOLEAN:
        text_append(text, expression->boolean ? "true" : "false");
        break;
    case SPEC_EXPRESSION_STRING:
        print_string(printer, expression->text);
        break;
    case SPEC_EXPRESSION_NAME:
        text_append(text, expression->name);
        break;
    case SPEC_EXPRESSION_LIST:
        print_list(printer, "[", &expression->items, &expression->closing, "]");
        break;
    case SPEC_EXPRESSION_TABLE:
        print_list(printer, "{", &expression->items, &expression->closing, "}");
        break;
    case SPEC_EXPRESSION_ENTRY:
        print_expression(printer, expression->left, LEVEL_CONDITIONAL);
        text_append(text, ": ");
        print_expression(printer, expression->right, LEVEL_CONDITIONAL);
        break;
    case SPEC_EXPRESSION_CALL:
        text_append(text, expression->name);
        print_list(printer, "(", &expression->items, &expression->closing, ")");
        break;
    case SPEC_EXPRESSION_ARGUMENT:
        text_append(text, expression->name);
        if (expression->right) {
            text_append(text, " = ");
            print_expression(printer, expression->right, LEVEL_CONDITIONAL);
        }
        break;
    case SPEC_EXPRESSION_INDEX:
        print_expression(printer, expression->left, LEVEL_POSTFIX);
        text_append(text, "[");
        print_expression(printer, expression->right, LEVEL_CONDITIONAL);
        text_append(text, "]");
        break;
    case SPEC_EXPRESSION_UNARY:
        text_append(text, expression->operation == OPERATOR_not ? "not " : "-");
        print_expression(printer, expression->left, operator_precedence(expression->operation));
        break;
    case SPEC_EXPRESSION_BINARY:
        print_binary(printer, expression);
        break;
    case SPEC_EXPRESSION_CONDITIONAL:
        text_append(text, "if ");
        print_expression(printer, expression->condition, LEVEL_CONDITIONAL);
        text_append(text, " then ");
        print_expression(printer, expression->left, LEVEL_CONDITIONAL);
        text_append(text, " else ");
        print_expression(printer, expression->right, LEVEL_CONDITIONAL);
        break;
    case SPEC_EXPRESSION_PIPE:
        print_pipe(printer, expression);
        break;
    case SPEC_EXPRESSION_AT:
        print_expression(printer, expression->left, LEVEL_OPERATION);
        print_path(printer, expression->text);
        break;
    }
}

static void print_expression(
    SpecPrinter *printer, const SpecExpression *expression, int least_level) {
    bool parentheses = level_of(expression) < least_level;
    text_append(printer->text, parentheses ? "(" : "");
    print_bare(printer, expression);
    text_append(printer->text, parentheses ? ")" : "");
}

/* ---- statements ---- */

/* Goes on on the same line, or on a new one where `length` more bytes do not fit. */
static void space_or_line(SpecPrinter *printer, size_t length) {
    if (column(printer) + 1 + length <= LINE_WIDTH) {
        text_append(printer->text, " ");
        return;
    }
    printer->indent += INDENT;
    new_line(printer);
    printer->indent -= INDENT;
}

static void print_expressions(SpecPrinter *printer, const SpecExpressionList *list) {
    for (int i = 0; i < list->count; i++) {
        text_append(printer->text, i > 0 ? ", " : "");
        print_expression(printer, list->items[i], LEVEL_CONDITIONAL);
    }
}

static void print_pattern(SpecPrinter *printer, const SpecExpression *pattern);

static void print_patterns(SpecPrinter *printer, const SpecExpressionList *list) {
    for (int i = 0; i < list->count; i++) {
        text_append(printer->text, i > 0 ? ", " : "");
        print_pattern(printer, list->items[i]);
    }
}

static void print_pattern(SpecPrinter *printer, const SpecExpression *pattern) {
    if (pattern->kind == SPEC_EXPRESSION_NAME) {
        text_append(printer->text, pattern->name);
        return;
    }
    text_append(printer->text, "(");
    print_patterns(printer, &pattern->items);
    text_append(printer->text, ")");
}

static void print_layout(SpecPrinter *printer, LayoutWord layout) {
    static const char *const words[] = {"", " nchw", " nhwc"};
    text_append(printer->text, words[layout]);
}

static void print_statement(SpecPrinter *printer, const SpecStatement *statement);

static void print_path_and_block(SpecPrinter *printer, const SpecStatement *statement) {
    if (statement->path) {
        print_path(printer, statement->path);
    }
    text_append(printer->text, " ");
    print_block(printer, statement->block);
}

static void print_if(SpecPrinter *printer, const SpecStatement *statement) {
    text_append(printer->text, "if ");
    print_expression(printer, statement->value, LEVEL_CONDITIONAL);
    text_append(printer->text, " ");
    print_block(printer, statement->block);
    if (statement->other) {
        text_append(printer->text, " else ");
        if (statement->else_if) {
            print_if(printer, statement->other->items[0]);
        } else {
            print_block(printer, statement->other);
        }
    }
}

static void print_input(SpecPrinter *printer, const SpecStatement *statement) {
    static const Trivia nothing;
    text_format(printer->text, "input %s: %s", statement->name, statement->element);
    print_list(printer, "[", &statement->values, &nothing, "]");
    print_layout(printer, statement->layout);
    if (statement->value) {
        text_append(printer->text, " = ");
        print_expression(printer, statement->value, LEVEL_CONDITIONAL);
    }
}

static void print_statement(SpecPrinter *printer, const SpecStatement *statement) {
    Text *text = printer->text;
    switch (statement->kind) {
    case SPEC_STATEMENT_LET:
    case SPEC_STATEMENT_ASSIGN:
        text_append(text, statement->kind == SPEC_STATEMENT_LET ? "let " : "");
        print_patterns(printer, &statement->targets);
        text_append(text, " = ");
        print_expressions(printer, &statement->values);
        break;
    case SPEC_STATEMENT_FOR:
        text_append(text, "for ");
        print_patterns(printer, &statement->targets);
        text_append(text, " in ");
        print_expression(printer, statement->value, LEVEL_OPERATION);
        print_path_and_block(printer, statement);
        break;
    case SPEC_STATEMENT_REPEAT:
        text_append(text, "repeat ");
        print_expression(printer, statement->value, LEVEL_OPERATION);
        print_path_and_block(printer, statement);
        break;
    case SPEC_STATEMENT_SCOPE:
        text_append(text, "scope");
        print_path_and_block(printer, statement);
        break;
    case SPEC_STATEMENT_IF:
        print_if(printer, statement);
        break;
    case SPEC_STATEMENT_RETURN:
        text_append(text, "return ");
        print_expressions(printer, &statement->values);
        break;
    case SPEC_STATEMENT_INPUT:
        print_input(printer, statement);
        break;
    case SPEC_STATEMENT_OUTPUT:
        text_format(text, "output %s", statement->name);
        print_layout(printer, statement->layout);
        text_append(text, " = ");
        print_expression(printer, statement->value, LEVEL_CONDITIONAL);
        break;
    case SPEC_STATEMENT_ASSERT:
        text_append(text, "assert ");
        print_expression(printer, statement->value, LEVEL_CONDITIONAL);
        text_append(text, ",");
        space_or_line(printer, flat_width(statement->message, LEVEL_CONDITIONAL));
        print_expression(printer, statement->message, LEVEL_CONDITIONAL);
        break;
    case SPEC_STATEMENT_FAIL:
        text_append(text, "fail ");
        print_expression(printer, statement->message, LEVEL_CONDITIONAL);
        break;
    case SPEC_STATEMENT_KIND_COUNT:
        break;
    }
}

static void print_block(SpecPrinter *printer, const SpecBlock *block) {
    text_append(printer->text, "{");
    print_trailing(printer, &block->closing);
    printer->indent += INDENT;
    for (int i = 0; i < block->count; i++) {
        const Trivia *trivia = &block->items[i]->trivia;
        if (trivia->blank_line && i > 0) {
            text_append(printer->text, "\n");
        }
        new_line(printer);
        print_comments(printer, trivia);
        print_statement(printer, block->items[i]);
        print_trailing(printer, trivia);
    }
    for (int i = 0; i < block->closing.comment_count; i++) {
        new_line(printer);
        text_format(printer->text, "#%s", block->closing.comments[i]);
    }
    printer->indent -= INDENT;
    bool empty = block->count == 0 && block->closing.comment_count == 0 && !block->closing.trailing;
    if (!empty) {
        new_line(printer);
    }
    text_append(printer->text, "}");
}

static void print_item(SpecPrinter *printer, const Item *item) {
    print_comments(printer, &item->trivia);
    text_append(printer->text, item_words[item->kind]);
    if (item->name) {
        text_format(printer->text, " %s", item->name);
    }
    if (item->has_parameters) {
        print_list(printer, "(", &item->parameters, &item->closing, ")");
    }
    if (item->text) {
        Text name = {0};
        SpecPrinter flat = {&name, 0, true};
        text_append(&name, item->kind == ITEM_NETWORK ? "named " : "");
        print_string(&flat, item->text);
        space_or_line(printer, name.length + 2);
        text_append(printer->text, name.data);
        text_free(&name);
    }
    if (item->block) {
        text_append(printer->text, " ");
        print_block(printer, item->block);
    }
    print_trailing(printer, &item->trivia);
    text_append(printer->text, "\n");
}

void spec_print(const Spec *spec, Text *text) {
    SpecPrinter printer = {text, 0, false};
    text_append(text, "");
    for (int i = 0; i < spec->count; i++) {
        bool imports =
            i > 0 && spec->items[i]->kind == ITEM_IMPORT && spec->items[i - 1]->kind == ITEM_IMPORT;
        if (i > 0 && !imports) {
            text_append(text, "\n");
        }
        print_item(&printer, spec->items[i]);
    }
    if (spec->closing.comment_count > 0 && spec->count > 0) {
        text_append(text, "\n");
    }
    for (int i = 0; i < spec->closing.comment_count; i++) {
        text_format(text, "#%s\n", spec->closing.comments[i]);
    }
}
