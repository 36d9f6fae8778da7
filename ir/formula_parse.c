/* Reads formulas: those of users, and those of the table of elements.
 *
 *     sum     = product { ( "+" | "-" ) product }
 *     product = signed { ( "*" | "/" ) signed }
 *     signed  = "-" signed | NUMBER | operand | parameter | "(" sum ")"
 *             | element "(" sum { "," sum } ")"           operands, then parameters: numbers
 *
 * The whole text may also be "none", or one element of x: "relu", "leaky_relu(0.1)". */
#include "ir/formula.h"
#include "ir/names.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    DEEPEST_FORMULA = 32,
    MOST_CALL_ARGUMENTS = MOST_FORMULA_ARGUMENTS + MOST_FORMULA_PARAMETERS
};

typedef struct FormulaReader {
    const char *text, *at;
    FormulaBuilder builder;
    int operand_count, depth, size;
    const OpInfo *element; /* the row whose formula this is, or NULL */
    const double *parameters;
    FormulaFault fault;
} FormulaReader;

static int fail(FormulaReader *reader, const char *at, const char *message) {
    if (reader->fault.message == NULL)
        reader->fault = (FormulaFault){.message = message, .at = (size_t)(at - reader->text)};
    return -1;
}

static int fail_word(FormulaReader *reader, const char *at, const char *word, const char *message) {
    if (reader->fault.message == NULL)
        reader->fault = (FormulaFault){message, (size_t)(at - reader->text), word};
    return -1;
}

static char peek(FormulaReader *reader) {
    while (*reader->at == ' ')
        reader->at++;
    return *reader->at;
}

static bool accept(FormulaReader *reader, char mark) {
    if (peek(reader) != mark)
        return false;
    reader->at++;
    return true;
}

static bool expect(FormulaReader *reader, char mark, const char *message) {
    return accept(reader, mark) || fail(reader, reader->at, message) >= 0;
}

static int parse_sum(FormulaReader *reader);

static int parse_number(FormulaReader *reader) {
    const char *begin = reader->at;
    bool digits = false;
    while (is_digit(*reader->at) || *reader->at == '.')
        digits |= is_digit(*reader->at++);
    if (digits && (*reader->at == 'e' || *reader->at == 'E')) {
        const char *exponent = reader->at + 1;
        exponent += *exponent == '+' || *exponent == '-';
        for (reader->at = is_digit(*exponent) ? exponent : reader->at; is_digit(*reader->at);)
            reader->at++;
    }
    char *end;
    double number = strtod(begin, &end);
    if (!digits || end != reader->at || !isfinite(number))
        return fail(reader, begin, "this is no number");
    return formula_literal(&reader->builder, number);
}

static const char *parse_word(FormulaReader *reader) {
    const char *begin = reader->at;
    while ((is_letter(*reader->at) || is_digit(*reader->at)))
        reader->at++;
    return arena_copy_bytes(reader->builder.arena, begin, (size_t)(reader->at - begin));
}

static int find_operand(const FormulaReader *reader, const char *word) {
    for (int i = 0; i < reader->operand_count; i++)
        if (strcmp(formula_operand_name(i), word) == 0)
            return i;
    return -1;
}

/* A number that the row's formula names. */
static int find_parameter(const FormulaReader *reader, const char *word) {
    for (int i = 0; reader->element && i < element_parameters(reader->element->op); i++)
        if (strcmp(reader->element->attributes[i].name, word) == 0)
            return i;
    return -1;
}

static bool parse_arguments(FormulaReader *reader, int *arguments, int *count) {
    *count = 0;
    if (!accept(reader, '('))
        return true;
    do {
        if (*count == MOST_CALL_ARGUMENTS)
            return fail(reader, reader->at, "no element takes so many arguments") >= 0;
        arguments[*count] = parse_sum(reader);
        if (arguments[(*count)++] < 0)
            return false;
    } while (accept(reader, ','));
    return expect(reader, ')', "')' or ',' is missing here");
}

/* Parameters from the arguments `first` on; those that are not given are the table's. */
static bool take_parameters(FormulaReader *reader, const char *begin, OpKind element,
    const int *arguments, int first, int count, double *parameters) {
    const OpInfo *info = op_info(element);
    if (count < first || count > first + element_parameters(element))
        return fail(reader, begin,
                   count < first ? "it needs more arguments" : "it takes fewer arguments") >= 0;
    for (int i = 0; i < element_parameters(element); i++) {
        const OpAttribute *row = &info->attributes[i];
        if (first + i < count) {
            const FormulaTerm *term = &reader->builder.terms[arguments[first + i]];
            if (term->kind != TERM_LITERAL)
                return fail(reader, begin, "its parameters must be numbers") >= 0;
            parameters[i] = term->literal;
        } else if (*row->default_text == '\0') {
            return fail(reader, begin, "it needs more arguments") >= 0;
        } else {
            parameters[i] = op_attribute_default(row, NULL).number;
        }
    }
    return true;
}

