#include "frontend/evaluate.h"

#include <string.h>

/* ---- binding ---- */

void bind_pattern(Evaluator *evaluator, const SpecExpression *pattern, Datum value, bool make_new);

static void bind_name(
    Evaluator *evaluator, const SpecExpression *pattern, Datum value, bool make_new) {
    if (strcmp(pattern->name, "_") == 0) {
        return;
    }
    Variable *variable = make_new ? NULL : find_variable(evaluator, pattern->name);
    if (variable) {
        variable->value = value;
    } else {
        define(evaluator, pattern->name, value);
    }
}

static void bind_patterns(Evaluator *evaluator, const SpecExpressionList *patterns, Datum value,
    bool make_new, SourceRange where) {
    if (value.kind != DATUM_UNKNOWN && value.kind != DATUM_LIST) {
        value = complain(evaluator, where, NULL, "%d names cannot take apart %s", patterns->count,
            datum_describe(value, evaluator->arena));
    }
    if (value.kind == DATUM_LIST && value.count != patterns->count) {
        value = complain(evaluator, where, NULL, "%d name%s cannot take apart %s", patterns->count,
            patterns->count == 1 ? "" : "s", datum_describe(value, evaluator->arena));
    }
    for (int i = 0; i < patterns->count; i++) {
        Datum part = value.kind == DATUM_LIST ? value.items[i] : datum_unknown;
        bind_pattern(evaluator, patterns->items[i], part, make_new);
    }
}

void bind_pattern(Evaluator *evaluator, const SpecExpression *pattern, Datum value, bool make_new) {
    if (pattern->kind == SPEC_EXPRESSION_NAME) {
        bind_name(evaluator, pattern, value, make_new);
    } else {
        bind_patterns(evaluator, &pattern->items, value, make_new, pattern->where);
    }
}

static void bind_targets(
    Evaluator *evaluator, const SpecExpressionList *targets, Datum value, bool make_new) {
    if (targets->count == 1) {
        bind_pattern(evaluator, targets->items[0], value, make_new);
        return;
    }
    SourceRange where = targets->items[0]->where;
    where.end = targets->items[targets->count - 1]->where.end;
    bind_patterns(evaluator, targets, value, make_new, where);
}

static Datum evaluate_values(Evaluator *evaluator, const SpecExpressionList *values) {
    if (values->count == 1) {
        return evaluate(evaluator, values->items[0]);
    }
    Datum *items = ARENA_ARRAY(evaluator->arena, Datum, values->count + 1);
    bool known = true;
    for (int i = 0; i < values->count; i++) {
        items[i] = evaluate(evaluator, values->items[i]);
        known = known && items[i].kind != DATUM_UNKNOWN;
    }
    return known ? make_list(evaluator, items, values->count, values->items[0]->where)
                 : datum_unknown;
}

/* ---- blocks ---- */

static void run_in_new_scope(Evaluator *evaluator, const SpecBlock *block) {
    Scope scope = {.parent = evaluator->scope};
    evaluator->scope = &scope;
    run_block(evaluator, block);
    evaluator->scope = scope.parent;
}

/* Runs the block under the path, which may be NULL. */
static void run_under_path(Evaluator *evaluator, const Template *path, const SpecBlock *block) {
    Prefix *outer = evaluator->prefix;
    Prefix *inner = path ? enter_path(evaluator, path) : outer;
    if (inner) {
        evaluator->prefix = inner;
        run_in_new_scope(evaluator, block);
    }
    evaluator->prefix = outer;
}

static bool goes_on(const Evaluator *evaluator) {
    return !evaluator->stopped && !evaluator->frame->returned;
}

