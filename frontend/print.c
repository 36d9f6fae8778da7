/* The canonical form of a spec: statements and items. Blank lines between statements stay, one at
 * most. */
#include "frontend/printer.h"

static void print_block(SpecPrinter *printer, const SpecBlock *block);

/* Goes on on the same line, or on a new one where `length` more bytes do not fit. */
static void space_or_line(SpecPrinter *printer, size_t length) {
    if (spec_printer_column(printer) + 1 + length <= LINE_WIDTH) {
        text_append(printer->text, " ");
        return;
    }
    printer->indent += INDENT;
    spec_printer_new_line(printer);
    printer->indent -= INDENT;
}

static void print_expressions(SpecPrinter *printer, const SpecExpressionList *list) {
    for (int i = 0; i < list->count; i++) {
        text_append(printer->text, i > 0 ? ", " : "");
        spec_print_expression(printer, list->items[i], LEVEL_CONDITIONAL);
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
        spec_print_path(printer, statement->path);
    }
    text_append(printer->text, " ");
    print_block(printer, statement->block);
}

static void print_if(SpecPrinter *printer, const SpecStatement *statement) {
    text_append(printer->text, "if ");
    spec_print_expression(printer, statement->value, LEVEL_CONDITIONAL);
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
    spec_print_list(printer, "[", &statement->values, &nothing, "]");
    print_layout(printer, statement->layout);
    if (statement->value) {
        text_append(printer->text, " = ");
        spec_print_expression(printer, statement->value, LEVEL_CONDITIONAL);
    }
}

/* Of several that do not fit on one line each has its own. */
static void print_targets(SpecPrinter *printer, const SpecExpressionList *targets) {
    size_t width = 0;
    for (int i = 0; i < targets->count; i++) {
        width += spec_printer_flat_width(targets->items[i], LEVEL_CONDITIONAL) + 2;
    }
    bool fits = targets->count == 1 || spec_printer_column(printer) + width <= LINE_WIDTH;
    for (int i = 0; i < targets->count; i++) {
        text_append(printer->text, i == 0 ? "" : fits ? ", " : ",");
        if (i > 0 && !fits) {
            spec_printer_new_line(printer);
        }
        spec_print_expression(printer, targets->items[i], LEVEL_CONDITIONAL);
    }
}

/* The result goes on a line of its own where both do not fit on one. */
static void print_match(SpecPrinter *printer, const SpecStatement *statement) {
    size_t width = 3;
    for (int i = 0; i < statement->values.count; i++) {
        width += spec_printer_flat_width(statement->values.items[i], LEVEL_CONDITIONAL) + 2;
    }
    print_targets(printer, &statement->targets);
    bool fits = spec_printer_column(printer) + 1 + width <= LINE_WIDTH;
    if (fits) {
        text_append(printer->text, " ");
    } else {
        printer->indent += INDENT;
        spec_printer_new_line(printer);
    }
    text_append(printer->text, "=> ");
    print_expressions(printer, &statement->values);
    printer->indent -= fits ? 0 : INDENT;
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
        spec_print_expression(printer, statement->value, LEVEL_OPERATION);
        print_path_and_block(printer, statement);
        break;
    case SPEC_STATEMENT_REPEAT:
        text_append(text, "repeat ");
        spec_print_expression(printer, statement->value, LEVEL_OPERATION);
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
        spec_print_expression(printer, statement->value, LEVEL_CONDITIONAL);
        break;
    case SPEC_STATEMENT_ANSWER:
        text_format(text, "answer %s = ", statement->name);
        spec_print_expression(printer, statement->value, LEVEL_CONDITIONAL);
        break;
    case SPEC_STATEMENT_LABELS:
        text_append(text, "labels = ");
        spec_print_expression(printer, statement->value, LEVEL_CONDITIONAL);
        break;
    case SPEC_STATEMENT_ASSERT:
        text_append(text, "assert ");
        spec_print_expression(printer, statement->value, LEVEL_CONDITIONAL);
        text_append(text, ",");
        space_or_line(printer, spec_printer_flat_width(statement->message, LEVEL_CONDITIONAL));
        spec_print_expression(printer, statement->message, LEVEL_CONDITIONAL);
        break;
    case SPEC_STATEMENT_FAIL:
        text_append(text, "fail ");
        spec_print_expression(printer, statement->message, LEVEL_CONDITIONAL);
        break;
    case SPEC_STATEMENT_MATCH:
        print_match(printer, statement);
        break;
    case SPEC_STATEMENT_WHERE:
        text_append(text, "where ");
        spec_print_expression(printer, statement->value, LEVEL_CONDITIONAL);
        break;
    case SPEC_STATEMENT_KIND_COUNT:
        break;
    }
}

static void print_block(SpecPrinter *printer, const SpecBlock *block) {
    text_append(printer->text, "{");
    spec_print_trailing(printer, &block->closing);
    printer->indent += INDENT;
    for (int i = 0; i < block->count; i++) {
        const Trivia *trivia = &block->items[i]->trivia;
        if (trivia->blank_line && i > 0) {
            text_append(printer->text, "\n");
        }
        spec_printer_new_line(printer);
        spec_print_comments(printer, trivia);
        print_statement(printer, block->items[i]);
        spec_print_trailing(printer, trivia);
    }
    for (int i = 0; i < block->closing.comment_count; i++) {
        spec_printer_new_line(printer);
        text_format(printer->text, "#%s", block->closing.comments[i]);
    }
    printer->indent -= INDENT;
    bool empty = block->count == 0 && block->closing.comment_count == 0 && !block->closing.trailing;
    if (!empty) {
        spec_printer_new_line(printer);
    }
    text_append(printer->text, "}");
}

static void print_item(SpecPrinter *printer, const Item *item) {
    spec_print_comments(printer, &item->trivia);
    text_append(printer->text, item_words[item->kind]);
    if (item->name) {
        text_format(printer->text, " %s", item->name);
    }
    if (item->has_parameters) {
        spec_print_list(printer, "(", &item->parameters, &item->closing, ")");
    }
    if (item->text) {
        Text name = {0};
        SpecPrinter flat = {&name, 0, true};
        text_append(&name, item->kind == ITEM_NETWORK ? "named " : "");
        spec_print_string(&flat, item->text);
        space_or_line(printer, name.length + 2);
        text_append(printer->text, name.data);
        text_free(&name);
    }
    if (item->block) {
        text_append(printer->text, " ");
        print_block(printer, item->block);
    }
    spec_print_trailing(printer, &item->trivia);
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
