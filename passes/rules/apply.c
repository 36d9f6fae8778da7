/* What takes the place of a match: its nodes are made beside the graph, so that all that can be
 * wrong with them is known before anything is changed. */
#include "passes/rules/apply.h"
#include "passes/rewrite.h"
#include "passes/rules/tensor_numbers.h"

#include <math.h>
#include <string.h>

/* ---- weights ---- */

/* The shape of a weight that is to be computed; its numbers come when all is known to be right. */
static Weight *planned_weight(RuleEdit *edit, const char *path, const RuleTensor *tensor) {
    Weight *weight = ARENA_NEW(edit->match->arena, Weight);
    weight->path = path;
    weight->type = tensor_type(tensor->rank, tensor->dims);
    return weight;
}

static bool set_weight(RuleEdit *edit, int made, int weight, const RuleArgument *argument) {
    RuleMatch *match = edit->match;
    const RuleNode *pattern = &match->rule->nodes[match->rule->pattern_count + made];
    const OpWeight *info = &op_info(pattern->op)->weights[weight];
    Node *node = edit->made[made];
    RuleDatum datum = rule_evaluate(match, argument->value);
    if (datum.kind == RULE_DATUM_FAULT)
        return false;
    if (datum.kind == RULE_DATUM_NOTHING && !info->required) {
        node->weights[weight] = NULL;
        return true;
    }
    if (datum.kind != RULE_DATUM_TENSOR) {
        rule_fault(match, argument->value, "the weight '%s' is %s", info->name,
            rule_datum_describe(datum));
        return false;
    }
    if (datum.tensor.weight != NULL) { /* as it is: nothing to compute */
        node->weights[weight] = datum.tensor.weight;
        return true;
    }
    const Node *like = pattern->like >= 0 ? match->nodes[pattern->like] : edit->position;
    const char *path =
        pattern->like >= 0 && like->weights[weight] != NULL
            ? like->weights[weight]->path
            : arena_format(edit->graph->arena, "%s.%s", weight_stem(edit->graph, like), info->name);
    edit->weights[made * MAX_OP_WEIGHTS + weight] = datum;
    node->weights[weight] = planned_weight(edit, path, &datum.tensor);
    return true;
}

static bool fill_weight(RuleEdit *edit, Weight *weight, const RuleTensor *tensor) {
    int64_t elements = tensor_elements(&weight->type);
    for (NumberKind kind = NUMBERS_FLOAT; kind < NUMBER_KIND_COUNT; kind++)
        if (tensor->numbers[kind] != NULL)
            tensor_arithmetic(kind)->to_weight(tensor->numbers[kind], elements,
                weight_allocate_numbers(edit->graph, weight, kind));
    weight->degree = tensor->degree;
    bool finite = true;
    for (int64_t i = 0; weight->data != NULL && i < elements; i++)
        finite = finite && isfinite(weight->data[i]);
    weight_rest(weight);
    return finite;
}

static bool commit_weights(RuleEdit *edit, int made) {
    Node *node = edit->made[made];
    const Rule *rule = edit->match->rule;
    for (int i = 0; i < MAX_OP_WEIGHTS; i++) {
        const RuleDatum *datum = &edit->weights[made * MAX_OP_WEIGHTS + i];
        if (datum->kind != RULE_DATUM_TENSOR || node->weights[i] == NULL)
            continue;
        node->weights[i] = graph_add_computed_weight(
            edit->graph, node->weights[i]->path, node->weights[i]->type, NULL);
        if (fill_weight(edit, node->weights[i], &datum->tensor))
            continue;
        diagnostics_report(edit->match->diagnostics, SEVERITY_ERROR,
            rule->nodes[rule->pattern_count + made].where,
            "a square root of a negative number, or a division by zero, gives none",
            "the rule '%s' makes a weight '%s' that holds what is no number", rule->name,
            node->weights[i]->path);
        return false;
    }
    return true;
}

/* ---- nodes ---- */

static Value *operand_value(const RuleEdit *edit, RuleOperand operand) {
    const RuleMatch *match = edit->match;
    if (operand.node < 0)
        return match->parameters[operand.index];
    bool matched = operand.node < match->rule->pattern_count;
    const Node *node = matched ? match->nodes[operand.node]
                               : edit->made[operand.node - match->rule->pattern_count];
    return operand.index < node->result_count ? node->results[operand.index] : NULL;
}

static bool set_argument(RuleEdit *edit, int made, const RuleArgument *argument) {
    Node *node = edit->made[made];
    const OpInfo *info = op_info(node->op);
    for (int i = 0; i < info->weight_count; i++)
        if (strcmp(info->weights[i].name, argument->name) == 0)
            return set_weight(edit, made, i, argument);
    int attribute = 0;
    while (strcmp(info->attributes[attribute].name, argument->name) != 0)
        attribute++;
    RuleDatum datum = rule_evaluate(edit->match, argument->value);
    if (datum.kind == RULE_DATUM_FAULT)
        return false;
    if (rule_set_attribute(edit->graph, node, &info->attributes[attribute], datum))
        return true;
    rule_fault(edit->match, argument->value, "%s is no value of '%s' of %s",
        rule_datum_describe(datum), argument->name, info->name);
    return false;
}