/* After a mistake in what is looped over, the body is still run once, with unknown values. */
static void run_for(Evaluator *evaluator, const SpecStatement *statement) {
    Datum list = evaluate(evaluator, statement->value);
    if (list.kind != DATUM_UNKNOWN && list.kind != DATUM_LIST) {
        list = complain(evaluator, statement->value->where,
            list.kind == DATUM_INTEGER ? "to count, write a range: 0 .. n" : NULL,
            "'for' runs through a list, not %s", datum_describe(list, evaluator->arena));
    }
    int count = list.kind == DATUM_LIST ? list.count : 1;
    for (int i = 0; i < count && goes_on(evaluator); i++) {
        Scope scope = {.parent = evaluator->scope};
        evaluator->scope = &scope;
        bind_targets(evaluator, &statement->targets,
            list.kind == DATUM_LIST ? list.items[i] : datum_unknown, true);
        run_under_path(evaluator, statement->path, statement->block);
        evaluator->scope = scope.parent;
        spend(evaluator, 1, statement->where);
    }
}

static void run_repeat(Evaluator *evaluator, const SpecStatement *statement) {
    Datum value = evaluate(evaluator, statement->value);
    int64_t count = 1;
    if (value.kind != DATUM_UNKNOWN && (!datum_to_integer(value, &count) || count < 0)) {
        complain(evaluator, statement->value->where, NULL,
            "'repeat' takes a whole number from 0 up, not %s",
            datum_spelling(value, evaluator->arena));
        count = 1;
    }
    for (int64_t i = 0; i < count && goes_on(evaluator); i++) {
        run_under_path(evaluator, statement->path, statement->block);
        spend(evaluator, 1, statement->where);
    }
}

static void run_if(Evaluator *evaluator, const SpecStatement *statement) {
    Datum condition = evaluate(evaluator, statement->value);
    if (condition.kind != DATUM_UNKNOWN && condition.kind != DATUM_BOOLEAN) {
        condition = complain(evaluator, statement->value->where, NULL,
            "a condition is true or false, not %s", datum_describe(condition, evaluator->arena));
    }
    if (condition.kind == DATUM_UNKNOWN) {
        return;
    }
    if (condition.boolean) {
        run_in_new_scope(evaluator, statement->block);
    } else if (statement->other) {
        run_in_new_scope(evaluator, statement->other);
    }
}

static void run_return(Evaluator *evaluator, const SpecStatement *statement) {
    if (!evaluator->frame->unit) {
        complain(evaluator, statement->where, "a network has 'output name = ...'",
            "'return' stands only in a unit");
        return;
    }
    evaluator->frame->result = evaluate_values(evaluator, &statement->values);
    evaluator->frame->returned = true;
}

static void run_failure(Evaluator *evaluator, const SpecStatement *statement) {
    Datum message = evaluate(evaluator, statement->message);
    if (message.kind == DATUM_UNKNOWN) {
        return;
    }
    Text text = {0};
    text_append(&text, "");
    datum_print(message, true, &text);
    complain(evaluator, statement->where, NULL, "%s", text.data);
    text_free(&text);
}

static void run_assert(Evaluator *evaluator, const SpecStatement *statement) {
    Datum condition = evaluate(evaluator, statement->value);
    if (condition.kind == DATUM_UNKNOWN) {
        return;
    }
    if (condition.kind != DATUM_BOOLEAN) {
        complain(evaluator, statement->value->where, NULL, "a condition is true or false, not %s",
            datum_describe(condition, evaluator->arena));
    } else if (!condition.boolean) {
        run_failure(evaluator, statement);
    }
}

