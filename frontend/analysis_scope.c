#include "frontend/analysis_scope.h"

#include <string.h>

typedef struct ScopeWalk {
    uint32_t offset;
    Arena *arena;
    void (*visit)(void *context, const SpecExpression *name);
    void *context;
} ScopeWalk;

static bool is_round(SourceRange where, uint32_t offset) {
    return where.begin <= offset && offset <= where.end;
}

static void visit_pattern(const ScopeWalk *walk, const SpecExpression *pattern) {
    if (pattern->kind == SPEC_EXPRESSION_NAME || pattern->kind == SPEC_EXPRESSION_ARGUMENT)
        walk->visit(walk->context, pattern);
    for (int i = 0; pattern->kind == SPEC_EXPRESSION_LIST && i < pattern->items.count; i++)
        visit_pattern(walk, pattern->items.items[i]);
}

static void visit_patterns(const ScopeWalk *walk, const SpecExpressionList *patterns) {
    for (int i = 0; i < patterns->count; i++)
        visit_pattern(walk, patterns->items[i]);
}

/* An input is a variable without an expression of its own. */
static void visit_input(const ScopeWalk *walk, const SpecStatement *statement) {
    SpecExpression *name =
        expression_create(walk->arena, SPEC_EXPRESSION_NAME, statement->name_where);
    name->name = statement->name;
    walk->visit(walk->context, name);
}

/* In x = f(x) the second x is an earlier one: a statement sees what it defines at the names alone.
 */
static bool is_in_value(const ScopeWalk *walk, const SpecStatement *statement) {
    if (!is_round(statement->where, walk->offset) || statement->targets.count == 0)
        return false;
    return walk->offset > statement->targets.items[statement->targets.count - 1]->where.end;
}

static void visit_block(const ScopeWalk *walk, const SpecBlock *block);

static void visit_statement(const ScopeWalk *walk, const SpecStatement *statement) {
    bool is_inside = is_round(statement->where, walk->offset);
    switch (statement->kind) {
    case SPEC_STATEMENT_LET:
    case SPEC_STATEMENT_ASSIGN:
        if (!is_in_value(walk, statement))
            visit_patterns(walk, &statement->targets);
        break;
    case SPEC_STATEMENT_INPUT:
        visit_input(walk, statement);
        break;
    case SPEC_STATEMENT_FOR:
        if (is_inside)
            visit_patterns(walk, &statement->targets);
        break;
    default:
        break;
    }
    if (statement->block != NULL && is_round(statement->block->where, walk->offset))
        visit_block(walk, statement->block);
    if (statement->other != NULL && is_round(statement->other->where, walk->offset))
        visit_block(walk, statement->other);
}

static void visit_block(const ScopeWalk *walk, const SpecBlock *block) {
    for (int i = 0; i < block->count && block->items[i]->where.begin <= walk->offset; i++)
        visit_statement(walk, block->items[i]);
}

void scope_visit(const Spec *spec, uint32_t offset,
    void (*visit)(void *context, const SpecExpression *name), void *context) {
    ScopeWalk walk = {offset, spec->arena, visit, context};
    for (int i = 0; i < spec->count; i++) {
        const Item *item = spec->items[i];
        if (item->kind == ITEM_IMPORT || !is_round(item->where, offset))
            continue;
        visit_patterns(&walk, &item->parameters);
        if (item->block != NULL)
            visit_block(&walk, item->block);
    }
}

typedef struct ScopeSearch {
    const char *name;
    SourceRange found;
} ScopeSearch;

static void note_definition(void *context, const SpecExpression *name) {
    ScopeSearch *search = context;
    if (strcmp(name->name, search->name) == 0)
        search->found = name->name_where;
}

SourceRange scope_find(const Spec *spec, uint32_t offset, const char *name) {
    ScopeSearch search = {.name = name};
    scope_visit(spec, offset, note_definition, &search);
    return search.found;
}
