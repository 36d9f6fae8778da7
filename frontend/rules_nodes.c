/* The ops of rules: pipes and calls, as a network has them. */
#include "frontend/operations.h"
#include "frontend/rules.h"

#include <limits.h>
#include <string.h>

/* ---- operands ---- */

static bool read_node(RuleReader *reader, const SpecExpression *expression,
    const SpecExpression *label, const RuleOperand *piped, RuleOperand *result);

static bool read_named_operand(
    RuleReader *reader, const SpecExpression *expression, RuleOperand *operand) {
    int parameter = rule_parameter(reader, expression->name);
    int label = rule_label(reader, expression->name);
    *operand = parameter >= 0 ? (RuleOperand){-1, parameter} : (RuleOperand){label, 0};
    if (parameter >= 0 && !reader->in_result)
        reader->read[parameter] = true;
    if (parameter < 0 && label < 0)
        rule_complain(reader, expression->where,
            "tensors are the parameters of the rule, and labels behind an '@'",
            "'%s' is no tensor of the rule", expression->name);
    return parameter >= 0 || label >= 0;
}

static bool read_result_of(
    RuleReader *reader, const SpecExpression *expression, RuleOperand *operand) {
    if (!rule_read_operand(reader, expression->left, operand))
        return false;
    const SpecExpression *index = expression->right;
    bool good = operand->node >= 0 && index->kind == SPEC_EXPRESSION_INTEGER &&
                index->integer >= 0 && index->integer < INT_MAX;
    if (!good)
        rule_complain(reader, expression->where, "as in parts[1] of split(x, 2) @ parts",
            "only an op has results to choose from, by a plain number");
    operand->index = good ? (int)index->integer : 0;
    return good;
}

static bool read_pipe(RuleReader *reader, const SpecExpression *pipe, RuleOperand *operand) {
    if (!rule_read_operand(reader, pipe->left, operand))
        return false;
    for (int i = 0; i < pipe->items.count; i++) {
        const SpecExpression *stage = pipe->items.items[i];
        bool labelled = stage->kind == SPEC_EXPRESSION_AT;
        RuleOperand before = *operand;
        if (!read_node(
                reader, labelled ? stage->left : stage, labelled ? stage : NULL, &before, operand))
            return false;
    }
    return true;
}

bool rule_read_operand(RuleReader *reader, const SpecExpression *expression, RuleOperand *operand) {
    switch (expression->kind) {
    case SPEC_EXPRESSION_NAME:
        return read_named_operand(reader, expression, operand);
    case SPEC_EXPRESSION_INDEX:
        return read_result_of(reader, expression, operand);
    case SPEC_EXPRESSION_PIPE:
        return read_pipe(reader, expression, operand);
    case SPEC_EXPRESSION_CALL:
        return read_node(reader, expression, NULL, NULL, operand);
    case SPEC_EXPRESSION_AT:
        if (expression->left->kind == SPEC_EXPRESSION_CALL)
            return read_node(reader, expression->left, expression, NULL, operand);
        break;
    default:
        break;
    }
    rule_complain(reader, expression->where, "as in x |> conv(any) @ first |> relu",
        "a tensor of the rule is wanted: a parameter, an op or a label");
    return false;
}

/* ---- arguments ---- */

static bool is_operand(const RuleReader *reader, const SpecExpression *item) {
    if (item->kind == SPEC_EXPRESSION_NAME)
        return rule_parameter(reader, item->name) >= 0 || rule_label(reader, item->name) >= 0;
    return item->kind == SPEC_EXPRESSION_CALL || item->kind == SPEC_EXPRESSION_PIPE ||
           item->kind == SPEC_EXPRESSION_AT || item->kind == SPEC_EXPRESSION_INDEX;
}

static bool names_attribute(const RuleNode *node, const char *name) {
    const OpInfo *info = op_info(node->op);
    for (int i = 0; i < info->attribute_count; i++)
        if (strcmp(info->attributes[i].name, name) == 0)
            return true;
    return false;
}

static bool names_weight(const RuleNode *node, const char *name) {
    const OpInfo *info = op_info(node->op);
    for (int i = 0; i < info->weight_count; i++)
        if (strcmp(info->weights[i].name, name) == 0)
            return true;
    return false;
}

static const char *nearest_argument(const RuleReader *reader, OpKind op, const char *name) {
    const OpInfo *info = op_info(op);
    const char *names[MOST_KNOWN + MAX_OP_WEIGHTS];
    size_t count = 0;
    for (int i = 0; i < info->attribute_count && count < MOST_KNOWN; i++)
        names[count++] = info->attributes[i].name;
    for (int i = 0; i < info->weight_count; i++)
        names[count++] = info->weights[i].name;
    const char *closest = closest_word(name, names, count);
    return closest == NULL ? "'riffle ops' lists the attributes of each op"
                           : arena_format(reader->arena, "did you mean '%s'?", closest);
}

