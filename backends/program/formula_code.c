/* Kernel instructions of formulas. */
#include "backends/program/math.h"
#include "ir/arena.h"
#include "ir/formula.h"
#include "ir/graph.h"
#include "ir/kernel.h"
#include <assert.h>
#include <math.h>

/* A formula on its way: where each term is, and how many terms still read it. */
typedef struct FormulaCode {
    KernelBuilder *builder;
    const Formula *formula;
    LaneType type;
    int lanes;
    const int *operands;
    int home;
    bool home_is_free; /* no operand lies there, and no term yet */
    int *registers;    /* by term; -1: not yet */
    int *unread;       /* by term */
    bool *is_product;  /* by term: a product that is computed with the sum that reads it */
} FormulaCode;

/* ---- single elements ---- */

static int constant(const FormulaCode *code, double number) {
    return emit_typed_number(code->builder, code->type, code->lanes, (float)number);
}

static int new_register(const FormulaCode *code) {
    return kernel_register_of(code->builder, code->type, code->lanes);
}

static void emit_clamp(
    const FormulaCode *code, int destination, int source, double least, double most) {
    emit_within(code->builder, destination, source, (float)least, (float)most);
}

static void emit_sigmoid(const FormulaCode *code, int destination, int x) {
    KernelBuilder *builder = code->builder;
    int temporary = new_register(code);
    kernel_binary(builder, INSTRUCTION_subtract, temporary, constant(code, 0), x);
    emit_exponential(builder, temporary, temporary);
    kernel_binary(builder, INSTRUCTION_add, temporary, temporary, constant(code, 1));
    kernel_binary(builder, INSTRUCTION_divide, destination, constant(code, 1), temporary);
}

static void emit_hard(const FormulaCode *code, OpKind element, int destination, int x) {
    KernelBuilder *builder = code->builder;
    int temporary = new_register(code);
    kernel_binary(builder, INSTRUCTION_add, temporary, x, constant(code, 3));
    emit_clamp(code, temporary, temporary, 0, 6);
    kernel_binary(builder, INSTRUCTION_multiply, temporary, temporary, constant(code, 1.0f / 6.0f));
    if (element == OP_hard_swish)
        kernel_binary(builder, INSTRUCTION_multiply, destination, x, temporary);
    else
        kernel_unary(builder, INSTRUCTION_move, destination, temporary);
}

/* A slope from 0 to 1 makes it the larger of two lines. */
static void emit_leaky_relu(const FormulaCode *code, double slope, int destination, int x) {
    int temporary = new_register(code);
    kernel_binary(code->builder, INSTRUCTION_multiply, temporary, x, constant(code, slope));
    kernel_binary(code->builder, INSTRUCTION_maximum, destination, temporary, x);
}

static void emit_absolute(const FormulaCode *code, int destination, int x) {
    int temporary = new_register(code);
    kernel_binary(code->builder, INSTRUCTION_subtract, temporary, constant(code, 0), x);
    kernel_binary(code->builder, INSTRUCTION_maximum, destination, temporary, x);
}

/* The smaller one of two, or NaN: the larger one of their opposites. */
static void emit_minimum_or_nan(const FormulaCode *code, int destination, int x, int y) {
    KernelBuilder *builder = code->builder;
    int minus = constant(code, -1), a = new_register(code);
    int b = new_register(code);
    kernel_binary(builder, INSTRUCTION_multiply, a, x, minus);
    kernel_binary(builder, INSTRUCTION_multiply, b, y, minus);
    kernel_binary(builder, INSTRUCTION_maximum_or_nan, a, a, b);
    kernel_binary(builder, INSTRUCTION_multiply, destination, a, minus);
}

/* Functions that have instructions of their own here; the others are computed as elements.def says.
 */
static bool has_code(const FormulaTerm *term) {
    switch ((int)term->element) {
    case OP_relu:
    case OP_relu6:
    case OP_clip:
    case OP_sigmoid:
    case OP_hard_sigmoid:
    case OP_hard_swish:
        return true;
    case OP_leaky_relu:
        return term->parameters[0] > 0 && term->parameters[0] <= 1;
    }
    return false;
}

