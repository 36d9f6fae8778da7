/* What the expressions of a rule are worth at a place of a graph. */
#include "ir/floor_division.h"
#include "passes/rules/match.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

RuleDatum rule_fault(RuleMatch *match, const RuleExpression *expression, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    diagnostics_report_arguments(
        match->diagnostics, SEVERITY_ERROR, expression->where, NULL, format, arguments);
    va_end(arguments);
    const Node *root = match->nodes[match->rule->roots[0]];
    if (!match->failed && root != NULL && root->where.file != NULL)
        diagnostics_report(match->diagnostics, SEVERITY_NOTE, root->where, NULL,
            "the rule '%s' is tried here", match->rule->name);
    match->failed = true;
    return (RuleDatum){.kind = RULE_DATUM_FAULT};
}

const char *rule_datum_describe(RuleDatum datum) {
    static const char *const words[] = {"a mistake", "a weight that is not there", "a whole number",
        "a number", "a truth value", "a string", "a list", "a weight", "a formula"};
    return words[datum.kind];
}

static bool is_number(RuleDatum datum) {
    return datum.kind == RULE_DATUM_INTEGER || datum.kind == RULE_DATUM_NUMBER;
}

static double as_number(RuleDatum datum) {
    return datum.kind == RULE_DATUM_INTEGER ? (double)datum.integer : datum.number;
}

/* ---- equality ---- */

static bool list_is_all(IntegerList list, RuleDatum number) {
    for (size_t i = 0; i < list.count; i++)
        if ((double)list.items[i] != as_number(number))
            return false;
    return list.count > 0;
}

static bool formula_is(const Formula *formula, const char *text) {
    Arena *scratch = arena_create();
    bool same = strcmp(formula_spelling(formula, scratch), text) == 0;
    arena_destroy(scratch);
    return same;
}

bool rule_datum_equal(RuleDatum a, RuleDatum b) {
    if (is_number(a) && is_number(b))
        return as_number(a) == as_number(b);
    if (a.kind == RULE_DATUM_LIST && is_number(b))
        return list_is_all(a.list, b);
    if (a.kind == RULE_DATUM_FORMULA && b.kind == RULE_DATUM_STRING)
        return formula_is(a.formula, b.text);
    if (b.kind != a.kind)
        return (b.kind == RULE_DATUM_LIST && is_number(a)) ||
                       (b.kind == RULE_DATUM_FORMULA && a.kind == RULE_DATUM_STRING)
                   ? rule_datum_equal(b, a)
                   : false;
    switch (a.kind) {
    case RULE_DATUM_BOOLEAN:
        return a.boolean == b.boolean;
    case RULE_DATUM_STRING:
        return strcmp(a.text, b.text) == 0;
    case RULE_DATUM_LIST:
        return op_attribute_equal(
            ATTRIBUTE_LIST, &(Attribute){.list = a.list}, &(Attribute){.list = b.list});
    case RULE_DATUM_FORMULA:
        return formula_equal(a.formula, b.formula);
    default:
        return a.kind == RULE_DATUM_NOTHING;
    }
}

/* ---- numbers, lists and truth ---- */

static RuleDatum whole_number(RuleMatch *match, const RuleExpression *call, int64_t a, int64_t b) {
    int64_t result = 0;
    bool overflows = false;
    bool divides = call->function == RULE_floor_divide || call->function == RULE_remainder;
    if (divides && b == 0)
        return rule_fault(match, call, "division by zero");
    switch (call->function) {
    case RULE_add:
        overflows = __builtin_add_overflow(a, b, &result);
        break;
    case RULE_subtract:
        overflows = __builtin_sub_overflow(a, b, &result);
        break;
    case RULE_multiply:
        overflows = __builtin_mul_overflow(a, b, &result);
        break;
    case RULE_floor_divide:
        overflows = floor_divide_overflow(a, b, &result);
        break;
    default:
        result = floor_remainder(a, b);
        break;
    }
    return overflows ? rule_fault(match, call, "the number is too large") : rule_integer(result);
}

static RuleDatum arithmetic(RuleMatch *match, const RuleExpression *call, const RuleDatum *items) {
    bool whole = items[0].kind == RULE_DATUM_INTEGER &&
                 (call->count == 1 || items[1].kind == RULE_DATUM_INTEGER);
    bool divides = call->function == RULE_floor_divide || call->function == RULE_remainder;
    if (whole && call->function == RULE_negate)
        return items[0].integer == INT64_MIN ? rule_fault(match, call, "the number is too large")
                                             : rule_integer(-items[0].integer);
    if (whole && call->function != RULE_divide && call->function != RULE_sqrt)
        return whole_number(match, call, items[0].integer, items[1].integer);
    if (divides)
        return rule_fault(match, call, "this takes whole numbers");
    RuleDatum result = rule_tensor_call(match, call, items);
    bool plain = result.kind == RULE_DATUM_TENSOR && result.tensor.rank == 0;
    return plain ? (RuleDatum){.kind = RULE_DATUM_NUMBER,
                       .number = *(double *)result.tensor.numbers[NUMBERS_FLOAT]}
                 : result;
}

