/* What a rule asks of the graph: attributes, weights, shapes, uses. */
#include "ir/pair_degree.h"
#include "passes/rewrite.h"
#include "passes/rules/tensor_numbers.h"

#include <string.h>

/* ---- members ---- */

RuleDatum rule_attribute_datum(AttributeKind kind, const char *name, const Attribute *attribute) {
    switch (kind) {
    case ATTRIBUTE_INTEGER:
        return rule_integer(attribute->integer);
    case ATTRIBUTE_NUMBER:
        return (RuleDatum){.kind = RULE_DATUM_NUMBER, .number = attribute->number};
    case ATTRIBUTE_FLAG:
        return rule_boolean(attribute->flag);
    case ATTRIBUTE_CHOICE:
        return (RuleDatum){
            .kind = RULE_DATUM_STRING, .text = choice_words(name)[attribute->integer]};
    case ATTRIBUTE_LIST:
        return (RuleDatum){.kind = RULE_DATUM_LIST, .list = attribute->list};
    case ATTRIBUTE_FORMULA:
        return (RuleDatum){.kind = RULE_DATUM_FORMULA, .formula = attribute->formula};
    }
    return (RuleDatum){.kind = RULE_DATUM_NOTHING};
}

static RuleDatum weight_datum(RuleMatch *match, const RuleExpression *member, Weight *weight) {
    if (weight == NULL)
        return (RuleDatum){.kind = RULE_DATUM_NOTHING};
    RuleTensor tensor = {
        .rank = weight->type.rank, .weight = weight, .degree = weight_degree(weight)};
    memcpy(tensor.dims, weight->type.dims, sizeof tensor.dims);
    int64_t elements = tensor_elements(&weight->type);
    if (!rule_take_room(match, member, elements))
        return (RuleDatum){.kind = RULE_DATUM_FAULT};
    for (NumberKind kind = NUMBERS_FLOAT; kind < NUMBER_KIND_COUNT; kind++) {
        const void *numbers = weight_kind_numbers(weight, kind);
        if (numbers == NULL)
            continue;
        tensor.numbers[kind] =
            arena_allocate_array(match->arena, (size_t)elements, number_kind_size(kind));
        tensor_arithmetic(kind)->of_weight(numbers, elements, tensor.numbers[kind]);
    }
    return (RuleDatum){.kind = RULE_DATUM_TENSOR, .tensor = tensor};
}

static RuleDatum size_datum(RuleSize size, const Node *node) {
    if (size == RULE_SIZE_CHANNELS)
        return rule_integer(node->results[0]->type.dims[1]);
    IntegerList kernel = {node->weights[0]->type.dims + 2, 2};
    return (RuleDatum){.kind = RULE_DATUM_LIST, .list = kernel};
}

RuleDatum rule_member(RuleMatch *match, const RuleExpression *member) {
    const Node *node = match->nodes[member->index];
    if (node == NULL) /* a graph is being made for the rule, in which it is not yet */
        return (RuleDatum){.kind = RULE_DATUM_FAULT};
    const OpInfo *info = op_info(node->op);
    for (int i = 0; i < info->attribute_count; i++)
        if (strcmp(info->attributes[i].name, member->text) == 0)
            return rule_attribute_datum(
                info->attributes[i].kind, member->text, &node->attributes[i]);
    for (int i = 0; i < info->weight_count; i++)
        if (strcmp(info->weights[i].name, member->text) == 0)
            return weight_datum(match, member, node->weights[i]);
    return size_datum(rule_size(node->op, member->text), node);
}

/* ---- questions about the graph ---- */

/* The op that a label names; NULL where it is not there, or not yet. */
static const Node *node_of(const RuleMatch *match, const RuleExpression *expression) {
    int made = expression->index - match->rule->pattern_count;
    if (expression->kind != RULE_NODE)
        return NULL;
    return made < 0              ? match->nodes[expression->index]
           : match->made != NULL ? match->made[made]
                                 : NULL;
}

static const Value *value_of(RuleMatch *match, const RuleExpression *expression) {
    if (expression->kind == RULE_PARAMETER)
        return match->parameters[expression->index];
    const Node *node = node_of(match, expression);
    return node != NULL && node->result_count > 0 ? node->results[0] : NULL;
}

/* The weight that a member names; false where it is no weight. */
static bool weight_of(RuleMatch *match, const RuleExpression *expression, const Weight **weight) {
    if (expression->kind != RULE_MEMBER || match->nodes[expression->index] == NULL)
        return false;
    const Node *node = match->nodes[expression->index];
    const OpInfo *info = op_info(node->op);
    for (int i = 0; i < info->weight_count; i++) {
        *weight = node->weights[i];
        if (strcmp(info->weights[i].name, expression->text) == 0)
            return true;
    }
    return false;
}

static RuleDatum ask_shape(RuleMatch *match, const RuleExpression *call) {
    const Value *value = value_of(match, call->items[0]);
    const Weight *weight = NULL;
    bool of_weight = value == NULL && weight_of(match, call->items[0], &weight) && weight != NULL;
    if (value == NULL && (!of_weight || call->function == RULE_channels))
        return rule_fault(match, call, "'%s' takes a tensor%s of the rule",
            rule_function_info(call->function)->name,
            call->function == RULE_channels ? "" : " or a weight");
    const TensorType *type = value != NULL ? &value->type : &weight->type;
    if (call->function == RULE_rank)
        return rule_integer(type->rank);
    if (call->function == RULE_channels)
        return rule_integer(tensor_channels(type));
    return (RuleDatum){.kind = RULE_DATUM_LIST, .list = {type->dims, (size_t)type->rank}};
}

static RuleDatum ask_activation(RuleMatch *match, const RuleExpression *call) {
    const RuleExpression *item = call->items[0];
    bool labelled = item->kind == RULE_NODE && item->index < match->rule->pattern_count;
    const Node *node = labelled ? match->nodes[item->index] : NULL;
    if (node == NULL || !is_activation(node))
        return rule_fault(match, call, "'%s' takes the label of an activation",
            rule_function_info(call->function)->name);
    if (call->function == RULE_keeps)
        return rule_boolean(activation_keeps(node, node->operands[0]));
    return (RuleDatum){.kind = RULE_DATUM_FORMULA, .formula = node_formula(node, match->arena)};
}

static RuleDatum ask_cost(RuleMatch *match, const RuleExpression *call) {
    const Node *node = node_of(match, call->items[0]);
    if (node == NULL || node->result_count == 0 || node->results[0] == NULL)
        return rule_fault(
            match, call, "'%s' takes the label of an op", rule_function_info(call->function)->name);
    return rule_integer(call->function == RULE_macs ? node_macs(node) : node_bytes(node));
}

RuleDatum rule_ask(RuleMatch *match, const RuleExpression *call) {
    const Value *value;
    const Weight *weight;
    switch (call->function) {
    case RULE_users:
        value = value_of(match, call->items[0]);
        return value != NULL ? rule_integer(graph_use_count(match->graph, value))
                             : rule_fault(match, call, "'users' takes a tensor of the rule");
    case RULE_has:
        return weight_of(match, call->items[0], &weight)
                   ? rule_boolean(weight != NULL)
                   : rule_fault(match, call, "'has' takes a weight, as in has(first.bias)");
    case RULE_keeps:
    case RULE_formula:
        return ask_activation(match, call);
    case RULE_macs:
    case RULE_bytes:
        return ask_cost(match, call);
    default:
        return ask_shape(match, call);
    }
}