/* ---- terms ---- */

static const FormulaTerm *argument_term(const FormulaCode *code, const FormulaTerm *term, int i) {
    return &code->formula->terms[term->arguments[i]];
}

static int argument(FormulaCode *code, const FormulaTerm *term, int i) {
    int index = term->arguments[i];
    if (code->registers[index] < 0)
        code->registers[index] = constant(code, code->formula->terms[index].literal);
    return code->registers[index];
}

/* A bound that is a constant comes first, so that NaN stays NaN. */
static void emit_bound(FormulaCode *code, const FormulaTerm *term, int destination) {
    bool larger = term->element == OP_maximum;
    int x = argument(code, term, 0), y = argument(code, term, 1);
    InstructionKind kind = larger ? INSTRUCTION_maximum : INSTRUCTION_minimum;
    if (argument_term(code, term, 0)->kind == TERM_LITERAL)
        kernel_binary(code->builder, kind, destination, x, y);
    else if (argument_term(code, term, 1)->kind == TERM_LITERAL)
        kernel_binary(code->builder, kind, destination, y, x);
    else if (larger)
        kernel_binary(code->builder, INSTRUCTION_maximum_or_nan, destination, x, y);
    else
        emit_minimum_or_nan(code, destination, x, y);
}

static void emit_quotient(FormulaCode *code, const FormulaTerm *term, int destination) {
    const FormulaTerm *divisor = argument_term(code, term, 1);
    float factor = divisor->kind == TERM_LITERAL ? (float)(1 / divisor->literal) : 0;
    if (isnormal(factor))
        kernel_binary(code->builder, INSTRUCTION_multiply, destination, argument(code, term, 0),
            constant(code, (double)factor));
    else
        kernel_binary(code->builder, INSTRUCTION_divide, destination, argument(code, term, 0),
            argument(code, term, 1));
}

/* x to the power of n, from 1 on, by squares. */
static void emit_whole_power(FormulaCode *code, int destination, int x, int n) {
    int square = new_register(code), product = -1;
    kernel_unary(code->builder, INSTRUCTION_move, square, x);
    for (; n > 0; n /= 2) {
        if (n % 2 == 1 && product < 0) {
            product = new_register(code);
            kernel_unary(code->builder, INSTRUCTION_move, product, square);
        } else if (n % 2 == 1) {
            kernel_binary(code->builder, INSTRUCTION_multiply, product, product, square);
        }
        if (n > 1)
            kernel_binary(code->builder, INSTRUCTION_multiply, square, square, square);
    }
    kernel_unary(code->builder, INSTRUCTION_move, destination, product);
}

/* Small whole exponents are products, halves square roots; one below 0 divides 1 by these. */
static void emit_any_power(FormulaCode *code, const FormulaTerm *term, int destination) {
    enum { MOST_PRODUCTS = 8 };
    const FormulaTerm *exponent = argument_term(code, term, 1);
    int x = argument(code, term, 0);
    double number = exponent->kind == TERM_LITERAL ? fabs(exponent->literal) : 0;
    bool whole = number >= 1 && number <= (double)MOST_PRODUCTS && number == floor(number);
    if (!whole && number != 0.5) {
        emit_power(code->builder, destination, x, argument(code, term, 1));
        return;
    }
    if (whole)
        emit_whole_power(code, destination, x, (int)number);
    else
        kernel_unary(code->builder, INSTRUCTION_square_root, destination, x);
    if (exponent->literal < 0)
        kernel_binary(
            code->builder, INSTRUCTION_divide, destination, constant(code, 1), destination);
}

/* A sum, together with a product that nobody else reads. */
static void emit_sum(FormulaCode *code, const FormulaTerm *term, int destination) {
    for (int i = 0; i < 2; i++) {
        if (!code->is_product[term->arguments[i]])
            continue;
        const FormulaTerm *product = argument_term(code, term, i);
        kernel_multiply_add(code->builder, destination, argument(code, product, 0),
            argument(code, product, 1), argument(code, term, 1 - i));
        return;
    }
    kernel_binary(code->builder, INSTRUCTION_add, destination, argument(code, term, 0),
        argument(code, term, 1));
}