static bool read_like(RuleReader *reader, RuleNode *node, const SpecExpression *argument) {
    const SpecExpression *value = argument->right;
    bool named = value != NULL && value->kind == SPEC_EXPRESSION_NAME;
    int label = named ? rule_label(reader, value->name) : -1;
    bool good = reader->in_result && label >= 0 && label < reader->pattern_count &&
                reader->nodes[label].op == node->op && !reader->nodes[label].is_activation;
    if (!good)
        rule_complain(reader, argument->where, "as in conv(any) @ first => conv(like = first)",
            "'like' is for ops of the result, and names one of the pattern that is a %s, too",
            op_info(node->op)->name);
    node->like = good ? label : -1;
    return good;
}

static bool add_argument(RuleReader *reader, int index, const char *name,
    const SpecExpression *value, SourceRange where) {
    RuleNode *node = &reader->nodes[index];
    PendingArguments *pending = &reader->pending[index];
    bool size = rule_size(node->op, name) != RULE_SIZE_NONE;
    bool weight = names_weight(node, name);
    if (node->is_activation || !(names_attribute(node, name) || size || weight)) {
        rule_complain(reader, where,
            node->is_activation ? NULL : nearest_argument(reader, node->op, name),
            "%s has no argument '%s'", node->is_activation ? "activation" : op_info(node->op)->name,
            name);
        return false;
    }
    if (reader->in_result ? size : weight) {
        rule_complain(reader, where,
            size ? "give the weight: it says the sizes" : "as in 'where has(first.bias)'",
            "'%s' is no argument of an op %s", name, size ? "that is made" : "of a pattern");
        return false;
    }
    for (int i = 0; i < pending->count; i++) {
        if (strcmp(pending->arguments[i].name, name) != 0)
            continue;
        rule_complain(reader, where, NULL, "the argument '%s' stands twice", name);
        return false;
    }
    if (pending->count == MOST_RULE_ARGUMENTS) {
        rule_complain(
            reader, where, NULL, "an op of a rule has at most %d arguments", MOST_RULE_ARGUMENTS);
        return false;
    }
    bool binds = !reader->in_result && value->kind == SPEC_EXPRESSION_NAME &&
                 rule_parameter(reader, value->name) < 0 && rule_label(reader, value->name) < 0;
    if (binds && rule_variable(reader, value->name) < 0)
        rule_add_variable(reader, value->name, NULL, value->where);
    pending->values[pending->count] = value;
    pending->arguments[pending->count++].name = name;
    return true;
}

/* What stands behind the operands without a name. */
static const char *positional_name(const RuleNode *node, int position) {
    const char *names[MOST_POSITIONAL];
    int count = operation_positional(op_info(node->op)->name, names);
    return !node->is_activation && position < count ? names[position] : NULL;
}

static bool read_argument(
    RuleReader *reader, int index, const SpecExpression *item, int *position) {
    RuleNode *node = &reader->nodes[index];
    if (item->kind == SPEC_EXPRESSION_NAME && strcmp(item->name, "any") == 0) {
        if (reader->in_result)
            rule_complain(reader, item->where, NULL, "'any' is for ops of the pattern");
        return node->any = !reader->in_result;
    }
    if (item->kind == SPEC_EXPRESSION_ARGUMENT) {
        if (strcmp(item->name, "like") == 0)
            return read_like(reader, node, item);
        return add_argument(reader, index, item->name, item->right, item->name_where);
    }
    const char *name = positional_name(node, (*position)++);
    if (name != NULL)
        return add_argument(reader, index, name, item, item->where);
    rule_complain(reader, item->where, "arguments have names, as in conv(stride = 2)",
        "%s takes no argument here", node->is_activation ? "activation" : op_info(node->op)->name);
    return false;
}

/* ---- nodes ---- */

static const char *nearest_op(const RuleReader *reader, const char *name) {
    const char *names[OP_COUNT + 1] = {"activation"};
    for (int i = 0; i < OP_COUNT; i++)
        names[i + 1] = op_info((OpKind)i)->name;
    const char *closest = closest_word(name, names, OP_COUNT + 1);
    return closest == NULL ? "'riffle ops' lists the ops"
                           : arena_format(reader->arena, "did you mean '%s'?", closest);
}

static bool check_operand_count(
    RuleReader *reader, const RuleNode *node, int count, SourceRange where) {
    const OpInfo *info = op_info(node->op);
    int least = node->is_activation ? 1 : info->least_operands;
    int most = node->is_activation ? 1 : info->most_operands;
    if (count >= least && count <= most)
        return true;
    rule_complain(reader, where, NULL, "%s takes %s%d tensor%s, not %d",
        node->is_activation ? "activation" : info->name, least < most ? "at least " : "", least,
        least == 1 ? "" : "s", count);
    return false;
}

