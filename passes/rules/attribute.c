/* What a rule says of an attribute becomes one of a node. */
#include "passes/rules/apply.h"

#include <string.h>

/* Of lists without a default that one number may stand for; 0 for others. */
static size_t size_of_list(const char *name) {
    bool sides = strcmp(name, "padding") == 0 || strcmp(name, "margins") == 0;
    bool pair = strcmp(name, "kernel") == 0 || strcmp(name, "size") == 0;
    return sides ? 4 : pair ? 2 : 0;
}

static bool list_attribute(
    Graph *graph, Node *node, const OpAttribute *attribute, RuleDatum datum) {
    if (datum.kind == RULE_DATUM_LIST) {
        node_set_list(graph, node, attribute->name, datum.list.items, datum.list.count);
        return true;
    }
    IntegerList usual = node_list(node, attribute->name);
    size_t count = usual.count > 0 ? usual.count : size_of_list(attribute->name);
    if (datum.kind != RULE_DATUM_INTEGER || count == 0)
        return false;
    int64_t *items = ARENA_ARRAY(graph->arena, int64_t, count);
    for (size_t i = 0; i < count; i++)
        items[i] = datum.integer;
    node_set_list(graph, node, attribute->name, items, count);
    return true;
}

static bool choice_attribute(Attribute *slot, const char *name, RuleDatum datum) {
    const char *const *words = choice_words(name);
    for (int i = 0; datum.kind == RULE_DATUM_STRING && words[i] != NULL; i++) {
        slot->integer = i;
        if (strcmp(words[i], datum.text) == 0)
            return true;
    }
    return false;
}

static bool formula_attribute(Graph *graph, Node *node, Attribute *slot, RuleDatum datum) {
    FormulaFault wrong = {0};
    int operands = node->op == OP_map ? MOST_FORMULA_OPERANDS : 1;
    const Formula *formula = datum.kind == RULE_DATUM_FORMULA ? datum.formula : NULL;
    if (datum.kind == RULE_DATUM_STRING)
        formula = formula_parse(datum.text, operands, graph->arena, &wrong);
    else if (datum.kind != RULE_DATUM_FORMULA)
        return false;
    slot->formula = formula == NULL ? NULL : formula_copy(graph->arena, formula);
    return wrong.message == NULL;
}

bool rule_set_attribute(Graph *graph, Node *node, const OpAttribute *attribute, RuleDatum datum) {
    Attribute *slot = node_attribute(node, attribute->name);
    switch (attribute->kind) {
    case ATTRIBUTE_INTEGER:
        slot->integer = datum.integer;
        return datum.kind == RULE_DATUM_INTEGER;
    case ATTRIBUTE_NUMBER:
        slot->number = datum.kind == RULE_DATUM_INTEGER ? (double)datum.integer : datum.number;
        return datum.kind == RULE_DATUM_INTEGER || datum.kind == RULE_DATUM_NUMBER;
    case ATTRIBUTE_FLAG:
        slot->flag = datum.boolean;
        return datum.kind == RULE_DATUM_BOOLEAN;
    case ATTRIBUTE_CHOICE:
        return choice_attribute(slot, attribute->name, datum);
    case ATTRIBUTE_LIST:
        return list_attribute(graph, node, attribute, datum);
    case ATTRIBUTE_FORMULA:
        return formula_attribute(graph, node, slot, datum);
    }
    return false;
}