static void emit_element(FormulaCode *code, const FormulaTerm *term, int destination) {
    KernelBuilder *builder = code->builder;
    switch ((int)term->element) {
    case OP_add:
        emit_sum(code, term, destination);
        return;
    case OP_divide:
        emit_quotient(code, term, destination);
        return;
    case OP_maximum:
    case OP_minimum:
        emit_bound(code, term, destination);
        return;
    case OP_power:
        emit_any_power(code, term, destination);
        return;
    }
    int x = argument(code, term, 0);
    switch ((int)term->element) {
    case OP_subtract:
        kernel_binary(builder, INSTRUCTION_subtract, destination, x, argument(code, term, 1));
        return;
    case OP_multiply:
        kernel_binary(builder, INSTRUCTION_multiply, destination, x, argument(code, term, 1));
        return;
    case OP_negate:
        kernel_binary(builder, INSTRUCTION_multiply, destination, x, constant(code, -1));
        return;
    case OP_abs:
        emit_absolute(code, destination, x);
        return;
    case OP_sqrt:
        kernel_unary(builder, INSTRUCTION_square_root, destination, x);
        return;
    case OP_floor:
        emit_floor(builder, destination, x);
        return;
    case OP_round:
        emit_round(builder, destination, x);
        return;
    case OP_sign:
        emit_sign(builder, destination, x);
        return;
    case OP_log:
        emit_logarithm(builder, destination, x);
        return;
    case OP_erf:
        emit_erf(builder, destination, x);
        return;
    case OP_softplus:
        emit_softplus(builder, destination, x);
        return;
    case OP_exp:
        emit_exponential(builder, destination, x);
        return;
    case OP_tanh:
        emit_tanh(builder, destination, x);
        return;
    case OP_relu:
        kernel_binary(builder, INSTRUCTION_maximum, destination, constant(code, 0), x);
        return;
    case OP_relu6:
        emit_clamp(code, destination, x, 0, 6);
        return;
    case OP_clip:
        emit_clamp(code, destination, x, term->parameters[0], term->parameters[1]);
        return;
    case OP_sigmoid:
        emit_sigmoid(code, destination, x);
        return;
    case OP_hard_sigmoid:
    case OP_hard_swish:
        emit_hard(code, term->element, destination, x);
        return;
    case OP_leaky_relu:
        emit_leaky_relu(code, term->parameters[0], destination, x);
        return;
    }
    assert(false && "an element without formula and without a case here");
}

/* ---- formulas ---- */

static void count_readers(FormulaCode *code) {
    const Formula *formula = code->formula;
    for (int i = 0; i < formula->count; i++)
        for (int k = 0; formula->terms[i].kind == TERM_ELEMENT &&
                        k < element_operands(formula->terms[i].element);
            k++)
            code->unread[formula->terms[i].arguments[k]]++;
    for (int i = 0; i < formula->count; i++) {
        const FormulaTerm *term = &formula->terms[i];
        if (term->kind != TERM_ELEMENT || term->element != OP_add)
            continue;
        for (int k = 0; k < 2; k++) {
            int other = term->arguments[k];
            bool product = formula->terms[other].kind == TERM_ELEMENT &&
                           formula->terms[other].element == OP_multiply && code->unread[other] == 1;
            code->is_product[other] = product;
            if (product)
                break;
        }
    }
}

static bool is_operand(const FormulaCode *code, int reg) {
    for (int i = 0; i < code->formula->operand_count; i++)
        if (code->operands[i] == reg)
            return true;
    return false;
}

/* The register of a term that this one is the last to read: its result may lie there. Operands
 * belong to the caller, but for the one at home. */