static void run_statement(Evaluator *evaluator, const SpecStatement *statement) {
    switch (statement->kind) {
    case SPEC_STATEMENT_LET:
    case SPEC_STATEMENT_ASSIGN:
        bind_targets(evaluator, &statement->targets, evaluate_values(evaluator, &statement->values),
            statement->kind == SPEC_STATEMENT_LET);
        break;
    case SPEC_STATEMENT_FOR:
        run_for(evaluator, statement);
        break;
    case SPEC_STATEMENT_REPEAT:
        run_repeat(evaluator, statement);
        break;
    case SPEC_STATEMENT_SCOPE:
        run_under_path(evaluator, statement->path, statement->block);
        break;
    case SPEC_STATEMENT_IF:
        run_if(evaluator, statement);
        break;
    case SPEC_STATEMENT_RETURN:
        run_return(evaluator, statement);
        break;
    case SPEC_STATEMENT_INPUT:
        declare_input(evaluator, statement);
        break;
    case SPEC_STATEMENT_OUTPUT:
        declare_output(evaluator, statement);
        break;
    case SPEC_STATEMENT_ANSWER:
        declare_answer(evaluator, statement);
        break;
    case SPEC_STATEMENT_LABELS:
        declare_labels(evaluator, statement);
        break;
    case SPEC_STATEMENT_ASSERT:
        run_assert(evaluator, statement);
        break;
    case SPEC_STATEMENT_FAIL:
        run_failure(evaluator, statement);
        break;
    case SPEC_STATEMENT_MATCH: /* the readers let these stand in a rewrite alone, */
    case SPEC_STATEMENT_WHERE: /* which nobody runs */
    case SPEC_STATEMENT_KIND_COUNT:
        break;
    }
}

void run_block(Evaluator *evaluator, const SpecBlock *block) {
    if (evaluator->depth >= EVALUATION_DEPTH_LIMIT) {
        complain(evaluator, block->where, NULL, "evaluation is nested more than %d levels deep",
            EVALUATION_DEPTH_LIMIT);
        evaluator->stopped = true;
        return;
    }
    evaluator->depth++;
    for (int i = 0; i < block->count && goes_on(evaluator); i++) {
        run_statement(evaluator, block->items[i]);
    }
    evaluator->depth--;
}

/* ---- units ---- */

static const char *parameter_list(Evaluator *evaluator, const Item *unit) {
    Text text = {0};
    text_format(&text, "%s(", unit->name);
    for (int i = 0; i < unit->parameters.count; i++) {
        text_format(&text, i > 0 ? ", %s" : "%s", unit->parameters.items[i]->name);
    }
    const char *list = arena_format(evaluator->arena, "the unit is %.300s)", text.data);
    text_free(&text);
    return list;
}

static bool bind_parameters(Evaluator *evaluator, const Item *unit, Call *call) {
    bool complete = true;
    for (int i = 0; i < unit->parameters.count; i++) {
        const SpecExpression *parameter = unit->parameters.items[i];
        CallArgument *argument = find_argument(call, parameter->name, i);
        Datum value = datum_unknown;
        if (argument) {
            value = argument->value;
        } else if (parameter->right) {
            value = evaluate(evaluator, parameter->right);
        } else {
            complain(evaluator, call->where, parameter_list(evaluator, unit),
                "unit '%s' needs a value for '%s'", unit->name, parameter->name);
            complete = false;
        }
        define(evaluator, parameter->name, value);
    }
    const char **known = ARENA_ARRAY(evaluator->arena, const char *, unit->parameters.count + 1);
    for (int i = 0; i < unit->parameters.count; i++) {
        known[i] = unit->parameters.items[i]->name;
    }
    check_unused(evaluator, call, known);
    return complete;
}

Datum call_unit(Evaluator *evaluator, const Item *unit, Call *call) {
    if (evaluator->call_depth >= CALL_DEPTH_LIMIT) {
        complain(evaluator, call->where, "a unit that calls itself needs an 'if' that ends it",
            "units call units more than %d deep", CALL_DEPTH_LIMIT);
        evaluator->stopped = true;
        return datum_unknown;
    }
    Frame frame = {evaluator->frame, unit, call->where, datum_unknown, false};
    Scope *outer = evaluator->scope;
    Scope scope = {0};
    evaluator->scope = &scope;
    bool complete = bind_parameters(evaluator, unit, call);
    evaluator->frame = &frame;
    evaluator->call_depth++;
    if (complete) {
        run_block(evaluator, unit->block);
    }
    evaluator->call_depth--;
    evaluator->frame = frame.caller;
    evaluator->scope = outer;
    if (complete && !frame.returned && !evaluator->failed) {
        complain(evaluator, unit->name_where, "end it with 'return ...'",
            "unit '%s' returns nothing", unit->name);
    }
    return frame.result;
}
