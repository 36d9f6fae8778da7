/* Conditions, attributes and weights of rules: expressions of the language over what was matched.
 */
#include "frontend/rules.h"

#include <string.h>

const char *rule_literal(const Template *text) {
    if (text->count == 0)
        return "";
    return text->count == 1 ? text->parts[0].text : NULL;
}

static RuleExpression *make(
    RuleReader *reader, RuleExpressionKind kind, const SpecExpression *expression) {
    RuleExpression *made = ARENA_NEW(reader->arena, RuleExpression);
    made->kind = kind;
    made->where = expression->where;
    return made;
}

/* Gives the expression what it is made of; NULL when that has a mistake. */
static const RuleExpression *with_items(
    RuleReader *reader, RuleExpression *made, SpecExpression *const *items, int count) {
    bool good = true;
    made->items = ARENA_ARRAY(reader->arena, const RuleExpression *, count + 1);
    made->count = count;
    for (int i = 0; i < count; i++) {
        made->items[i] = rule_read_expression(reader, items[i]);
        good = good && made->items[i] != NULL;
    }
    return good ? made : NULL;
}

/* ---- names ---- */

static const RuleExpression *read_string(RuleReader *reader, const SpecExpression *expression) {
    RuleExpression *made = make(reader, RULE_STRING, expression);
    made->text = rule_literal(expression->text);
    if (made->text == NULL)
        rule_complain(reader, expression->where, NULL, "a string of a rule is plain text");
    return made->text != NULL ? made : NULL;
}

static const char *nearest_known_name(const RuleReader *reader, const char *name) {
    const char *names[3 * MOST_RULE_NAMES];
    size_t count = 0;
    for (int i = 0; i < reader->variable_count; i++)
        names[count++] = reader->variables[i].name;
    for (int i = 0; i < reader->parameter_count; i++)
        names[count++] = reader->parameters[i];
    for (int i = 0; i < reader->node_count; i++)
        if (reader->nodes[i].label != NULL)
            names[count++] = reader->nodes[i].label;
    const char *closest = closest_word(name, names, count);
    return closest == NULL ? "a rule knows its parameters, names that attributes of its pattern "
                             "are bound to, labels behind an '@', and names made with 'let'"
                           : arena_format(reader->arena, "did you mean '%s'?", closest);
}

static const RuleExpression *read_name(RuleReader *reader, const SpecExpression *expression) {
    const char *name = expression->name;
    int variable = rule_variable(reader, name), parameter = rule_parameter(reader, name);
    int label = rule_label(reader, name);
    if (variable < 0 && parameter < 0 && label < 0) {
        rule_complain(
            reader, expression->where, nearest_known_name(reader, name), "unknown name '%s'", name);
        return NULL;
    }
    RuleExpressionKind kind = variable >= 0    ? RULE_VARIABLE
                              : parameter >= 0 ? RULE_PARAMETER
                                               : RULE_NODE;
    RuleExpression *made = make(reader, kind, expression);
    made->index = variable >= 0 ? variable : parameter >= 0 ? parameter : label;
    return made;
}

static bool has_member(const RuleNode *node, const char *name) {
    const OpInfo *info = op_info(node->op);
    if (node->is_activation)
        return false;
    for (int i = 0; i < info->attribute_count; i++)
        if (strcmp(info->attributes[i].name, name) == 0)
            return true;
    for (int i = 0; i < info->weight_count; i++)
        if (strcmp(info->weights[i].name, name) == 0)
            return true;
    return rule_size(node->op, name) != RULE_SIZE_NONE;
}

static const RuleExpression *read_member(RuleReader *reader, const SpecExpression *expression) {
    const SpecExpression *left = expression->left;
    int label = left->kind == SPEC_EXPRESSION_NAME ? rule_label(reader, left->name) : -1;
    if (label < 0 || label >= reader->pattern_count) {
        rule_complain(reader, left->where, "as in conv(any) @ first and then first.weight",
            "a '.' stands behind the label of an op of the pattern");
        return NULL;
    }
    const RuleNode *node = &reader->nodes[label];
    if (!has_member(node, expression->name)) {
        const char *op = node->is_activation ? "activation" : op_info(node->op)->name;
        rule_complain(reader, expression->name_where, "'riffle ops' lists those of each op",
            "%s has no attribute or weight '%s'", op, expression->name);
        return NULL;
    }
    RuleExpression *made = make(reader, RULE_MEMBER, expression);
    made->index = label;
    made->text = expression->name;
    return made;
}

/* ---- functions ---- */

