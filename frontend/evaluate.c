#include "frontend/evaluate.h"

#include "ir/ending.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* ---- errors and limits ---- */

bool was_reported(const Evaluator *evaluator, SourceRange where) {
    for (const struct Reported *entry = evaluator->reported; entry; entry = entry->next) {
        if (entry->where.file == where.file && entry->where.begin == where.begin &&
            entry->where.end == where.end) {
            return true;
        }
    }
    return false;
}

static void note_calls(Evaluator *evaluator) {
    enum { MOST_NOTES = 3 };
    int count = 0;
    for (const Frame *frame = evaluator->frame; frame && frame->unit; frame = frame->caller) {
        if (count++ == MOST_NOTES) {
            break;
        }
        diagnostics_report(evaluator->diagnostics, SEVERITY_NOTE, frame->call, NULL,
            "in the call of unit '%s' here", frame->unit->name);
    }
}

static bool first_report(Evaluator *evaluator, SourceRange where) {
    evaluator->failed = true;
    if (evaluator->report_count > REPORT_LIMIT || was_reported(evaluator, where)) {
        return false;
    }
    struct Reported *entry = ARENA_NEW(evaluator->arena, struct Reported);
    *entry = (struct Reported){where, evaluator->reported};
    evaluator->reported = entry;
    evaluator->stopped = evaluator->stopped || ++evaluator->report_count > REPORT_LIMIT;
    return true;
}

Datum complain(Evaluator *evaluator, SourceRange where, const char *hint, const char *format, ...) {
    if (!first_report(evaluator, where)) {
        return datum_unknown;
    }
    va_list arguments;
    va_start(arguments, format);
    char *message = NULL;
    int length = vasprintf(&message, format, arguments);
    va_end(arguments);
    if (length < 0)
        out_of_memory();
    diagnostics_report(evaluator->diagnostics, SEVERITY_ERROR, where, hint, "%s", message);
    free(message);
    note_calls(evaluator);
    return datum_unknown;
}

void note_reported(Evaluator *evaluator, SourceRange where) {
    if (first_report(evaluator, where)) {
        note_calls(evaluator);
    }
}

bool spend(Evaluator *evaluator, int64_t effort, SourceRange where) {
    evaluator->effort += effort;
    if (evaluator->effort > EFFORT_LIMIT && !evaluator->stopped) {
        complain(evaluator, where, "is there a loop that runs too often?",
            "the spec takes more than %d steps to evaluate", EFFORT_LIMIT);
        evaluator->stopped = true;
    }
    return !evaluator->stopped;
}

bool is_equal(Evaluator *evaluator, Datum a, Datum b, SourceRange where) {
    int64_t most = (int64_t)EFFORT_LIMIT * COMPARISONS_OF_A_STEP;
    bool equal = datum_equal(a, b, &evaluator->comparisons, most);
    int64_t steps = evaluator->comparisons / COMPARISONS_OF_A_STEP;
    evaluator->comparisons %= COMPARISONS_OF_A_STEP;
    return spend(evaluator, steps, where) && equal;
}

/* ---- names ---- */

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

