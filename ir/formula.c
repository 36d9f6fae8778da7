/* Formulas: making them, putting one into another, comparing them. */
#include "ir/formula.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* ---- terms ---- */

/* Compares numbers by their bits: -0 is not 0. */
static bool same_number(double a, double b) {
    return memcmp(&a, &b, sizeof a) == 0;
}

static bool same_term(const FormulaTerm *a, const FormulaTerm *b) {
    if (a->kind != b->kind)
        return false;
    if (a->kind == TERM_OPERAND)
        return a->operand == b->operand;
    if (a->kind == TERM_LITERAL)
        return same_number(a->literal, b->literal);
    bool same = a->element == b->element;
    for (int i = 0; same && i < element_operands(a->element); i++)
        same = a->arguments[i] == b->arguments[i];
    for (int i = 0; same && i < element_parameters(a->element); i++)
        same = same_number(a->parameters[i], b->parameters[i]);
    return same;
}

static int add_term(FormulaBuilder *builder, FormulaTerm term) {
    for (int i = 0; i < builder->count; i++)
        if (same_term(&builder->terms[i], &term))
            return i;
    if (builder->count == builder->capacity) {
        int capacity = builder->capacity == 0 ? 16 : 2 * builder->capacity;
        FormulaTerm *terms = ARENA_ARRAY(builder->arena, FormulaTerm, capacity);
        if (builder->count > 0)
            memcpy(terms, builder->terms, (size_t)builder->count * sizeof *terms);
        builder->terms = terms;
        builder->capacity = capacity;
    }
    builder->terms[builder->count] = term;
    return builder->count++;
}

int formula_operand(FormulaBuilder *builder, int operand) {
    assert(operand >= 0 && operand < MOST_FORMULA_OPERANDS);
    return add_term(builder, (FormulaTerm){.kind = TERM_OPERAND, .operand = operand});
}

int formula_literal(FormulaBuilder *builder, double literal) {
    assert(isfinite(literal));
    return add_term(builder, (FormulaTerm){.kind = TERM_LITERAL, .literal = literal});
}

/* The value of a term of literals; NaN where it has none that could be written. */
static double folded(const FormulaBuilder *builder, const FormulaTerm *term) {
    Arena *scratch = arena_create();
    double numbers[MOST_FORMULA_OPERANDS];
    for (int i = 0; i < element_operands(term->element); i++)
        numbers[i] = builder->terms[term->arguments[i]].literal;
    const Formula *formula = formula_of_element(scratch, term->element, term->parameters);
    double value = formula_value(formula_expand(scratch, formula), numbers);
    arena_destroy(scratch);
    return value;
}

int formula_apply(
    FormulaBuilder *builder, OpKind element, const int *arguments, const double *parameters) {
    FormulaTerm term = {.kind = TERM_ELEMENT, .element = element};
    bool constant = true;
    for (int i = 0; i < element_operands(element); i++) {
        assert(arguments[i] >= 0 && arguments[i] < builder->count);
        term.arguments[i] = arguments[i];
        constant = constant && builder->terms[arguments[i]].kind == TERM_LITERAL;
    }
    for (int i = 0; i < element_parameters(element); i++)
        term.parameters[i] = parameters[i];
    double value = constant ? folded(builder, &term) : NAN;
    return isfinite(value) ? formula_literal(builder, value) : add_term(builder, term);
}

/* ---- formulas ---- */

static int insert(
    FormulaBuilder *builder, const Formula *formula, const int *operands, KeepElement *stays);

static bool all_stay(const FormulaTerm *term) {
    (void)term;
    return true;
}

static bool none_stays(const FormulaTerm *term) {
    (void)term;
    return false;
}

/* The element applied to the arguments; or, where it is no primitive and does not stay, the terms
 * that it stands for. */
static int apply(
    FormulaBuilder *builder, const FormulaTerm *term, const int *arguments, KeepElement *stays) {
    if (*element_formula(term->element) == '\0' || stays(term))
        return formula_apply(builder, term->element, arguments, term->parameters);
    Arena *scratch = arena_create();
    const Formula *meaning = element_meaning(term->element, term->parameters, scratch);
    int root = insert(builder, meaning, arguments, stays);
    arena_destroy(scratch);
    return root;
}