static RuleDatum compare(RuleMatch *match, const RuleExpression *call, const RuleDatum *items) {
    if (call->function == RULE_equal || call->function == RULE_not_equal)
        return rule_boolean(rule_datum_equal(items[0], items[1]) == (call->function == RULE_equal));
    if (!is_number(items[0]) || !is_number(items[1]))
        return rule_fault(match, call, "'<' and the like compare numbers");
    double a = as_number(items[0]), b = as_number(items[1]);
    switch (call->function) {
    case RULE_less:
        return rule_boolean(a < b);
    case RULE_less_equal:
        return rule_boolean(a <= b);
    case RULE_greater:
        return rule_boolean(a > b);
    default:
        return rule_boolean(a >= b);
    }
}

static RuleDatum list_extreme(RuleMatch *match, const RuleExpression *call, IntegerList list) {
    if (list.count == 0)
        return rule_fault(match, call, "the list is empty");
    int64_t found = list.items[0];
    for (size_t i = 1; i < list.count; i++)
        if (call->function == RULE_least ? list.items[i] < found : list.items[i] > found)
            found = list.items[i];
    return rule_integer(found);
}

static RuleDatum list_product(RuleMatch *match, const RuleExpression *call, IntegerList list) {
    int64_t product = 1;
    for (size_t i = 0; i < list.count; i++)
        if (__builtin_mul_overflow(product, list.items[i], &product))
            return rule_fault(match, call, "the number is too large");
    return rule_integer(product);
}

static RuleDatum list_index(RuleMatch *match, const RuleExpression *call, const RuleDatum *items) {
    IntegerList list = items[0].list;
    if (items[1].kind != RULE_DATUM_INTEGER)
        return rule_fault(match, call, "a list is indexed by a whole number");
    if (items[1].integer < 0 || items[1].integer >= (int64_t)list.count)
        return rule_fault(match, call, "the list has no item %lld", (long long)items[1].integer);
    return rule_integer(list.items[items[1].integer]);
}

/* plus, minus */
static RuleDatum list_pairs(
    RuleMatch *match, const RuleExpression *call, IntegerList a, IntegerList b) {
    if (a.count != b.count)
        return rule_fault(match, call, "the lists are not equally long");
    int64_t *items = ARENA_ARRAY(match->arena, int64_t, a.count + 1);
    bool overflows = false;
    for (size_t i = 0; i < a.count; i++)
        overflows = (call->function == RULE_plus
                            ? __builtin_add_overflow(a.items[i], b.items[i], &items[i])
                            : __builtin_sub_overflow(a.items[i], b.items[i], &items[i])) ||
                    overflows;
    return overflows ? rule_fault(match, call, "the number is too large")
                     : (RuleDatum){.kind = RULE_DATUM_LIST, .list = {items, a.count}};
}

static RuleDatum list_call(RuleMatch *match, const RuleExpression *call, const RuleDatum *items) {
    bool pairs = call->function == RULE_plus || call->function == RULE_minus;
    int which = call->function == RULE_in ? 1 : 0;
    if (items[which].kind != RULE_DATUM_LIST || (pairs && items[1].kind != RULE_DATUM_LIST))
        return rule_fault(
            match, call, "a list is wanted, not %s", rule_datum_describe(items[which]));
    IntegerList list = items[which].list;
    switch (call->function) {
    case RULE_in:
        for (size_t i = 0; i < list.count; i++)
            if (rule_datum_equal(items[0], rule_integer(list.items[i])))
                return rule_boolean(true);
        return rule_boolean(false);
    case RULE_index:
        return list_index(match, call, items);
    case RULE_count:
        return rule_integer((int64_t)list.count);
    case RULE_product:
        return list_product(match, call, list);
    case RULE_least:
    case RULE_most:
        return list_extreme(match, call, list);
    default:
        return list_pairs(match, call, list, items[1].list);
    }
}

static RuleDatum count_terms(RuleMatch *match, const RuleExpression *call, const RuleDatum *items) {
    return items[0].kind == RULE_DATUM_FORMULA
               ? rule_integer(items[0].formula == NULL ? 0 : formula_size(items[0].formula))
               : rule_fault(match, call, "'terms' takes a formula");
}

static RuleDatum follow(RuleMatch *match, const RuleExpression *call, const RuleDatum *items) {
    if (items[0].kind != RULE_DATUM_FORMULA || items[1].kind != RULE_DATUM_FORMULA)
        return rule_fault(match, call, "'follow' takes two formulas");
    const Formula *formula = items[1].formula == NULL ? items[0].formula
                                                      : formula_compose(match->arena,
                                                            items[1].formula, items[0].formula);
    return (RuleDatum){.kind = RULE_DATUM_FORMULA, .formula = formula};
}

/* ---- expressions ---- */

static bool truth(RuleMatch *match, const RuleExpression *expression, bool *value) {
    RuleDatum datum = rule_evaluate(match, expression);
    if (datum.kind != RULE_DATUM_BOOLEAN && datum.kind != RULE_DATUM_FAULT)
        rule_fault(
            match, expression, "this is %s, neither true nor false", rule_datum_describe(datum));
    *value = datum.kind == RULE_DATUM_BOOLEAN && datum.boolean;
    return datum.kind == RULE_DATUM_BOOLEAN;
}