/* "did you mean 'conv'?" from all that is known here, or NULL. */
static const char *nearest_name(const Evaluator *evaluator, const char *name, bool variables) {
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

static Datum evaluate_name(Evaluator *evaluator, const Expression *expression) {
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

/* ---- strings and paths ---- */

const char *evaluate_template(Evaluator *evaluator, const Template *text) {
    Text result = {0};
    text_append(&result, "");
    bool known = true;
    for (int i = 0; i < text->count; i++) {
        if (text->parts[i].text) {
            text_append(&result, text->parts[i].text);
            continue;
        }
        Datum value = evaluate(evaluator, text->parts[i].expression);
        known = known && value.kind != DATUM_UNKNOWN;
        datum_print(value, true, &result);
    }
    if (result.length > TEXT_LIMIT) {
        complain(evaluator, text->where, NULL, "the string is longer than %d bytes", TEXT_LIMIT);
        known = false;
    }
    known = known && spend(evaluator, (int64_t)result.length / 8, text->where);
    const char *copy = known ? arena_copy_string(evaluator->arena, result.data) : NULL;
    text_free(&result);
    return copy;
}

static bool is_good_path(const char *path) {
    size_t length = strlen(path);
    bool ends = length == 0 || path[0] == '.' || path[length - 1] == '.';
    for (const char *c = path; *c; c++) {
        if ((unsigned char)*c <= ' ' || *c == 0x7f) {
            return false;
        }
    }
    return !ends && !strstr(path, "..");
}

Prefix *enter_path(Evaluator *evaluator, const Template *path) {
    if (path->count == 0) {
        complain(evaluator, path->where, "as in @ stage2.0", "a weight path is missing after '@'");
        return NULL;
    }
    const char *text = evaluate_template(evaluator, path);
    if (!text) {
        return NULL;
    }
    if (!is_good_path(text)) {
        complain(evaluator, path->where, "a path is words joined by dots, as in stage2.0.branch1",
            "'%s' is no weight path", text);
        return NULL;
    }
    Prefix *prefix = ARENA_NEW(evaluator->arena, Prefix);
    const char *outer = evaluator->prefix->text;
    const char *joint = *outer && *text != '/' ? "." : "";
    prefix->text = arena_format(evaluator->arena, "%s%s%s", outer, joint, text);
    if (strlen(prefix->text) > TEXT_LIMIT) {
        complain(
            evaluator, path->where, NULL, "the weight path is longer than %d bytes", TEXT_LIMIT);
        return NULL;
    }
    return prefix;
}

/* ---- lists and tables ---- */

Datum make_list(Evaluator *evaluator, const Datum *items, int count, SourceRange where) {
    Datum list = datum_list(items, count);
    if (list.depth > LIST_DEPTH_LIMIT) {
        return complain(
            evaluator, where, NULL, "lists are nested more than %d deep", LIST_DEPTH_LIMIT);
    }
    return list;
}

static Datum evaluate_list(Evaluator *evaluator, const Expression *expression) {
    int count = expression->items.count;
    Datum *items = ARENA_ARRAY(evaluator->arena, Datum, count + 1);
    bool known = spend(evaluator, count, expression->where);
    for (int i = 0; i < count; i++) {
        items[i] = evaluate(evaluator, expression->items.items[i]);
        known = known && items[i].kind != DATUM_UNKNOWN;
    }
    return known ? make_list(evaluator, items, count, expression->where) : datum_unknown;
}

static Datum evaluate_table(Evaluator *evaluator, const Expression *expression) {
    int count = expression->items.count;
    Datum *items = ARENA_ARRAY(evaluator->arena, Datum, 2 * count + 1);
    bool known = spend(evaluator, count, expression->where);
    for (int i = 0; i < count && !evaluator->stopped; i++) {
        const Expression *entry = expression->items.items[i];
        Datum key = evaluate(evaluator, entry->left);
        items[2 * i] = key;
        items[2 * i + 1] = evaluate(evaluator, entry->right);
        known = known && key.kind != DATUM_UNKNOWN && items[2 * i + 1].kind != DATUM_UNKNOWN;
        if (key.kind != DATUM_UNKNOWN && !datum_is_numeric(key) && key.kind != DATUM_STRING &&
            key.kind != DATUM_BOOLEAN) {
            complain(evaluator, entry->left->where, NULL,
                "a key is a number, a string, true or false, not %s",
                datum_describe(key, evaluator->arena));
            known = false;
        }
        for (int j = 0; j < i && !evaluator->stopped; j++) {
            if (is_equal(evaluator, items[2 * j], key, entry->left->where)) {
                complain(evaluator, entry->left->where, NULL,
                    "the key %s stands twice in the table", datum_spelling(key, evaluator->arena));
                known = false;
            }
        }
    }
    Datum table = make_list(evaluator, items, 2 * count, expression->where);
    if (!known || evaluator->stopped || table.kind == DATUM_UNKNOWN) {
        return datum_unknown;
    }
    table.kind = DATUM_TABLE;
    table.count = count;
    return table;
}

static Datum missing_key(
    Evaluator *evaluator, const Expression *expression, Datum table, Datum key) {
    Text keys = {0};
    for (int i = 0; i < table.count; i++) {
        text_append(&keys, i > 0 ? ", " : "");
        datum_print(table.items[2 * i], false, &keys);
    }
    const char *hint = table.count == 0 ? "the table is empty"
                                        : arena_format(evaluator->arena, "it has %s", keys.data);
    text_free(&keys);
    const Expression *index = expression->right;
    const char *spelling = datum_spelling(key, evaluator->arena);
    if (index->kind == EXPRESSION_NAME) {
        return complain(evaluator, index->where, hint,
            "the table has no key %s (the value of '%s')", spelling, index->name);
    }
    return complain(evaluator, index->where, hint, "the table has no key %s", spelling);
}

static Datum evaluate_index(Evaluator *evaluator, const Expression *expression) {
    Datum object = evaluate(evaluator, expression->left);
    Datum index = evaluate(evaluator, expression->right);
    if (object.kind == DATUM_UNKNOWN || index.kind == DATUM_UNKNOWN) {
        return datum_unknown;
    }
    if (object.kind == DATUM_TABLE) {
        for (int i = 0; i < object.count && !evaluator->stopped; i++) {
            if (is_equal(evaluator, object.items[2 * i], index, expression->where)) {
                return object.items[2 * i + 1];
            }
        }
        return evaluator->stopped ? datum_unknown
                                  : missing_key(evaluator, expression, object, index);
    }
    if (object.kind != DATUM_LIST) {
        return complain(evaluator, expression->left->where, NULL,
            "only lists and tables are indexed, not %s", datum_describe(object, evaluator->arena));
    }
    int64_t position;
    if (!datum_to_integer(index, &position)) {
        return complain(evaluator, expression->right->where, NULL,
            "the index of a list is a whole number, not %s",
            datum_spelling(index, evaluator->arena));
    }
    if (position < 0 || position >= object.count) {
        return complain(evaluator, expression->right->where, NULL,
            "the index %s is outside of the list, which has %d item%s",
            datum_spelling(index, evaluator->arena), object.count, object.count == 1 ? "" : "s");
    }
    return object.items[position];
}

/* ---- calls ---- */

static Datum report_no_function(Evaluator *evaluator, const Call *call, const Variable *variable) {
    if (variable) {
        return complain(evaluator, call->name_where, NULL, "'%s' is %s here, not a function",
            call->name, datum_describe(variable->value, evaluator->arena));
    }
    OpKind op;
    const char *hint = op_find(call->name, &op) ? "passes alone make this op; specs do not know it"
                                                : nearest_name(evaluator, call->name, false);
    return complain(evaluator, call->name_where, hint, "unknown op or unit '%s'", call->name);
}

static Datum call_function(Evaluator *evaluator, Call *call) {
    const Variable *variable = find_variable(evaluator, call->name);
    if (variable && variable->value.kind == DATUM_UNKNOWN) {
        return datum_unknown;
    }
    if (variable && variable->value.kind == DATUM_FUNCTION) {
        call->name = variable->value.function;
    }
    if (!is_function(evaluator, call->name)) {
        return report_no_function(evaluator, call, variable);
    }
    for (int i = 0; i < call->count; i++) {
        if (call->arguments[i].value.kind == DATUM_UNKNOWN) {
            return datum_unknown;
        }
    }
    Datum result = datum_unknown;
    const Item *unit = find_unit(evaluator, call->name);
    if (unit) {
        return call_unit(evaluator, unit, call);
    }
    if (!call_operation(evaluator, call, &result)) {
        call_builtin(evaluator, call, &result);
    }
    return result;
}

bool evaluate_arguments(
    Evaluator *evaluator, const Expression *expression, const Argument *piped, Call *call) {
    int offset = piped ? 1 : 0;
    int count = expression->items.count + offset;
    *call = (Call){.name = expression->name,
        .where = expression->where,
        .name_where = expression->name_where,
        .arguments = ARENA_ARRAY(evaluator->arena, Argument, count + 1),
        .count = count,
        .positional = ARENA_ARRAY(evaluator->arena, Argument *, count + 1)};
    if (piped) {
        call->arguments[0] = *piped;
        index_argument(evaluator, call, &call->arguments[0]);
    }
    for (int i = 0; i < expression->items.count; i++) {
        const Expression *item = expression->items.items[i];
        bool named = item->kind == EXPRESSION_ARGUMENT;
        const Expression *value = named ? item->right : item;
        Argument *argument = &call->arguments[i + offset];
        argument->name = named ? item->name : NULL;
        argument->name_where = named ? item->name_where : item->where;
        argument->where = value->where;
        argument->source_name = value->kind == EXPRESSION_NAME ? value->name : NULL;
        argument->value = evaluate(evaluator, value);
        if (!index_argument(evaluator, call, argument)) {
            complain(
                evaluator, item->name_where, NULL, "the argument '%s' is given twice", item->name);
            return false;
        }
    }
    return true;
}

/* Calls a name with arguments, behind an optional first argument from a pipe, under an optional
 * path. Arguments are evaluated outside of the path. */
static Datum evaluate_call(Evaluator *evaluator, const Expression *expression,
    const Argument *piped, const Template *path) {
    Call call;
    if (!evaluate_arguments(evaluator, expression, piped, &call)) {
        return datum_unknown;
    }
    if (!path) {
        return call_function(evaluator, &call);
    }
    Prefix *inner = enter_path(evaluator, path);
    if (!inner) {
        return datum_unknown;
    }
    Prefix *outer = evaluator->prefix;
    evaluator->prefix = inner;
    call.path = inner->text;
    Datum result = call_function(evaluator, &call);
    evaluator->prefix = outer;
    return result;
}

static Datum evaluate_at(Evaluator *evaluator, const Expression *expression) {
    if (expression->left->kind == EXPRESSION_CALL) {
        return evaluate_call(evaluator, expression->left, NULL, expression->text);
    }
    Prefix *outer = evaluator->prefix;
    Prefix *inner = enter_path(evaluator, expression->text);
    evaluator->prefix = inner ? inner : outer;
    Datum result = evaluate(evaluator, expression->left);
    evaluator->prefix = outer;
    return inner ? result : datum_unknown;
}

static Datum evaluate_pipe(Evaluator *evaluator, const Expression *expression) {
    const Expression *left = expression->left;
    Argument piped = {.where = left->where, .name_where = left->where};
    piped.source_name = left->kind == EXPRESSION_NAME ? left->name : NULL;
    piped.value = evaluate(evaluator, left);
    for (int i = 0; i < expression->items.count; i++) {
        const Expression *stage = expression->items.items[i];
        const Template *path = stage->kind == EXPRESSION_AT ? stage->text : NULL;
        stage = path ? stage->left : stage;
        piped.value = evaluate_call(evaluator, stage, &piped, path);
        piped.where = stage->where;
        piped.name_where = stage->where;
        piped.source_name = NULL;
    }
    return piped.value;
}

/* ---- expressions ---- */

static Datum evaluate_conditional(Evaluator *evaluator, const Expression *expression) {
    Datum condition = evaluate(evaluator, expression->condition);
    if (condition.kind == DATUM_UNKNOWN) {
        return condition;
    }
    if (condition.kind != DATUM_BOOLEAN) {
        return complain(evaluator, expression->condition->where, NULL,
            "a condition is true or false, not %s", datum_describe(condition, evaluator->arena));
    }
    return evaluate(evaluator, condition.boolean ? expression->left : expression->right);
}

static Datum evaluate_kind(Evaluator *evaluator, const Expression *expression) {
    switch (expression->kind) {
    case EXPRESSION_INTEGER:
        return datum_integer(expression->integer);
    case EXPRESSION_NUMBER:
        return datum_number(expression->number);
    case EXPRESSION_BOOLEAN:
        return datum_boolean(expression->boolean);
    case EXPRESSION_STRING: {
        const char *text = evaluate_template(evaluator, expression->text);
        return text ? datum_string(text) : datum_unknown;
    }
    case EXPRESSION_NAME:
        return evaluate_name(evaluator, expression);
    case EXPRESSION_LIST:
        return evaluate_list(evaluator, expression);
    case EXPRESSION_TABLE:
        return evaluate_table(evaluator, expression);
    case EXPRESSION_CALL:
        return evaluate_call(evaluator, expression, NULL, NULL);
    case EXPRESSION_INDEX:
        return evaluate_index(evaluator, expression);
    case EXPRESSION_UNARY:
        return evaluate_unary(evaluator, expression);
    case EXPRESSION_BINARY:
        return evaluate_binary(evaluator, expression);
    case EXPRESSION_CONDITIONAL:
        return evaluate_conditional(evaluator, expression);
    case EXPRESSION_PIPE:
        return evaluate_pipe(evaluator, expression);
    case EXPRESSION_AT:
        return evaluate_at(evaluator, expression);
    case EXPRESSION_ERROR:
    case EXPRESSION_ENTRY:
    case EXPRESSION_ARGUMENT:
    case EXPRESSION_KIND_COUNT:
        break;
    }
    return datum_unknown;
}

Datum evaluate(Evaluator *evaluator, const Expression *expression) {
    if (!spend(evaluator, 1, expression->where)) {
        return datum_unknown;
    }
    if (evaluator->depth >= EVALUATION_DEPTH_LIMIT) {
        complain(evaluator, expression->where, NULL,
            "evaluation is nested more than %d levels deep", EVALUATION_DEPTH_LIMIT);
        evaluator->stopped = true;
        return datum_unknown;
    }
    evaluator->depth++;
    Datum result = evaluate_kind(evaluator, expression);
    evaluator->depth--;
    return result;
}