static int insert(
    FormulaBuilder *builder, const Formula *formula, const int *operands, KeepElement *stays) {
    if (formula == NULL)
        return operands[0];
    Arena *scratch = arena_create();
    int *new = ARENA_ARRAY(scratch, int, formula->count);
    for (int i = 0; i < formula->count; i++) {
        const FormulaTerm *term = &formula->terms[i];
        int arguments[MOST_FORMULA_ARGUMENTS] = {0};
        for (int k = 0; term->kind == TERM_ELEMENT && k < element_operands(term->element); k++)
            arguments[k] = new[term->arguments[k]];
        new[i] = term->kind == TERM_OPERAND   ? operands[term->operand]
                 : term->kind == TERM_LITERAL ? formula_literal(builder, term->literal)
                                              : apply(builder, term, arguments, stays);
    }
    int root = new[formula->count - 1];
    arena_destroy(scratch);
    return root;
}

int formula_insert(FormulaBuilder *builder, const Formula *formula, const int *operands) {
    return insert(builder, formula, operands, all_stay);
}

/* Appends the term and what it needs in the order of reading, so that equal formulas have equal
 * terms, whatever they were made in. */
static int append_needed(FormulaBuilder *to, const FormulaBuilder *from, int index, int *places) {
    if (places[index] >= 0)
        return places[index];
    FormulaTerm term = from->terms[index];
    for (int i = 0; term.kind == TERM_ELEMENT && i < element_operands(term.element); i++)
        term.arguments[i] = append_needed(to, from, term.arguments[i], places);
    return places[index] = add_term(to, term);
}

const Formula *formula_finish(const FormulaBuilder *builder, int root) {
    if (builder->terms[root].kind == TERM_OPERAND && builder->terms[root].operand == 0)
        return NULL;
    FormulaBuilder ordered = {.arena = builder->arena};
    Arena *scratch = arena_create();
    int *places = ARENA_ARRAY(scratch, int, builder->count);
    for (int i = 0; i < builder->count; i++)
        places[i] = -1;
    append_needed(&ordered, builder, root, places);
    arena_destroy(scratch);
    Formula *formula = ARENA_NEW(builder->arena, Formula);
    *formula = (Formula){.count = ordered.count, .terms = ordered.terms};
    for (int i = 0; i < ordered.count; i++)
        if (ordered.terms[i].kind == TERM_OPERAND &&
            ordered.terms[i].operand >= formula->operand_count)
            formula->operand_count = ordered.terms[i].operand + 1;
    return formula;
}

const Formula *formula_of_element(Arena *arena, OpKind element, const double *parameters) {
    FormulaTerm term = {.kind = TERM_ELEMENT, .element = element};
    FormulaBuilder builder = {.arena = arena};
    for (int i = 0; i < element_operands(element); i++)
        term.arguments[i] = formula_operand(&builder, i);
    for (int i = 0; i < element_parameters(element); i++)
        term.parameters[i] = parameters[i];
    return formula_finish(&builder, add_term(&builder, term));
}

static void add_operands(FormulaBuilder *builder, int *operands) {
    for (int i = 0; i < MOST_FORMULA_OPERANDS; i++)
        operands[i] = formula_operand(builder, i);
}

const Formula *formula_compose(Arena *arena, const Formula *outer, const Formula *inner) {
    FormulaBuilder builder = {.arena = arena};
    int operands[MOST_FORMULA_OPERANDS];
    assert(outer == NULL || outer->operand_count <= 1);
    add_operands(&builder, operands);
    int root = formula_insert(&builder, inner, operands);
    return formula_finish(&builder, formula_insert(&builder, outer, &root));
}

const double *formula_peel(
    Arena *arena, const Formula *formula, OpKind element, const Formula **inner) {
    if (formula == NULL)
        return NULL;
    const FormulaTerm *last = &formula->terms[formula->count - 1];
    if (last->kind != TERM_ELEMENT || last->element != element)
        return NULL;
    assert(element_operands(element) == 1);
    FormulaTerm *terms = ARENA_ARRAY(arena, FormulaTerm, formula->count);
    memcpy(terms, formula->terms, (size_t)formula->count * sizeof *terms);
    FormulaBuilder builder = {arena, terms, formula->count, formula->count};
    *inner = formula_finish(&builder, last->arguments[0]);
    return last->parameters;
}

