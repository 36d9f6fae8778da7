/* The canonical form of expressions: strings, paths, and lists and pipes, which are broken where a
 * line is full, and where the author broke them. */
#include "frontend/printer.h"

#include <inttypes.h>
#include <string.h>

size_t spec_printer_column(const SpecPrinter *printer) {
    size_t begin = printer->text->length;
    while (begin > 0 && printer->text->data[begin - 1] != '\n') {
        begin--;
    }
    return printer->text->length - begin;
}

void spec_printer_new_line(SpecPrinter *printer) {
    text_append(printer->text, "\n");
    for (int i = 0; i < printer->indent; i++) {
        text_append(printer->text, " ");
    }
}

void spec_print_comments(SpecPrinter *printer, const Trivia *trivia) {
    for (int i = 0; i < trivia->comment_count; i++) {
        text_format(printer->text, "#%s", trivia->comments[i]);
        spec_printer_new_line(printer);
    }
}

void spec_print_trailing(SpecPrinter *printer, const Trivia *trivia) {
    if (trivia->trailing) {
        text_format(printer->text, " #%s", trivia->trailing);
    }
}

/* ---- strings and paths ---- */

static void print_interpolation(SpecPrinter *printer, const SpecExpression *expression) {
    SpecPrinter flat = {printer->text, 0, true};
    text_append(printer->text, "{");
    spec_print_expression(&flat, expression, LEVEL_CONDITIONAL);
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

void spec_print_string(SpecPrinter *printer, const Template *text) {
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

void spec_print_path(SpecPrinter *printer, const Template *path) {
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

size_t spec_printer_flat_width(const SpecExpression *expression, int least_level) {
    Text text = {0};
    SpecPrinter flat = {&text, 0, true};
    spec_print_expression(&flat, expression, least_level);
    size_t width = text.length;
    text_free(&text);
    return width;
}

static void print_flat_items(SpecPrinter *printer, const SpecExpressionList *list) {
    for (int i = 0; i < list->count; i++) {
        text_append(printer->text, i > 0 ? ", " : "");
        spec_print_expression(printer, list->items[i], LEVEL_CONDITIONAL);
    }
}

void spec_print_list(SpecPrinter *printer, const char *open, const SpecExpressionList *list,
    const Trivia *closing, const char *close) {
    text_append(printer->text, open);
    bool broken = !printer->flat && list_must_break(list, closing);
    if (!broken && !printer->flat) {
        Text text = {0};
        SpecPrinter flat = {&text, 0, true};
        print_flat_items(&flat, list);
        broken = list->count > 0 &&
                 spec_printer_column(printer) + text.length + strlen(close) > LINE_WIDTH;
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
        bool fits = spec_printer_column(printer) + 2 +
                        spec_printer_flat_width(item, LEVEL_CONDITIONAL) + 1 <=
                    LINE_WIDTH;
        if (line_ends || item->trivia.new_line || item->trivia.comment_count > 0 || !fits) {
            spec_printer_new_line(printer);
        } else {
            text_append(printer->text, " ");
        }
        spec_print_comments(printer, &item->trivia);
        spec_print_expression(printer, item, LEVEL_CONDITIONAL);
        text_append(printer->text, ",");
        spec_print_trailing(printer, &item->trivia);
        line_ends = item->trivia.trailing || must_break(item);
    }
    for (int i = 0; i < closing->comment_count; i++) {
        spec_printer_new_line(printer);
        text_format(printer->text, "#%s", closing->comments[i]);
    }
    printer->indent -= INDENT;
    spec_printer_new_line(printer);
    text_append(printer->text, close);
}

static void print_pipe(SpecPrinter *printer, const SpecExpression *pipe) {
    bool broken =
        !printer->flat &&
        (must_break(pipe) ||
            spec_printer_column(printer) + spec_printer_flat_width(pipe, LEVEL_PIPE) > LINE_WIDTH);
    spec_print_expression(printer, pipe->left, LEVEL_PIPE);
    if (!printer->flat) {
        spec_print_trailing(printer, &pipe->left->trivia);
    }
    int outer = printer->indent;
    bool line_ends = pipe->left->trivia.trailing != NULL;
    for (int i = 0; i < pipe->items.count; i++) {
        const SpecExpression *stage = pipe->items.items[i];
        const Trivia *trivia = &stage->trivia;
        /* the width is measured last: measured for each stage of a line, it is for each in it again
         */
        if (broken &&
            (line_ends || trivia->new_line || trivia->comment_count > 0 ||
                spec_printer_column(printer) + 4 + spec_printer_flat_width(stage, LEVEL_PIPE) >
                    LINE_WIDTH)) {
            printer->indent = outer + INDENT;
            spec_printer_new_line(printer);
            spec_print_comments(printer, trivia);
        } else {
            text_append(printer->text, " ");
        }
        text_append(printer->text, "|> ");
        spec_print_expression(printer, stage, LEVEL_PIPE);
        if (!printer->flat) {
            spec_print_trailing(printer, trivia);
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
    case SPEC_EXPRESSION_MEMBER:
    case SPEC_EXPRESSION_KIND_COUNT:
        break;
    }
    return LEVEL_POSTFIX;
}

static void print_binary(SpecPrinter *printer, const SpecExpression *expression) {
    int level = operator_precedence(expression->operation);
    bool chains = level != operator_precedence(OPERATOR_equal) &&
                  level != operator_precedence(OPERATOR_range);
    spec_print_expression(printer, expression->left, chains ? level : level + 1);
    text_format(printer->text, " %s ", operator_spelling(expression->operation));
    spec_print_expression(printer, expression->right, level + 1);
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
        spec_print_string(printer, expression->text);
        break;
    case SPEC_EXPRESSION_NAME:
        text_append(text, expression->name);
        break;
    case SPEC_EXPRESSION_LIST:
        spec_print_list(printer, "[", &expression->items, &expression->closing, "]");
        break;
    case SPEC_EXPRESSION_TABLE:
        spec_print_list(printer, "{", &expression->items, &expression->closing, "}");
        break;
    case SPEC_EXPRESSION_ENTRY:
        spec_print_expression(printer, expression->left, LEVEL_CONDITIONAL);
        text_append(text, ": ");
        spec_print_expression(printer, expression->right, LEVEL_CONDITIONAL);
        break;
    case SPEC_EXPRESSION_CALL:
        text_append(text, expression->name);
        spec_print_list(printer, "(", &expression->items, &expression->closing, ")");
        break;
    case SPEC_EXPRESSION_ARGUMENT:
        text_append(text, expression->name);
        if (expression->right) {
            text_append(text, " = ");
            spec_print_expression(printer, expression->right, LEVEL_CONDITIONAL);
        }
        break;
    case SPEC_EXPRESSION_INDEX:
        spec_print_expression(printer, expression->left, LEVEL_POSTFIX);
        text_append(text, "[");
        spec_print_expression(printer, expression->right, LEVEL_CONDITIONAL);
        text_append(text, "]");
        break;
    case SPEC_EXPRESSION_MEMBER:
        spec_print_expression(printer, expression->left, LEVEL_POSTFIX);
        text_format(text, ".%s", expression->name);
        break;
    case SPEC_EXPRESSION_UNARY:
        text_append(text, expression->operation == OPERATOR_not ? "not " : "-");
        spec_print_expression(
            printer, expression->left, operator_precedence(expression->operation));
        break;
    case SPEC_EXPRESSION_BINARY:
        print_binary(printer, expression);
        break;
    case SPEC_EXPRESSION_CONDITIONAL:
        text_append(text, "if ");
        spec_print_expression(printer, expression->condition, LEVEL_CONDITIONAL);
        text_append(text, " then ");
        spec_print_expression(printer, expression->left, LEVEL_CONDITIONAL);
        text_append(text, " else ");
        spec_print_expression(printer, expression->right, LEVEL_CONDITIONAL);
        break;
    case SPEC_EXPRESSION_PIPE:
        print_pipe(printer, expression);
        break;
    case SPEC_EXPRESSION_AT:
        spec_print_expression(printer, expression->left, LEVEL_OPERATION);
        spec_print_path(printer, expression->text);
        break;
    }
}

void spec_print_expression(
    SpecPrinter *printer, const SpecExpression *expression, int least_level) {
    bool parentheses = level_of(expression) < least_level;
    text_append(printer->text, parentheses ? "(" : "");
    print_bare(printer, expression);
    text_append(printer->text, parentheses ? ")" : "");
}