static int choose_destination(FormulaCode *code, int index) {
    const FormulaTerm *term = &code->formula->terms[index];
    for (int k = 0; k < element_operands(term->element); k++) {
        int from = term->arguments[k];
        const FormulaTerm *source = &code->formula->terms[from];
        bool dead = code->unread[from] == 1 && !code->is_product[from];
        if (dead && source->kind == TERM_ELEMENT)
            return code->registers[from];
        if (dead && source->kind == TERM_OPERAND && code->operands[source->operand] == code->home)
            return code->home;
    }
    bool is_last = index == code->formula->count - 1;
    bool at_home = is_last || code->home_is_free;
    code->home_is_free = code->home_is_free && !at_home;
    return at_home ? code->home : new_register(code);
}

static void release_arguments(FormulaCode *code, const FormulaTerm *term) {
    for (int k = 0; k < element_operands(term->element); k++) {
        int from = term->arguments[k];
        code->unread[from]--;
        if (code->is_product[from])
            release_arguments(code, &code->formula->terms[from]);
    }
}

/* Formulas without functions are computed in the type of their operands. */
static bool is_of_sums_and_bounds(const Formula *formula) {
    for (int i = 0; i < formula->count; i++) {
        if (formula->terms[i].kind != TERM_ELEMENT)
            continue;
        switch ((int)formula->terms[i].element) {
        case OP_add:
        case OP_subtract:
        case OP_multiply:
        case OP_negate:
        case OP_abs:
        case OP_maximum:
        case OP_minimum:
        case OP_relu:
        case OP_relu6:
        case OP_clip:
        case OP_hard_sigmoid:
        case OP_hard_swish:
        case OP_leaky_relu:
            continue;
        default:
            return false;
        }
    }
    return true;
}

/* Of numbers of f16, in f32. */
static void emit_widened(
    KernelBuilder *builder, const Formula *formula, const int *operands, int home) {
    int widened[MOST_FORMULA_OPERANDS], lanes = builder->kernel->register_lanes[home];
    for (int i = 0; i < formula->operand_count; i++) {
        widened[i] = kernel_register(builder, lanes);
        kernel_unary(builder, INSTRUCTION_widen, widened[i], operands[i]);
    }
    int result = kernel_register(builder, lanes);
    emit_formula(builder, formula, widened, result);
    kernel_unary(builder, INSTRUCTION_narrow, home, result);
}

void emit_formula(KernelBuilder *builder, const Formula *formula, const int *operands, int home) {
    LaneType type = builder->kernel->register_types[home];
    if (formula != NULL && type == LANE_F16 && !is_of_sums_and_bounds(formula)) {
        emit_widened(builder, formula, operands, home);
        return;
    }
    Arena *scratch = arena_create();
    formula = formula_expand_others(scratch, formula, has_code);
    if (formula == NULL) {
        if (operands[0] != home)
            kernel_unary(builder, INSTRUCTION_move, home, operands[0]);
        arena_destroy(scratch);
        return;
    }
    FormulaCode code = {.builder = builder,
        .formula = formula,
        .type = type,
        .lanes = builder->kernel->register_lanes[home],
        .operands = operands,
        .home = home,
        .registers = ARENA_ARRAY(scratch, int, formula->count),
        .unread = ARENA_ARRAY(scratch, int, formula->count),
        .is_product = ARENA_ARRAY(scratch, bool, formula->count)};
    code.home_is_free = !is_operand(&code, home);
    count_readers(&code);
    for (int i = 0; i < formula->count; i++) {
        const FormulaTerm *term = &formula->terms[i];
        code.registers[i] = term->kind == TERM_OPERAND ? operands[term->operand] : -1;
        if (term->kind != TERM_ELEMENT || code.is_product[i])
            continue;
        int destination = choose_destination(&code, i);
        emit_element(&code, term, destination);
        code.registers[i] = destination;
        release_arguments(&code, term);
    }
    int last = formula->count - 1;
    int result = argument(&code, &(FormulaTerm){.arguments = {last}}, 0);
    if (result != home)
        kernel_unary(builder, INSTRUCTION_move, home, result);
    arena_destroy(scratch);
}

void emit_activation(KernelBuilder *builder, const Formula *activation, int reg) {
    emit_formula(builder, activation, &reg, reg);
}
