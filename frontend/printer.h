/* Inside print.c and print_expressions.c: the canonical form of a spec, four blanks a level, at
 * most 100 columns where a list or pipe can be broken. */
#ifndef RIFFLE_FRONTEND_PRINTER_H
#define RIFFLE_FRONTEND_PRINTER_H

#include "frontend/syntax.h"

enum { LINE_WIDTH = 100, INDENT = 4 };

/* Binding strength of what is no operator. */
enum { LEVEL_CONDITIONAL = 0, LEVEL_PIPE = 1, LEVEL_OPERATION = 2, LEVEL_POSTFIX = 10 };

typedef struct SpecPrinter {
    Text *text;
    int indent;
    bool flat; /* measuring: no line breaks */
} SpecPrinter;

/* Where the next character comes. */
size_t spec_printer_column(const SpecPrinter *printer);
void spec_printer_new_line(SpecPrinter *printer);
/* Of an expression on one line. */
size_t spec_printer_flat_width(const SpecExpression *expression, int least_level);

/* What stands before a node, and behind it on its line. */
void spec_print_comments(SpecPrinter *printer, const Trivia *trivia);
void spec_print_trailing(SpecPrinter *printer, const Trivia *trivia);

void spec_print_string(SpecPrinter *printer, const Template *text);
void spec_print_path(SpecPrinter *printer, const Template *path); /* with its @ */
/* One line or several between the brackets; as many items on a line as the author wrote, or as fit.
 */
void spec_print_list(SpecPrinter *printer, const char *open, const SpecExpressionList *list,
    const Trivia *closing, const char *close);
/* In parentheses where it binds less than that. */
void spec_print_expression(SpecPrinter *printer, const SpecExpression *expression, int least_level);

#endif