/* What node_infer says of the node, at its place in the rule. */
static bool infer(RuleEdit *edit, int made) {
    const Rule *rule = edit->match->rule;
    Diagnostics *faults = diagnostics_create();
    bool inferred = node_infer(edit->graph, edit->made[made], faults);
    if (!inferred) {
        diagnostics_report(edit->match->diagnostics, SEVERITY_ERROR,
            rule->nodes[rule->pattern_count + made].where,
            "conditions say where a rule is right: 'where ...'",
            "the rule '%s' makes an op that cannot be", rule->name);
        diagnostics_take(edit->match->diagnostics, faults);
        edit->match->failed = true;
    }
    diagnostics_destroy(faults);
    return inferred;
}

static bool make_node(RuleEdit *edit, int made) {
    RuleMatch *match = edit->match;
    const RuleNode *pattern = &match->rule->nodes[match->rule->pattern_count + made];
    const Node *like = pattern->like >= 0 ? match->nodes[pattern->like] : NULL;
    Value **operands = ARENA_ARRAY(match->arena, Value *, pattern->operand_count + 1);
    for (int i = 0; i < pattern->operand_count; i++) {
        operands[i] = operand_value(edit, pattern->operands[i]);
        if (operands[i] != NULL)
            continue;
        diagnostics_report(match->diagnostics, SEVERITY_ERROR, pattern->where, NULL,
            "the op has no result %d", pattern->operands[i].index);
        match->failed = true;
        return false;
    }
    const char *path = like != NULL ? like->path : edit->position->path;
    Node *node = node_create(
        edit->graph, pattern->op, path, operands, pattern->operand_count, edit->position->where);
    edit->made[made] = node;
    if (like != NULL) {
        node_copy_attributes(edit->graph, node, like);
        memcpy(node->weights, like->weights, sizeof node->weights);
    }
    for (int i = 0; i < pattern->argument_count; i++)
        if (!set_argument(edit, made, &pattern->arguments[i]))
            return false;
    return infer(edit, made);
}

/* ---- the whole ---- */

static Node *last_root(const RuleMatch *match) {
    const Rule *rule = match->rule;
    Node *last = match->nodes[rule->roots[0]];
    int seen = 0;
    for (Node *node = match->graph->first; node != NULL && seen < rule->root_count;
        node = rule->root_count == 1 ? NULL : node->next)
        for (int i = 0; i < rule->root_count; i++)
            if (match->nodes[rule->roots[i]] == node) {
                last = node;
                seen++;
            }
    return last;
}

static bool results_fit(RuleEdit *edit) {
    RuleMatch *match = edit->match;
    const Rule *rule = match->rule;
    for (int i = 0; i < rule->root_count; i++) {
        const Value *replaced = match->nodes[rule->roots[i]]->results[0];
        edit->results[i] = operand_value(edit, rule->results[i]);
        if (edit->results[i] != NULL && tensor_type_equal(&edit->results[i]->type, &replaced->type))
            continue;
        diagnostics_report(match->diagnostics, SEVERITY_ERROR, rule->where,
            "conditions say where a rule is right: 'where dims(x) == dims(y)'",
            "the rule '%s' puts %s in place of %s", rule->name,
            edit->results[i] == NULL ? "nothing"
                                     : tensor_type_spelling(&edit->results[i]->type, match->arena),
            tensor_type_spelling(&replaced->type, match->arena));
        match->failed = true;
        return false;
    }
    return true;
}

bool rule_edit_prepare(RuleMatch *match, Graph *graph, RuleEdit *edit) {
    const Rule *rule = match->rule;
    int count = rule->node_count - rule->pattern_count;
    *edit = (RuleEdit){
        .match = match,
        .graph = graph,
        .made = ARENA_ARRAY(match->arena, Node *, count + 1),
        .made_count = count,
        .weights = ARENA_ARRAY(match->arena, RuleDatum, count * MAX_OP_WEIGHTS + 1),
        .results = ARENA_ARRAY(match->arena, Value *, rule->root_count + 1),
        .position = last_root(match),
    };
    match->made = edit->made;
    for (int i = 0; i < count; i++)
        if (!make_node(edit, i))
            return false;
    return results_fit(edit) && rule_result_conditions_hold(match);
}

/* Nodes of a pattern stand in topological order: who reads comes after what it reads. */
static void remove_matched(RuleEdit *edit) {
    const RuleMatch *match = edit->match;
    for (int i = match->rule->pattern_count - 1; i >= 0; i--) {
        Node *node = match->nodes[i];
        if (is_unused(edit->graph, node))
            graph_remove(edit->graph, node);
    }
}

bool rule_edit_commit(RuleEdit *edit) {
    const Rule *rule = edit->match->rule;
    for (int i = 0; i < edit->made_count; i++)
        if (!commit_weights(edit, i))
            return false;
    for (int i = 0; i < edit->made_count; i++)
        graph_insert_before(edit->graph, edit->position, edit->made[i]);
    edit->first = edit->made_count > 0 ? edit->made[0] : NULL;
    for (int i = 0; i < rule->root_count; i++)
        replace_node(edit->graph, edit->match->nodes[rule->roots[i]], edit->results[i]);
    remove_matched(edit);
    return true;
}
