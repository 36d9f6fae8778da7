/* What becomes of single numbers: a small expression over operands x, y, z, as an epilogue of a
 * layer and as an op of its own has it.
 *
 * A formula is a list of terms, each computed before it is used, the last being the result; equal
 * terms stand there once. Terms apply the rows of elements.def. A formula never changes; it lives
 * in an arena. NULL stands for x itself, what `activation = none` says. */
#ifndef RIFFLE_IR_FORMULA_H
#define RIFFLE_IR_FORMULA_H

#include "ir/graph.h"

enum {
    MOST_FORMULA_OPERANDS = 6,
    MOST_FORMULA_ARGUMENTS = 3,
    MOST_FORMULA_PARAMETERS = 3,
    MOST_FORMULA_SIZE = 64, /* terms, as often as they are written */
    MOST_EXPANDED_TERMS = 1024
};

typedef enum TermKind { TERM_OPERAND, TERM_LITERAL, TERM_ELEMENT } TermKind;

typedef struct FormulaTerm {
    TermKind kind;
    int operand;                                /* OPERAND */
    double literal;                             /* LITERAL: finite */
    OpKind element;                             /* ELEMENT: a row of elements.def, */
    int arguments[MOST_FORMULA_ARGUMENTS];      /* of these terms */
    double parameters[MOST_FORMULA_PARAMETERS]; /* with these numbers, in the table's order */
} FormulaTerm;

struct Formula {
    int operand_count; /* 1 + the last operand that it reads; 0: none */
    int count;
    const FormulaTerm *terms;
};

/* ---- the table (formula_elements.c) ---- */

bool op_is_element(OpKind op);
/* These, and map. */
bool op_computes_elements(OpKind op);
int element_operands(OpKind element);
/* Numbers that it takes besides; they are the attributes of the op, in that order. */
int element_parameters(OpKind element);
/* "" for a primitive. */
const char *element_formula(OpKind element);
/* What a row of the table that is no primitive stands for. */
const Formula *element_meaning(OpKind element, const double *parameters, Arena *arena);
/* "x", as formulas call the operand. */
const char *formula_operand_name(int operand);

/* ---- making formulas (formula.c) ---- */

typedef struct FormulaBuilder {
    Arena *arena;
    FormulaTerm *terms;
    int count, capacity;
} FormulaBuilder;

/* Each returns the number of the term; one of constants alone becomes a literal. */
int formula_operand(FormulaBuilder *builder, int operand);
int formula_literal(FormulaBuilder *builder, double literal);
int formula_apply(
    FormulaBuilder *builder, OpKind element, const int *arguments, const double *parameters);
/* The formula that ends in the term; NULL for the operand x. */
const Formula *formula_finish(const FormulaBuilder *builder, int root);
/* The terms of `formula` with `operands[i]` as its i-th operand; returns its result. */
int formula_insert(FormulaBuilder *builder, const Formula *formula, const int *operands);

/* One element of operands x, y... */
const Formula *formula_of_element(Arena *arena, OpKind element, const double *parameters);
/* outer, which reads x alone, of inner. */
const Formula *formula_compose(Arena *arena, const Formula *outer, const Formula *inner);
const Formula *formula_copy(Arena *arena, const Formula *formula);
/* Where the formula ends in that element, of one operand: its parameters, and what it is applied to
 * (NULL: x). Else NULL, and *inner is not set. */
const double *formula_peel(
    Arena *arena, const Formula *formula, OpKind element, const Formula **inner);
/* The same, of primitives alone. */
const Formula *formula_expand(Arena *arena, const Formula *formula);
/* The same, of primitives and those elements that are to stay. */
typedef bool KeepElement(const FormulaTerm *term);
const Formula *formula_expand_others(Arena *arena, const Formula *formula, KeepElement *stays);
/* What an element-wise op computes of the numbers of its operands. */
const Formula *node_formula(const Node *node, Arena *arena);

/* ---- asking (formula.c, formula_value.c) ---- */

bool formula_equal(const Formula *a, const Formula *b);
/* Whether some op of the graph is that element, or has it in a formula. */
bool graph_uses_element(const Graph *graph, OpKind element);
/* Terms, as often as they are written; at most MOST_FORMULA_SIZE + 1 is told. */
int formula_size(const Formula *formula);
/* The one element that it applies to x, or OP_COUNT. */
OpKind formula_element(const Formula *formula);
/* The one element that it applies to x, y, ... in order, whatever its numbers; OP_COUNT where it is
 * another formula. */
OpKind formula_single(const Formula *formula);
/* The number at these operands; of a formula that was expanded. */
double formula_value(const Formula *expanded, const double *operands);

typedef struct Range {
    double low, high;
} Range;

/* Bounds of the result for operands within these. NaN is in no range, and may come out all the
 * same. */
Range formula_range(const Formula *formula, const Range *operands);
/* Whether it returns every number of the range as it is. */
bool formula_keeps(const Formula *formula, Range range);

/* ---- text (formula_text.c, formula_parse.c) ---- */

/* "relu", "leaky_relu(0.1)" for one element of x, else an expression; "none" for NULL. */
void formula_print(const Formula *formula, Text *text);
const char *formula_spelling(const Formula *formula, Arena *arena);
/* Whether formula_print writes one element of x so. */
bool formula_is_short(const Formula *formula);

typedef struct FormulaFault {
    const char *message; /* NULL: there is none */
    size_t at;           /* a byte of the text */
    const char *word;    /* an unknown one, or NULL */
} FormulaFault;

/* Reads what formula_print writes. NULL also for "none"; on a fault, which is described, too. */
const Formula *formula_parse(
    const char *text, int operand_count, Arena *arena, FormulaFault *fault);
/* The words that a formula can be made of; the array ends with NULL. */
const char *const *formula_words(void);

#endif
