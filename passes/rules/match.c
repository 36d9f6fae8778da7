/* Where the pattern of a rule fits: first its ops, then its attributes and conditions. */
#include "passes/rules/match.h"
#include "passes/rewrite.h"

#include <string.h>

/* ---- what is asked ---- */

static const RuleExpression *argument_value(const RuleNode *node, const char *name) {
    for (int i = 0; i < node->argument_count; i++)
        if (strcmp(node->arguments[i].name, name) == 0)
            return node->arguments[i].value;
    return NULL;
}

/* Whether the value only gives its variable a value: each does so once. */
static bool binds(const Rule *rule, const RuleExpression *value, bool *bound) {
    bool first = value->kind == RULE_VARIABLE && rule->variables[value->index].value == NULL &&
                 !bound[value->index];
    if (first)
        bound[value->index] = true;
    return first;
}

static int add_node_checks(const Rule *rule, int index, bool *bound, RuleCheck *checks, int count) {
    const RuleNode *node = &rule->nodes[index];
    const OpInfo *info = op_info(node->op);
    for (int i = 0; i < info->attribute_count && !node->is_activation; i++) {
        const OpAttribute *attribute = &info->attributes[i];
        const RuleExpression *value = argument_value(node, attribute->name);
        if (value == NULL ? !node->any : !binds(rule, value, bound))
            checks[count++] = (RuleCheck){index, attribute, attribute->name, value, false};
    }
    for (int i = 0; i < node->argument_count; i++)
        if (rule_size(node->op, node->arguments[i].name) != RULE_SIZE_NONE &&
            !binds(rule, node->arguments[i].value, bound))
            checks[count++] =
                (RuleCheck){index, NULL, node->arguments[i].name, node->arguments[i].value, false};
    return count;
}

/* Whether the expression asks about an op of the result; `variables` says it of each name. */
static bool asks_about_result(
    const Rule *rule, const RuleExpression *expression, const bool *variables) {
    if (expression->kind == RULE_NODE || expression->kind == RULE_MEMBER)
        return expression->index >= rule->pattern_count;
    if (expression->kind == RULE_VARIABLE)
        return variables[expression->index];
    bool asks = false;
    for (int i = 0; i < expression->count; i++)
        asks = asks || asks_about_result(rule, expression->items[i], variables);
    return asks;
}

static void add_conditions(const Rule *rule, Arena *arena, RuleCheck *checks, int *count) {
    bool *variables = ARENA_ARRAY(arena, bool, rule->variable_count + 1);
    for (int i = 0; i < rule->variable_count; i++) /* each knows those before it */
        variables[i] = rule->variables[i].value != NULL &&
                       asks_about_result(rule, rule->variables[i].value, variables);
    for (int i = 0; i < rule->condition_count; i++)
        checks[(*count)++] = (RuleCheck){.node = -1,
            .expected = rule->conditions[i],
            .of_result = asks_about_result(rule, rule->conditions[i], variables)};
}

const RuleCheck *rule_checks(const Rule *rule, Arena *arena, int *count) {
    int most = rule->condition_count;
    for (int i = 0; i < rule->pattern_count; i++)
        most += op_info(rule->nodes[i].op)->attribute_count + rule->nodes[i].argument_count;
    RuleCheck *checks = ARENA_ARRAY(arena, RuleCheck, most + 1);
    bool *bound = ARENA_ARRAY(arena, bool, rule->variable_count + 1);
    *count = 0;
    for (int i = 0; i < rule->pattern_count; i++)
        *count = add_node_checks(rule, i, bound, checks, *count);
    add_conditions(rule, arena, checks, count);
    return checks;
}

SourceRange rule_check_place(const Rule *rule, const RuleCheck *check) {
    return check->expected != NULL ? check->expected->where : rule->nodes[check->node].where;
}

const char *rule_check_text(const Rule *rule, const RuleCheck *check, Arena *arena) {
    const char *text;
    int length;
    if (check->expected != NULL) {
        SourceRange where = check->expected->where;
        text = where.file->text + where.begin;
        length = (int)(where.end - where.begin);
    } else {
        text = check->attribute->default_text;
        length = (int)strlen(text);
    }
    if (check->node < 0)
        return arena_format(arena, "%.*s", length, text);
    const RuleNode *node = &rule->nodes[check->node];
    bool list = check->expected == NULL && check->attribute->kind == ATTRIBUTE_LIST;
    return arena_format(arena, "%s.%s == %s%.*s%s",
        node->label != NULL ? node->label : op_info(node->op)->name, check->name, list ? "[" : "",
        length, text, list ? "]" : "");
}

