/* Formulas of the numbers that the interpreter of graphs computes with (ir/number.h). */
#ifndef RIFFLE_IR_FORMULA_NUMBER_H
#define RIFFLE_IR_FORMULA_NUMBER_H

#include "ir/formula.h"
#include "ir/number.h"

#ifdef RIFFLE_PAIRS
#include "ir/pair_function.h"
#define number_formula pair_formula
#define number_formula_value pair_formula_value
#define number_function pair_function
#define number_function_value pair_function_value
#else
/* Functions of doubles are those of the C library, and need nothing. */
typedef struct NumberFunction NumberFunction;
#endif

/* A formula of primitives, ready to be computed. */
typedef struct NumberFormula {
    const Formula *expanded;                /* NULL: x */
    const NumberFunction *const *functions; /* by term: of those that are no arithmetic, or NULL */
} NumberFormula;

NumberFormula number_formula(Arena *arena, const Formula *formula);
Number number_formula_value(const NumberFormula *formula, const Number *operands);
/* One of the primitives that are no sums, products, quotients or choices. `constant` is the second
 * operand where that is one, else NULL. */
const NumberFunction *number_function(Arena *arena, OpKind element, const double *constant);
Number number_function_value(const NumberFunction *function, OpKind element, Number a, Number b);

#endif