/* The right side is left alone where the left one decides. */
static RuleDatum logic(RuleMatch *match, const RuleExpression *call) {
    bool value;
    if (!truth(match, call->items[0], &value))
        return (RuleDatum){.kind = RULE_DATUM_FAULT};
    if (call->function == RULE_not)
        return rule_boolean(!value);
    if (value == (call->function == RULE_or))
        return rule_boolean(value);
    return truth(match, call->items[1], &value) ? rule_boolean(value)
                                                : (RuleDatum){.kind = RULE_DATUM_FAULT};
}

static RuleDatum call_function(RuleMatch *match, const RuleExpression *call) {
    RuleDatum items[2] = {{.kind = RULE_DATUM_NOTHING}};
    for (int i = 0; i < call->count; i++) {
        items[i] = rule_evaluate(match, call->items[i]);
        if (items[i].kind == RULE_DATUM_FAULT)
            return items[i];
    }
    switch (call->function) {
    case RULE_equal:
    case RULE_not_equal:
    case RULE_less:
    case RULE_less_equal:
    case RULE_greater:
    case RULE_greater_equal:
        return compare(match, call, items);
    case RULE_in:
    case RULE_index:
    case RULE_count:
    case RULE_product:
    case RULE_least:
    case RULE_most:
    case RULE_plus:
    case RULE_minus:
        return list_call(match, call, items);
    case RULE_range:
    case RULE_through:
    case RULE_inverse:
    case RULE_is_order:
    case RULE_shuffled:
        return rule_order_call(match, call, items);
    case RULE_follow:
        return follow(match, call, items);
    case RULE_terms:
        return count_terms(match, call, items);
    case RULE_add:
    case RULE_subtract:
    case RULE_multiply:
    case RULE_divide:
    case RULE_floor_divide:
    case RULE_remainder:
    case RULE_negate:
    case RULE_sqrt:
        return arithmetic(match, call, items);
    default:
        return rule_tensor_call(match, call, items);
    }
}

static RuleDatum worth_of_call(RuleMatch *match, const RuleExpression *call) {
    switch (call->function) {
    case RULE_or:
    case RULE_and:
    case RULE_not:
        return logic(match, call);
    case RULE_users:
    case RULE_channels:
    case RULE_dims:
    case RULE_rank:
    case RULE_has:
    case RULE_keeps:
    case RULE_formula:
    case RULE_macs:
    case RULE_bytes:
        return rule_ask(match, call);
    default:
        return call_function(match, call);
    }
}

static RuleDatum worth_of_list(RuleMatch *match, const RuleExpression *list) {
    int64_t *items = ARENA_ARRAY(match->arena, int64_t, list->count + 1);
    for (int i = 0; i < list->count; i++) {
        RuleDatum item = rule_evaluate(match, list->items[i]);
        if (item.kind == RULE_DATUM_FAULT)
            return item;
        if (item.kind != RULE_DATUM_INTEGER)
            return rule_fault(match, list->items[i], "a list of a rule holds whole numbers");
        items[i] = item.integer;
    }
    return (RuleDatum){.kind = RULE_DATUM_LIST, .list = {items, (size_t)list->count}};
}

/* A `let` is worth the same however often it is asked. */
static RuleDatum worth_of_variable(RuleMatch *match, int index) {
    const RuleExpression *value = match->rule->variables[index].value;
    if (!match->known[index] && value == NULL)
        return (RuleDatum){.kind = RULE_DATUM_FAULT};
    if (!match->known[index]) {
        match->variables[index] = rule_evaluate(match, value);
        match->known[index] = true;
    }
    return match->variables[index];
}

RuleDatum rule_evaluate(RuleMatch *match, const RuleExpression *expression) {
    bool chosen;
    switch (expression->kind) {
    case RULE_INTEGER:
        return rule_integer(expression->integer);
    case RULE_NUMBER:
        return (RuleDatum){.kind = RULE_DATUM_NUMBER, .number = expression->number};
    case RULE_BOOLEAN:
        return rule_boolean(expression->boolean);
    case RULE_STRING:
        return (RuleDatum){.kind = RULE_DATUM_STRING, .text = expression->text};
    case RULE_LIST:
        return worth_of_list(match, expression);
    case RULE_VARIABLE:
        return worth_of_variable(match, expression->index);
    case RULE_PARAMETER:
    case RULE_NODE:
        return rule_fault(match, expression,
            "a tensor is known when the network runs: functions "
            "like 'channels' ask about it");
    case RULE_MEMBER:
        return rule_member(match, expression);
    case RULE_CALL:
        return worth_of_call(match, expression);
    case RULE_CHOICE:
        if (!truth(match, expression->items[0], &chosen))
            return (RuleDatum){.kind = RULE_DATUM_FAULT};
        return rule_evaluate(match, expression->items[chosen ? 1 : 2]);
    }
    return (RuleDatum){.kind = RULE_DATUM_FAULT};
}
