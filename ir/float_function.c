/* The primitives of elements.def that are no arithmetic, of doubles. */
#include "ir/formula_number.h"
#include <assert.h>

static double sign(double a) {
    return isnan(a) ? a : (double)((a > 0) - (a < 0));
}

/* As IEEE 754 has it, but that NaN stays also to the power of 0, and that no negative number, not
 * even infinity, has a power that is a fraction. */
static double power(double a, double b) {
    bool fraction = b != floor(b);
    return isnan(a) || isnan(b) || (a < 0 && fraction) ? NAN : pow(a, b);
}

static double softplus(double a) {
    return number_larger(a, 0) + log1p(exp(-fabs(a)));
}

const NumberFunction *number_function(Arena *arena, OpKind element, const double *constant) {
    (void)arena, (void)element, (void)constant;
    return NULL;
}

double number_function_value(const NumberFunction *function, OpKind element, double a, double b) {
    (void)function;
    switch ((int)element) {
    case OP_sqrt:
        return sqrt(a);
    case OP_floor:
        return floor(a);
    case OP_exp:
        return exp(a);
    case OP_tanh:
        return tanh(a);
    case OP_power:
        return power(a, b);
    case OP_round:
        return nearbyint(a);
    case OP_sign:
        return sign(a);
    case OP_log:
        return log(a);
    case OP_erf:
        return erf(a);
    case OP_softplus:
        return softplus(a);
    }
    assert(false && "an element without formula and without a case here");
    return NAN;
}
