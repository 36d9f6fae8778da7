#include "ir/pair_function.h"
#include "ir/kernel_math.h"
#include "ir/kernel_pairs.h"
#include <assert.h>

enum { FIRST, SECOND, RESULT, REGISTERS }; /* of the code; others come behind them */

struct PairFunction {
    const Kernel *kernel;
    RegisterFile registers;
};

/* As formula_code.c has it: small whole exponents are products, halves square roots. */
static void emit_power_of(KernelBuilder *builder, const double *constant) {
    enum { MOST_PRODUCTS = 8 };
    double size = constant == NULL ? 0 : fabs(*constant);
    bool whole = size >= 1 && size <= (double)MOST_PRODUCTS && size == floor(size);
    if (!whole && size != 0.5) {
        emit_power(builder, RESULT, FIRST, SECOND);
        return;
    }
    if (!whole)
        kernel_unary(builder, INSTRUCTION_square_root, RESULT, FIRST);
    else
        kernel_unary(builder, INSTRUCTION_move, RESULT, FIRST);
    for (int i = 1; whole && i < (int)size; i++)
        kernel_binary(builder, INSTRUCTION_multiply, RESULT, RESULT, FIRST);
    if (*constant < 0)
        kernel_binary(builder, INSTRUCTION_divide, RESULT, emit_number(builder, 1, 1), RESULT);
}

static void emit_function(KernelBuilder *builder, OpKind element, const double *constant) {
    switch ((int)element) {
    case OP_sqrt:
        kernel_unary(builder, INSTRUCTION_square_root, RESULT, FIRST);
        return;
    case OP_floor:
        emit_floor(builder, RESULT, FIRST);
        return;
    case OP_exp:
        emit_exponential(builder, RESULT, FIRST);
        return;
    case OP_tanh:
        emit_tanh(builder, RESULT, FIRST);
        return;
    case OP_power:
        emit_power_of(builder, constant);
        return;
    case OP_round:
        emit_round(builder, RESULT, FIRST);
        return;
    case OP_sign:
        emit_sign(builder, RESULT, FIRST);
        return;
    case OP_log:
        emit_logarithm(builder, RESULT, FIRST);
        return;
    case OP_erf:
        emit_erf(builder, RESULT, FIRST);
        return;
    case OP_softplus:
        emit_softplus(builder, RESULT, FIRST);
        return;
    }
    assert(false && "an element without formula and without a case here");
}

const PairFunction *pair_function(Arena *arena, OpKind element, const double *constant) {
    KernelBuilder builder;
    PairFunction *function = ARENA_NEW(arena, PairFunction);
    kernel_begin(&builder, arena, 1);
    for (int i = 0; i < REGISTERS; i++)
        kernel_register(&builder, 1);
    emit_function(&builder, element, constant);
    int count = builder.kernel->register_count, *first = ARENA_ARRAY(arena, int, count);
    for (int i = 0; i < count; i++)
        first[i] = i;
    function->kernel = builder.kernel;
    function->registers = (RegisterFile){first, ARENA_ARRAY(arena, Pair, count)};
    return function;
}

Pair pair_function_value(const PairFunction *function, OpKind element, Pair a, Pair b) {
    (void)element;
    *register_pairs(&function->registers, FIRST) = a;
    *register_pairs(&function->registers, SECOND) = b;
    for (const Statement *statement = function->kernel->body.first; statement;
        statement = statement->next)
        kernel_compute_pairs(function->kernel, &statement->instruction, &function->registers);
    return *register_pairs(&function->registers, RESULT);
}
