/* Names of a spec: scopes of variables, and what else a name can mean. */
#include "frontend/evaluate.h"

#include <string.h>

static Variable *find_in_scope(const Scope *scope, const char *name) {
    if (scope->by_name) {
        return name_map_find(scope->by_name, name);
    }
    for (Variable *variable = scope->variables; variable; variable = variable->next) {
        if (strcmp(variable->name, name) == 0) {
            return variable;
        }
    }
    return NULL;
}

Variable *find_variable(const Evaluator *evaluator, const char *name) {
    Variable *variable = NULL;
    for (const Scope *scope = evaluator->scope; scope && !variable; scope = scope->parent) {
        variable = find_in_scope(scope, name);
    }
    return variable;
}

static void index_scope(Scope *scope, Arena *arena) {
    scope->by_name = name_map_create(arena);
    for (Variable *variable = scope->variables; variable; variable = variable->next) {
        name_map_put(scope->by_name, variable->name, variable);
    }
}

void define(Evaluator *evaluator, const char *name, Datum value) {
    enum { FEW_VARIABLES = 16 };
    Scope *scope = evaluator->scope;
    Variable *variable = find_in_scope(scope, name);
    if (variable) {
        variable->value = value;
        return;
    }
    variable = ARENA_NEW(evaluator->arena, Variable);
    *variable = (Variable){name, value, scope->variables};
    scope->variables = variable;
    if (scope->by_name) {
        name_map_put(scope->by_name, name, variable);
    } else if (++scope->count > FEW_VARIABLES) {
        index_scope(scope, evaluator->arena);
    }
}

const char *nearest_name(const Evaluator *evaluator, const char *name, bool variables) {
    enum { MOST = 512 };
    const char *names[MOST];
    size_t count = 0;
    for (const Scope *scope = variables ? evaluator->scope : NULL; scope; scope = scope->parent) {
        for (const Variable *v = scope->variables; v && count < MOST; v = v->next) {
            names[count++] = v->name;
        }
    }
    for (int i = 0; i < evaluator->unit_count && count < MOST; i++) {
        names[count++] = evaluator->units[i]->name;
    }
    const char *const *tables[] = {builtin_names(), operation_names()};
    for (int t = 0; t < 2; t++) {
        for (int i = 0; tables[t][i] && count < MOST; i++) {
            names[count++] = tables[t][i];
        }
    }
    const char *nearest = closest_word(name, names, count);
    return nearest ? arena_format(evaluator->arena, "did you mean '%s'?", nearest) : NULL;
}

Datum evaluate_name(Evaluator *evaluator, const SpecExpression *expression) {
    const Variable *variable = find_variable(evaluator, expression->name);
    if (variable) {
        return variable->value;
    }
    if (is_function(evaluator, expression->name)) {
        return (Datum){.kind = DATUM_FUNCTION, .function = expression->name};
    }
    if (is_word(expression->name)) {
        return datum_string(expression->name);
    }
    return complain(evaluator, expression->where, nearest_name(evaluator, expression->name, true),
        "unknown name '%s'", expression->name);
}
