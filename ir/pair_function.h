/* The primitives of elements.def that are no arithmetic, of pairs: what the kernel code of each
 * makes of them (ir/kernel_math.h). Whether that code is near the function is not asked here: it is
 * a function of residue and double, and kernels must apply it to the right operand. */
#ifndef RIFFLE_IR_PAIR_FUNCTION_H
#define RIFFLE_IR_PAIR_FUNCTION_H

#include "ir/formula.h"
#include "ir/pair.h"

typedef struct PairFunction PairFunction;
typedef PairFunction NumberFunction;

const PairFunction *pair_function(Arena *arena, OpKind element, const double *constant);
Pair pair_function_value(const PairFunction *function, OpKind element, Pair a, Pair b);

#endif
