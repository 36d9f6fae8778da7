/* Calls: arguments, pipes, and the path under which a call is made. */
#include "frontend/evaluate.h"

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
    Evaluator *evaluator, const SpecExpression *expression, const CallArgument *piped, Call *call) {
    int offset = piped ? 1 : 0;
    int count = expression->items.count + offset;
    *call = (Call){.name = expression->name,
        .where = expression->where,
        .name_where = expression->name_where,
        .arguments = ARENA_ARRAY(evaluator->arena, CallArgument, count + 1),
        .count = count,
        .positional = ARENA_ARRAY(evaluator->arena, CallArgument *, count + 1)};
    if (piped) {
        call->arguments[0] = *piped;
        index_argument(evaluator, call, &call->arguments[0]);
    }
    for (int i = 0; i < expression->items.count; i++) {
        const SpecExpression *item = expression->items.items[i];
        bool named = item->kind == SPEC_EXPRESSION_ARGUMENT;
        const SpecExpression *value = named ? item->right : item;
        CallArgument *argument = &call->arguments[i + offset];
        argument->name = named ? item->name : NULL;
        argument->name_where = named ? item->name_where : item->where;
        argument->where = value->where;
        argument->source_name = value->kind == SPEC_EXPRESSION_NAME ? value->name : NULL;
        argument->value = evaluate(evaluator, value);
        if (!index_argument(evaluator, call, argument)) {
            complain(
                evaluator, item->name_where, NULL, "the argument '%s' is given twice", item->name);
            return false;
        }
    }
    return true;
}

Datum evaluate_call(Evaluator *evaluator, const SpecExpression *expression,
    const CallArgument *piped, const Template *path) {
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

Datum evaluate_at(Evaluator *evaluator, const SpecExpression *expression) {
    if (expression->left->kind == SPEC_EXPRESSION_CALL) {
        return evaluate_call(evaluator, expression->left, NULL, expression->text);
    }
    Prefix *outer = evaluator->prefix;
    Prefix *inner = enter_path(evaluator, expression->text);
    evaluator->prefix = inner ? inner : outer;
    Datum result = evaluate(evaluator, expression->left);
    evaluator->prefix = outer;
    return inner ? result : datum_unknown;
}

Datum evaluate_pipe(Evaluator *evaluator, const SpecExpression *expression) {
    const SpecExpression *left = expression->left;
    CallArgument piped = {.where = left->where, .name_where = left->where};
    piped.source_name = left->kind == SPEC_EXPRESSION_NAME ? left->name : NULL;
    piped.value = evaluate(evaluator, left);
    for (int i = 0; i < expression->items.count; i++) {
        const SpecExpression *stage = expression->items.items[i];
        const Template *path = stage->kind == SPEC_EXPRESSION_AT ? stage->text : NULL;
        stage = path ? stage->left : stage;
        piped.value = evaluate_call(evaluator, stage, &piped, path);
        piped.where = stage->where;
        piped.name_where = stage->where;
        piped.source_name = NULL;
    }
    return piped.value;
}