static const char *nearest_function(const RuleReader *reader, const char *name) {
    const char *names[RULE_FUNCTION_COUNT];
    size_t count = 0;
    for (int i = 0; i < RULE_FUNCTION_COUNT; i++)
        if (!rule_function_info((RuleFunction)i)->is_operator)
            names[count++] = rule_function_info((RuleFunction)i)->name;
    const char *closest = closest_word(name, names, count);
    return closest == NULL ? NULL : arena_format(reader->arena, "did you mean '%s'?", closest);
}

static const RuleExpression *read_call(RuleReader *reader, const SpecExpression *expression) {
    RuleFunction function;
    if (!rule_function_find(expression->name, false, &function)) {
        rule_complain(reader, expression->name_where, nearest_function(reader, expression->name),
            "rules have no function '%s'", expression->name);
        return NULL;
    }
    const RuleFunctionInfo *info = rule_function_info(function);
    int count = expression->items.count;
    for (int i = 0; i < count; i++) {
        if (expression->items.items[i]->kind != SPEC_EXPRESSION_ARGUMENT)
            continue;
        rule_complain(reader, expression->items.items[i]->where, NULL,
            "arguments of '%s' have no names", info->name);
        return NULL;
    }
    if (count < info->least || count > info->most) {
        rule_complain(reader, expression->where, info->summary, "'%s' takes %d argument%s, not %d",
            info->name, info->least, info->least == 1 ? "" : "s", count);
        return NULL;
    }
    RuleExpression *made = make(reader, RULE_CALL, expression);
    made->function = function;
    return with_items(reader, made, expression->items.items, count);
}

static const RuleExpression *read_operator(RuleReader *reader, const SpecExpression *expression) {
    bool indexes = expression->kind == SPEC_EXPRESSION_INDEX;
    const char *word = indexes ? "index" : operator_word(expression->operation);
    RuleExpression *made = make(reader, RULE_CALL, expression);
    if (!rule_function_find(word, true, &made->function)) {
        rule_complain(reader, expression->where, NULL, "rules have no operator '%s'",
            operator_spelling(expression->operation));
        return NULL;
    }
    SpecExpression *items[] = {expression->left, expression->right};
    return with_items(reader, made, items, expression->kind == SPEC_EXPRESSION_UNARY ? 1 : 2);
}

static const RuleExpression *read_choice(RuleReader *reader, const SpecExpression *expression) {
    SpecExpression *items[] = {expression->condition, expression->left, expression->right};
    return with_items(reader, make(reader, RULE_CHOICE, expression), items, 3);
}

const RuleExpression *rule_read_expression(RuleReader *reader, const SpecExpression *expression) {
    RuleExpression *made;
    switch (expression->kind) {
    case SPEC_EXPRESSION_INTEGER:
        made = make(reader, RULE_INTEGER, expression);
        made->integer = expression->integer;
        return made;
    case SPEC_EXPRESSION_NUMBER:
        made = make(reader, RULE_NUMBER, expression);
        made->number = expression->number;
        return made;
    case SPEC_EXPRESSION_BOOLEAN:
        made = make(reader, RULE_BOOLEAN, expression);
        made->boolean = expression->boolean;
        return made;
    case SPEC_EXPRESSION_STRING:
        return read_string(reader, expression);
    case SPEC_EXPRESSION_LIST:
        return with_items(reader, make(reader, RULE_LIST, expression), expression->items.items,
            expression->items.count);
    case SPEC_EXPRESSION_NAME:
        return read_name(reader, expression);
    case SPEC_EXPRESSION_MEMBER:
        return read_member(reader, expression);
    case SPEC_EXPRESSION_CALL:
        return read_call(reader, expression);
    case SPEC_EXPRESSION_INDEX:
    case SPEC_EXPRESSION_UNARY:
    case SPEC_EXPRESSION_BINARY:
        return read_operator(reader, expression);
    case SPEC_EXPRESSION_CONDITIONAL:
        return read_choice(reader, expression);
    case SPEC_EXPRESSION_TABLE:
    case SPEC_EXPRESSION_ENTRY:
    case SPEC_EXPRESSION_ARGUMENT:
    case SPEC_EXPRESSION_PIPE:
    case SPEC_EXPRESSION_AT:
        rule_complain(reader, expression->where, NULL,
            "a number, a list, a weight or a condition is wanted here");
        return NULL;
    case SPEC_EXPRESSION_ERROR: /* was reported */
    case SPEC_EXPRESSION_KIND_COUNT:
        break;
    }
    reader->failed = true;
    return NULL;
}
