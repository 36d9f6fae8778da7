/* Formulas as text. */
#include "ir/formula.h"

#include <math.h>

/* How tightly an expression holds together; what holds less than its place asks for is put in
 * parentheses. */
enum { LOOSE, SUM, PRODUCT, SIGNED, TIGHT };

static void print_number(Text *text, double number) {
    if (number == floor(number) && fabs(number) < 1e15)
        text_format(text, "%.0f", number);
    else
        text_append_double(text, number);
}

static void print_term(const Formula *formula, int index, int wanted, Text *text);

static void print_infix(
    const Formula *formula, const FormulaTerm *term, const char *sign, int level, Text *text) {
    print_term(formula, term->arguments[0], level, text);
    text_format(text, " %s ", sign);
    print_term(formula, term->arguments[1], level + 1, text);
}

static void print_call(const Formula *formula, const FormulaTerm *term, Text *text) {
    text_format(text, "%s(", op_info(term->element)->name);
    for (int i = 0; i < element_operands(term->element); i++) {
        text_append(text, i > 0 ? ", " : "");
        print_term(formula, term->arguments[i], LOOSE, text);
    }
    for (int i = 0; i < element_parameters(term->element); i++) {
        text_append(text, ", ");
        print_number(text, term->parameters[i]);
    }
    text_append(text, ")");
}

static int level_of(const FormulaTerm *term) {
    if (term->kind == TERM_LITERAL)
        return signbit(term->literal) ? SIGNED : TIGHT;
    if (term->kind == TERM_OPERAND)
        return TIGHT;
    switch ((int)term->element) {
    case OP_add:
    case OP_subtract:
        return SUM;
    case OP_multiply:
    case OP_divide:
        return PRODUCT;
    case OP_negate:
        return SIGNED;
    }
    return TIGHT;
}

static void print_element(const Formula *formula, const FormulaTerm *term, Text *text) {
    switch ((int)term->element) {
    case OP_add:
        print_infix(formula, term, "+", SUM, text);
        return;
    case OP_subtract:
        print_infix(formula, term, "-", SUM, text);
        return;
    case OP_multiply:
        print_infix(formula, term, "*", PRODUCT, text);
        return;
    case OP_divide:
        print_infix(formula, term, "/", PRODUCT, text);
        return;
    case OP_negate:
        text_append(text, "-");
        print_term(formula, term->arguments[0], TIGHT, text);
        return;
    }
    print_call(formula, term, text);
}

static void print_term(const Formula *formula, int index, int wanted, Text *text) {
    const FormulaTerm *term = &formula->terms[index];
    bool open = level_of(term) < wanted;
    text_append(text, open ? "(" : "");
    if (term->kind == TERM_OPERAND)
        text_append(text, formula_operand_name(term->operand));
    else if (term->kind == TERM_LITERAL)
        print_number(text, term->literal);
    else
        print_element(formula, term, text);
    text_append(text, open ? ")" : "");
}

bool formula_is_short(const Formula *formula) {
    return formula == NULL || formula_element(formula) != OP_COUNT;
}

/* Parameters that are the table's are left out, if all are. */
static void print_short(OpKind element, const double *parameters, Text *text) {
    const OpInfo *info = op_info(element);
    int count = element_parameters(element);
    bool usual = true;
    text_append(text, info->name);
    for (int i = 0; i < count; i++) {
        const OpAttribute *row = &info->attributes[i];
        usual = usual && *row->default_text != '\0' &&
                op_attribute_default(row, NULL).number == parameters[i];
    }
    for (int i = 0; !usual && i < count; i++) {
        text_append(text, i == 0 ? "(" : ", ");
        print_number(text, parameters[i]);
    }
    text_append(text, usual ? "" : ")");
}

void formula_print(const Formula *formula, Text *text) {
    if (formula == NULL)
        text_append(text, "none");
    else if (formula_is_short(formula))
        print_short(formula_element(formula), formula->terms[1].parameters, text);
    else
        print_term(formula, formula->count - 1, LOOSE, text);
}

const char *formula_spelling(const Formula *formula, Arena *arena) {
    Text text = {0};
    formula_print(formula, &text);
    const char *copy = arena_copy_string(arena, text.data);
    text_free(&text);
    return copy;
}