const Formula *formula_copy(Arena *arena, const Formula *formula) {
    FormulaBuilder builder = {.arena = arena};
    int operands[MOST_FORMULA_OPERANDS];
    add_operands(&builder, operands);
    return formula_finish(&builder, formula_insert(&builder, formula, operands));
}

const Formula *formula_expand_others(Arena *arena, const Formula *formula, KeepElement *stays) {
    FormulaBuilder builder = {.arena = arena};
    int operands[MOST_FORMULA_OPERANDS];
    add_operands(&builder, operands);
    const Formula *expanded = formula_finish(&builder, insert(&builder, formula, operands, stays));
    assert(expanded == NULL || expanded->count <= MOST_EXPANDED_TERMS);
    return expanded;
}

const Formula *formula_expand(Arena *arena, const Formula *formula) {
    return formula_expand_others(arena, formula, none_stays);
}

/* ---- of nodes ---- */

const Formula *node_formula(const Node *node, Arena *arena) {
    double parameters[MOST_FORMULA_PARAMETERS] = {0};
    if (node->op == OP_map)
        return node_formula_attribute(node, "formula");
    for (int i = 0; i < element_parameters(node->op); i++)
        parameters[i] = node->attributes[i].number;
    const Formula *formula = formula_of_element(arena, node->op, parameters);
    const Attribute *activation = node_attribute((Node *)node, "activation");
    return activation == NULL ? formula : formula_compose(arena, activation->formula, formula);
}

/* ---- asking ---- */

bool formula_equal(const Formula *a, const Formula *b) {
    if (a == NULL || b == NULL || a->count != b->count)
        return a == b;
    for (int i = 0; i < a->count; i++)
        if (!same_term(&a->terms[i], &b->terms[i]))
            return false;
    return true;
}

int formula_size(const Formula *formula) {
    if (formula == NULL)
        return 1;
    Arena *scratch = arena_create();
    int *sizes = ARENA_ARRAY(scratch, int, formula->count), size = 1;
    for (int i = 0; i < formula->count; i++) {
        const FormulaTerm *term = &formula->terms[i];
        size = 1;
        for (int k = 0; term->kind == TERM_ELEMENT && k < element_operands(term->element); k++)
            size += sizes[term->arguments[k]];
        sizes[i] = size = size > MOST_FORMULA_SIZE ? MOST_FORMULA_SIZE + 1 : size;
    }
    arena_destroy(scratch);
    return size;
}

OpKind formula_single(const Formula *formula) {
    if (formula == NULL)
        return OP_COUNT;
    const FormulaTerm *last = &formula->terms[formula->count - 1];
    if (last->kind != TERM_ELEMENT || formula->count != element_operands(last->element) + 1)
        return OP_COUNT;
    for (int i = 0; i < element_operands(last->element); i++) {
        const FormulaTerm *argument = &formula->terms[last->arguments[i]];
        if (argument->kind != TERM_OPERAND || argument->operand != i)
            return OP_COUNT;
    }
    return last->element;
}

OpKind formula_element(const Formula *formula) {
    bool one = formula != NULL && formula->count == 2 && formula->terms[0].kind == TERM_OPERAND &&
               formula->terms[0].operand == 0 && formula->terms[1].kind == TERM_ELEMENT &&
               element_operands(formula->terms[1].element) == 1;
    return one ? formula->terms[1].element : OP_COUNT;
}

static bool uses_element(const Formula *formula, OpKind element) {
    for (int i = 0; formula != NULL && i < formula->count; i++)
        if (formula->terms[i].kind == TERM_ELEMENT && formula->terms[i].element == element)
            return true;
    return false;
}

bool graph_uses_element(const Graph *graph, OpKind element) {
    for (const Node *node = graph->first; node != NULL; node = node->next) {
        const OpInfo *info = op_info(node->op);
        bool uses = node->op == element;
        for (int i = 0; i < info->attribute_count; i++)
            uses = uses || (info->attributes[i].kind == ATTRIBUTE_FORMULA &&
                               uses_element(node->attributes[i].formula, element));
        if (uses)
            return true;
    }
    return false;
}