/* ---- ops ---- */

RuleMatch rule_match_create(
    const Rule *rule, const Graph *graph, Arena *arena, Diagnostics *diagnostics) {
    RuleMatch match = {
        .rule = rule,
        .graph = graph,
        .arena = arena,
        .diagnostics = diagnostics,
        .nodes = ARENA_ARRAY(arena, Node *, rule->pattern_count + 1),
        .parameters = ARENA_ARRAY(arena, Value *, rule->parameter_count + 1),
        .variables = ARENA_ARRAY(arena, RuleDatum, rule->variable_count + 1),
        .known = ARENA_ARRAY(arena, bool, rule->variable_count + 1),
        .ignored = -1,
        .room = -1,
    };
    match.checks = rule_checks(rule, arena, &match.check_count);
    return match;
}

static bool is_float(const Value *value) {
    return value->type.element == ELEMENT_F32;
}

/* Rules speak of float32 tensors and weights. */
static bool is_plain(const Node *node) {
    bool plain = true;
    for (int i = 0; i < node->operand_count; i++)
        plain = plain && is_float(node->operands[i]);
    for (int i = 0; i < node->result_count; i++)
        plain = plain && is_float(node->results[i]);
    for (int i = 0; i < MAX_OP_WEIGHTS; i++)
        plain =
            plain && (node->weights[i] == NULL || node->weights[i]->type.element == ELEMENT_F32);
    return plain;
}

static bool is_commutative(const RuleNode *node) {
    return !node->is_activation && (node->op == OP_add || node->op == OP_multiply ||
                                       node->op == OP_maximum || node->op == OP_minimum);
}

static bool fits(RuleMatch *match, int index, Node *node, unsigned swapped);

static bool operand_fits(RuleMatch *match, RuleOperand operand, Value *value, unsigned swapped) {
    if (operand.node < 0) {
        Value **parameter = &match->parameters[operand.index];
        if (*parameter == NULL)
            *parameter = value;
        return *parameter == value;
    }
    Node *producer = value->producer;
    return producer != NULL && operand.index < producer->result_count &&
           producer->results[operand.index] == value &&
           fits(match, operand.node, producer, swapped);
}

/* `swapped` has a bit for each node of the pattern whose two operands are tried the other way
 * round. */
static bool fits(RuleMatch *match, int index, Node *node, unsigned swapped) {
    const RuleNode *pattern = &match->rule->nodes[index];
    if (match->nodes[index] != NULL)
        return match->nodes[index] == node;
    bool right_op = pattern->is_activation ? is_activation(node) : node->op == pattern->op;
    if (!right_op || node->operand_count != pattern->operand_count || !is_plain(node))
        return false;
    match->nodes[index] = node;
    bool swap = index < 32 && (swapped >> index & 1) != 0;
    for (int i = 0; i < pattern->operand_count; i++)
        if (!operand_fits(match, pattern->operands[i], node->operands[swap ? 1 - i : i], swapped))
            return false;
    return true;
}

/* ---- attributes and conditions ---- */

static RuleDatum actual_value(RuleMatch *match, int node, const char *name) {
    return rule_member(match, &(RuleExpression){.kind = RULE_MEMBER, .index = node, .text = name});
}

static void bind_variables(RuleMatch *match) {
    memset(match->known, 0, (size_t)match->rule->variable_count * sizeof *match->known);
    for (int i = 0; i < match->rule->pattern_count; i++) {
        const RuleNode *node = &match->rule->nodes[i];
        for (int k = 0; k < node->argument_count; k++) {
            const RuleExpression *value = node->arguments[k].value;
            if (value->kind != RULE_VARIABLE || match->known[value->index] ||
                match->rule->variables[value->index].value != NULL)
                continue;
            match->variables[value->index] = actual_value(match, i, node->arguments[k].name);
            match->known[value->index] = true;
        }
    }
}

static bool default_holds(RuleMatch *match, const RuleCheck *check) {
    const Node *node = match->nodes[check->node];
    Attribute usual = op_attribute_default(check->attribute, match->arena);
    return op_attribute_equal(check->attribute->kind,
        &node->attributes[check->attribute - op_info(node->op)->attributes], &usual);
}

