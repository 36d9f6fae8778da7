/* Expressions become values. */
#include "frontend/evaluate.h"

#include <string.h>

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

/* ---- expressions ---- */

static Datum evaluate_conditional(Evaluator *evaluator, const SpecExpression *expression) {
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

static Datum evaluate_kind(Evaluator *evaluator, const SpecExpression *expression) {
    switch (expression->kind) {
    case SPEC_EXPRESSION_INTEGER:
        return datum_integer(expression->integer);
    case SPEC_EXPRESSION_NUMBER:
        return datum_number(expression->number);
    case SPEC_EXPRESSION_BOOLEAN:
        return datum_boolean(expression->boolean);
    case SPEC_EXPRESSION_STRING: {
        const char *text = evaluate_template(evaluator, expression->text);
        return text ? datum_string(text) : datum_unknown;
    }
    case SPEC_EXPRESSION_NAME:
        return evaluate_name(evaluator, expression);
    case SPEC_EXPRESSION_LIST:
        return evaluate_list(evaluator, expression);
    case SPEC_EXPRESSION_TABLE:
        return evaluate_table(evaluator, expression);
    case SPEC_EXPRESSION_CALL:
        return evaluate_call(evaluator, expression, NULL, NULL);
    case SPEC_EXPRESSION_INDEX:
        return evaluate_index(evaluator, expression);
    case SPEC_EXPRESSION_UNARY:
        return evaluate_unary(evaluator, expression);
    case SPEC_EXPRESSION_BINARY:
        return evaluate_binary(evaluator, expression);
    case SPEC_EXPRESSION_CONDITIONAL:
        return evaluate_conditional(evaluator, expression);
    case SPEC_EXPRESSION_PIPE:
        return evaluate_pipe(evaluator, expression);
    case SPEC_EXPRESSION_AT:
        return evaluate_at(evaluator, expression);
    case SPEC_EXPRESSION_MEMBER:
        return complain(evaluator, expression->where, NULL,
            "'.%s' is for the matched ops of a rewrite", expression->name);
    case SPEC_EXPRESSION_ERROR:
    case SPEC_EXPRESSION_ENTRY:
    case SPEC_EXPRESSION_ARGUMENT:
    case SPEC_EXPRESSION_KIND_COUNT:
        break;
    }
    return datum_unknown;
}

Datum evaluate(Evaluator *evaluator, const SpecExpression *expression) {
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