/* The whole text is one element of x, and the arguments, if any, are its parameters. */
static bool is_short(
    FormulaReader *reader, const char *begin, OpKind element, const int *arguments, int count) {
    bool numbers = begin == reader->text && peek(reader) == '\0' && reader->element == NULL &&
                   element_operands(element) == 1 && count <= element_parameters(element);
    for (int i = 0; i < count; i++)
        numbers = numbers && reader->builder.terms[arguments[i]].kind == TERM_LITERAL;
    return numbers;
}

static int parse_element(FormulaReader *reader, const char *begin, OpKind element) {
    int arguments[MOST_CALL_ARGUMENTS], count, first = element_operands(element);
    double parameters[MOST_FORMULA_PARAMETERS] = {0};
    if (!parse_arguments(reader, arguments, &count))
        return -1;
    bool is_alone = is_short(reader, begin, element, arguments, count);
    if (!take_parameters(
            reader, begin, element, arguments, is_alone ? 0 : first, count, parameters))
        return -1;
    if (is_alone)
        arguments[0] = formula_operand(&reader->builder, 0);
    return formula_apply(&reader->builder, element, arguments, parameters);
}

static int parse_name(FormulaReader *reader) {
    const char *begin = reader->at, *word = parse_word(reader);
    int operand = find_operand(reader, word), parameter = find_parameter(reader, word);
    OpKind element;
    if (operand >= 0)
        return formula_operand(&reader->builder, operand);
    if (parameter >= 0)
        return formula_literal(&reader->builder, reader->parameters[parameter]);
    if (op_find(word, &element) && op_is_element(element))
        return parse_element(reader, begin, element);
    return fail_word(reader, begin, word, "unknown word");
}

static int parse_signed(FormulaReader *reader) {
    if (reader->depth == DEEPEST_FORMULA || ++reader->size > MOST_FORMULA_SIZE)
        return fail(reader, reader->at, "the formula is too long from here on");
    reader->depth++;
    int result;
    char next = peek(reader);
    if (accept(reader, '-')) {
        int argument = parse_signed(reader);
        result = argument < 0 ? -1 : formula_apply(&reader->builder, OP_negate, &argument, NULL);
    } else if (accept(reader, '(')) {
        result = parse_sum(reader);
        if (result >= 0 && !expect(reader, ')', "')' is missing here"))
            result = -1;
    } else if (is_digit(next) || next == '.') {
        result = parse_number(reader);
    } else if (is_letter(next)) {
        result = parse_name(reader);
    } else {
        result = fail(reader, reader->at, "a number, an operand or an element is missing here");
    }
    reader->depth--;
    return result;
}

/* Operators of one level, from the left. */
static int parse_infix(FormulaReader *reader, int (*parse)(FormulaReader *), const char *marks,
    OpKind first, OpKind second) {
    int left = parse(reader);
    while (left >= 0) {
        bool is_first = accept(reader, marks[0]);
        if (!is_first && !accept(reader, marks[1]))
            break;
        int right = parse(reader);
        if (right < 0 || ++reader->size > MOST_FORMULA_SIZE)
            return fail(reader, reader->at, "the formula is too long");
        left =
            formula_apply(&reader->builder, is_first ? first : second, (int[]){left, right}, NULL);
    }
    return left;
}

static int parse_product(FormulaReader *reader) {
    return parse_infix(reader, parse_signed, "*/", OP_multiply, OP_divide);
}

static int parse_sum(FormulaReader *reader) {
    return parse_infix(reader, parse_product, "+-", OP_add, OP_subtract);
}

static int parse_whole(FormulaReader *reader) {
    int root = parse_sum(reader);
    if (root >= 0 && peek(reader) != '\0')
        return fail(reader, reader->at, "the formula ends before this");
    return root;
}

const Formula *formula_parse(
    const char *text, int operand_count, Arena *arena, FormulaFault *fault) {
    *fault = (FormulaFault){0};
    if (strcmp(text, "none") == 0)
        return NULL;
    Arena *scratch = arena_create();
    FormulaReader reader = {
        .text = text, .at = text, .builder = {.arena = scratch}, .operand_count = operand_count};
    int root = parse_whole(&reader);
    const Formula *formula = NULL;
    if (root >= 0) {
        formula = formula_copy(arena, formula_finish(&reader.builder, root));
        assert(formula_size(formula) <= MOST_FORMULA_SIZE);
    }
    *fault = reader.fault;
    if (fault->word != NULL)
        fault->word = arena_copy_string(arena, fault->word);
    arena_destroy(scratch);
    return formula;
}

const Formula *element_meaning(OpKind element, const double *parameters, Arena *arena) {
    const char *text = element_formula(element);
    FormulaReader reader = {.text = text,
        .at = text,
        .builder = {.arena = arena},
        .operand_count = element_operands(element),
        .element = op_info(element),
        .parameters = parameters};
    int root = parse_whole(&reader);
    assert(root >= 0 && "a faulty formula in elements.def");
    return formula_finish(&reader.builder, root);
}