static bool check_holds(RuleMatch *match, const RuleCheck *check) {
    if (check->expected == NULL)
        return default_holds(match, check);
    RuleDatum expected = rule_evaluate(match, check->expected);
    if (expected.kind == RULE_DATUM_FAULT)
        return false;
    if (check->node >= 0)
        return rule_datum_equal(actual_value(match, check->node, check->name), expected);
    if (expected.kind == RULE_DATUM_BOOLEAN)
        return expected.boolean;
    rule_fault(match, check->expected, "a condition is true or false, not %s",
        rule_datum_describe(expected));
    return false;
}

/* A condition may rely on those before it, so the first that fails ends this. */
static bool checks_hold(RuleMatch *match, bool of_result) {
    for (int i = 0; i < match->check_count; i++) {
        if (match->checks[i].of_result != of_result)
            continue;
        bool holds = check_holds(match, &match->checks[i]);
        if (match->failed)
            return false;
        if (i == match->ignored)
            match->broken = !holds;
        else if (!holds) {
            match->miss = match->miss != NULL ? match->miss : &match->checks[i];
            return false;
        }
    }
    return true;
}

static bool conditions_hold(RuleMatch *match) {
    bind_variables(match);
    match->broken = false;
    return checks_hold(match, false);
}

bool rule_result_conditions_hold(RuleMatch *match) {
    return checks_hold(match, true);
}

/* ---- further roots ---- */

/* Who reads what an earlier root gives must come behind the last one, where the results will be. */
static bool readers_come_behind(const RuleMatch *match) {
    const Rule *rule = match->rule;
    int seen = 0;
    for (const Node *node = match->graph->first; node != NULL && seen < rule->root_count;
        node = node->next) {
        for (int r = 0; r < rule->root_count; r++) {
            const Node *root = match->nodes[rule->roots[r]];
            seen += root == node;
            for (int i = 0; i < node->operand_count; i++)
                if (node->operands[i]->producer == root && root != node)
                    return false;
        }
    }
    return true;
}

static bool roots_fit(RuleMatch *match, int count, Node *first, unsigned swapped) {
    const Rule *rule = match->rule;
    if (count == rule->root_count)
        return (rule->root_count == 1 || readers_come_behind(match)) && conditions_hold(match);
    Node *only = count == 0 ? first : NULL;
    Node **nodes = ARENA_ARRAY(match->arena, Node *, rule->pattern_count + 1);
    Value **parameters = ARENA_ARRAY(match->arena, Value *, rule->parameter_count + 1);
    memcpy(nodes, match->nodes, (size_t)rule->pattern_count * sizeof *nodes);
    memcpy(parameters, match->parameters, (size_t)rule->parameter_count * sizeof *parameters);
    for (Node *node = only != NULL ? only : match->graph->first; node != NULL && !match->failed;
        node = only != NULL ? NULL : node->next) {
        bool taken = false;
        for (int r = 0; r < count; r++)
            taken = taken || match->nodes[rule->roots[r]] == node;
        if (!taken && fits(match, rule->roots[count], node, swapped) &&
            roots_fit(match, count + 1, first, swapped))
            return true;
        memcpy(match->nodes, nodes, (size_t)rule->pattern_count * sizeof *nodes);
        memcpy(match->parameters, parameters, (size_t)rule->parameter_count * sizeof *parameters);
    }
    return false;
}

/* Each way of swapping the operands of what may be swapped, as long as it is few. */
bool rule_match(RuleMatch *match, Node *root) {
    enum { MOST_SWAPS = 6 };
    const Rule *rule = match->rule;
    int commutative[MOST_SWAPS], count = 0;
    for (int i = 0; i < rule->pattern_count && i < 32 && count < MOST_SWAPS; i++)
        if (is_commutative(&rule->nodes[i]))
            commutative[count++] = i;
    match->miss = NULL;
    match->failed = false;
    for (unsigned choice = 0; choice < 1u << count && !match->failed; choice++) {
        unsigned swapped = 0;
        for (int i = 0; i < count; i++)
            swapped |= (choice >> i & 1) << commutative[i];
        memset(match->nodes, 0, (size_t)rule->pattern_count * sizeof(Node *));
        memset(match->parameters, 0, (size_t)rule->parameter_count * sizeof(Value *));
        if (roots_fit(match, 0, root, swapped))
            return true;
    }
    return false;
}
