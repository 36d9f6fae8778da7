#include "passes/halves.h"
#include "ir/weight_numbers.h"

bool is_product_layer(const Node *node) {
    return node->op == OP_conv || node->op == OP_linear;
}

Halves halves_begin(PassContext *context, PassesOn *passes_on, ElementType element) {
    Graph *graph = context->graph;
    Halves halves = {.graph = graph, .passes_on = passes_on, .element = element};
    halves.layers = ARENA_ARRAY(context->scratch, bool, graph->next_value_id + 1);
    halves.floats = ARENA_ARRAY(context->scratch, bool, graph->next_value_id + 1);
    for (int i = 0; i < graph->input_count; i++)
        halves_keep(&halves, graph->inputs[i].value);
    for (int i = 0; i < graph->output_count; i++)
        halves_keep(&halves, graph->outputs[i].value);
    return halves;
}

void halves_keep(Halves *halves, const Value *value) {
    halves->changed = halves->changed || !halves->floats[value->id];
    halves->floats[value->id] = true;
}

static void keep_alike(Halves *halves, const Node *node) {
    bool any = false;
    for (int i = 0; i < node->operand_count; i++)
        any = any || halves->floats[node->operands[i]->id];
    for (int i = 0; i < node->result_count; i++)
        any = any || halves->floats[node->results[i]->id];
    for (int i = 0; any && i < node->operand_count; i++)
        halves_keep(halves, node->operands[i]);
    for (int i = 0; any && i < node->result_count; i++)
        halves_keep(halves, node->results[i]);
}

void halves_spread(Halves *halves) {
    Graph *graph = halves->graph;
    for (halves->changed = true; halves->changed;) {
        halves->changed = false;
        for (const Node *node = graph->last; node; node = node->previous)
            if (halves->passes_on(node->op))
                keep_alike(halves, node);
        for (const Node *node = graph->first; node; node = node->next)
            if (halves->passes_on(node->op))
                keep_alike(halves, node);
    }
}

void halve_weight(const Halves *halves, Node *node) {
    const Weight *weight = node->weights[0];
    TensorType type = weight->type;
    type.element = halves->element;
    node->weights[0] = graph_add_computed_weight(halves->graph, weight->path, type, NULL);
    weight_share_numbers(node->weights[0], weight);
}

void halve_result(const Halves *halves, Node *node) {
    node_set_integer(node, "result", halves->element == ELEMENT_F16 ? RESULT_F16 : RESULT_BF16);
    node->results[0]->type.element = halves->element;
}

void halve_passed_on(const Halves *halves, Node *node) {
    for (int i = 0; halves->passes_on(node->op) && i < node->result_count; i++)
        if (!halves->floats[node->results[i]->id])
            node->results[i]->type.element = halves->element;
}