/* Attributes and weights that must be given, and were not. */
static bool check_complete(RuleReader *reader, int index, SourceRange where) {
    const RuleNode *node = &reader->nodes[index];
    const PendingArguments *pending = &reader->pending[index];
    const OpInfo *info = op_info(node->op);
    if (node->is_activation || node->any || node->like >= 0)
        return true;
    for (int i = 0; i < info->attribute_count + info->weight_count; i++) {
        bool weight = i >= info->attribute_count;
        const OpWeight *needed = &info->weights[i - info->attribute_count];
        const char *name = weight ? needed->name : info->attributes[i].name;
        bool must = weight ? reader->in_result && needed->required
                           : *info->attributes[i].default_text == '\0';
        int k = 0;
        while (k < pending->count && strcmp(pending->arguments[k].name, name) != 0)
            k++;
        if (!must || k < pending->count)
            continue;
        rule_complain(reader, where,
            reader->in_result ? NULL : "'any' stands for all arguments that are not named",
            "%s needs the argument '%s'", info->name, name);
        return false;
    }
    return true;
}

static bool set_label(RuleReader *reader, RuleNode *node, const SpecExpression *at) {
    const char *name = rule_literal(at->text);
    if (name == NULL || !is_name(name)) {
        rule_complain(reader, at->text->where, "as in conv(any) @ first",
            "behind '@' stands the name by which the rule knows the op");
        return false;
    }
    if (rule_label(reader, name) >= 0 || rule_parameter(reader, name) >= 0 ||
        rule_variable(reader, name) >= 0) {
        rule_complain(reader, at->text->where, NULL, "the name '%s' is taken", name);
        return false;
    }
    node->label = name;
    return true;
}

static bool find_op(RuleReader *reader, const SpecExpression *expression, RuleNode *node) {
    bool callable =
        expression->kind == SPEC_EXPRESSION_NAME || expression->kind == SPEC_EXPRESSION_CALL;
    if (!callable) {
        rule_complain(reader, expression->where, NULL, "an op is wanted here");
        return false;
    }
    node->is_activation = strcmp(expression->name, "activation") == 0;
    node->op = OP_relu; /* in place of any element-wise op */
    if (node->is_activation && reader->in_result) {
        rule_complain(reader, expression->where, "name an op, or give another its formula",
            "'activation' is for patterns");
        return false;
    }
    if (node->is_activation || op_find(expression->name, &node->op))
        return true;
    rule_complain(reader,
        expression->kind == SPEC_EXPRESSION_CALL ? expression->name_where : expression->where,
        nearest_op(reader, expression->name), "unknown op '%s'", expression->name);
    return false;
}

/* Operands of the call come before its node, so that nodes stand in topological order. */
static bool read_operands(RuleReader *reader, const SpecExpression *expression,
    const RuleOperand *piped, RuleNode *node) {
    int given = expression->kind == SPEC_EXPRESSION_CALL ? expression->items.count : 0;
    RuleOperand *operands = ARENA_ARRAY(reader->arena, RuleOperand, given + 1);
    if (piped != NULL)
        operands[node->operand_count++] = *piped;
    for (int i = 0; i < given; i++) {
        const SpecExpression *item = expression->items.items[i];
        if (is_operand(reader, item) &&
            !rule_read_operand(reader, item, &operands[node->operand_count++]))
            return false;
    }
    node->operands = operands;
    return true;
}

static bool read_node(RuleReader *reader, const SpecExpression *expression,
    const SpecExpression *label, const RuleOperand *piped, RuleOperand *result) {
    RuleNode node = {.where = expression->where, .like = -1};
    if (!find_op(reader, expression, &node) || !read_operands(reader, expression, piped, &node) ||
        !check_operand_count(reader, &node, node.operand_count, expression->where) ||
        (label != NULL && !set_label(reader, &node, label)))
        return false;
    if (reader->node_count == MOST_RULE_NODES) {
        rule_complain(
            reader, expression->where, NULL, "a rule has at most %d ops", MOST_RULE_NODES);
        return false;
    }
    int index = reader->node_count++, position = 0;
    reader->nodes[index] = node;
    reader->pending[index] = (PendingArguments){
        .arguments = ARENA_ARRAY(reader->arena, RuleArgument, MOST_RULE_ARGUMENTS)};
    int given = expression->kind == SPEC_EXPRESSION_CALL ? expression->items.count : 0;
    for (int i = 0; i < given; i++) {
        const SpecExpression *item = expression->items.items[i];
        if (!is_operand(reader, item) && !read_argument(reader, index, item, &position))
            return false;
    }
    *result = (RuleOperand){index, 0};
    return check_complete(reader, index, expression->where);
}

void rule_read_arguments(RuleReader *reader, int first) {
    for (int i = first; i < reader->node_count; i++) {
        PendingArguments *pending = &reader->pending[i];
        for (int k = 0; k < pending->count; k++)
            pending->arguments[k].value = rule_read_expression(reader, pending->values[k]);
        reader->nodes[i].arguments = pending->arguments;
        reader->nodes[i].argument_count = pending->count;
    }
}
