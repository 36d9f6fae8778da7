/* bfloat16: lets convolutions and fully connected layers multiply numbers of bf16, and add up in
 * f32. Depthwise convolutions keep their weights.
 *
 * Two things become bf16, each rounded to the nearest number of that type:
 *
 * Values, with the option `values`. A layer gives bf16 when all that read it take it, which are
 * other layers, and what only moves channels or compares them (layout ops, crop, max pooling) where
 * all that it reads and all that it gives are bf16. Residuals, sums, activations, other poolings
 * and the network's inputs and outputs stay f32.
 *
 * Weights, of layers that read bf16; and of those with so few pixels that reading the weights is
 * what takes time. Where such a layer reads f32, the products are of f32 and bf16 numbers.
 *
 * Answers change by what rounding to eight bits does. */
#include "passes/rewrite.h"

typedef struct Halving {
    PassContext *context;
    Graph *graph;
    bool *layers; /* by id of the result: the layer may be rewritten */
    bool *floats; /* by value id: the value stays f32 */
    bool changed; /* since the sweep began */
} Halving;

static bool is_layer(const Node *node) {
    return node->op == OP_conv || node->op == OP_linear;
}

static bool has_few_pixels(const Halving *halving, const Node *node) {
    const TensorType *type = &node->results[0]->type;
    return tensor_elements(type) / type->dims[1] <= pass_integer(halving->context, "most-pixels");
}

/* Whether something of the layer can become bf16. */
static bool is_asked_for(const Halving *halving, const Node *node) {
    return pass_flag(halving->context, "values") ||
           (node_adds_channels(node) && has_few_pixels(halving, node));
}

/* ---- which values stay f32 ---- */

static void keep_float(Halving *halving, const Value *value) {
    halving->changed = halving->changed || !halving->floats[value->id];
    halving->floats[value->id] = true;
}

/* What passes numbers on does it with equal ones: one float makes all floats. */
static void keep_alike(Halving *halving, const Node *node) {
    bool any = false;
    for (int i = 0; i < node->operand_count; i++)
        any = any || halving->floats[node->operands[i]->id];
    for (int i = 0; i < node->result_count; i++)
        any = any || halving->floats[node->results[i]->id];
    for (int i = 0; any && i < node->operand_count; i++)
        keep_float(halving, node->operands[i]);
    for (int i = 0; any && i < node->result_count; i++)
        keep_float(halving, node->results[i]);
}

static void keep_of_node(Halving *halving, Node *node) {
    bool layer =
        is_layer(node) && is_asked_for(halving, node) && pass_may_rewrite(halving->context, node);
    if (layer)
        halving->layers[node->results[0]->id] = true;
    if (op_keeps_numbers(node->op))
        return;
    for (int i = 0; i < node->operand_count; i++)
        if (!layer || i > 0)
            keep_float(halving, node->operands[i]);
    for (int i = 0; i < node->result_count; i++)
        if (!layer)
            keep_float(halving, node->results[i]);
}

static void find_floats(Halving *halving) {
    Graph *graph = halving->graph;
    for (int i = 0; i < graph->input_count; i++)
        keep_float(halving, graph->inputs[i].value);
    for (int i = 0; i < graph->output_count; i++)
        keep_float(halving, graph->outputs[i].value);
    for (Node *node = graph->first; node; node = node->next)
        keep_of_node(halving, node);
    for (halving->changed = true; halving->changed;) {
        halving->changed = false;
        for (const Node *node = graph->last; node; node = node->previous)
            if (op_keeps_numbers(node->op))
                keep_alike(halving, node);
        for (const Node *node = graph->first; node; node = node->next)
            if (op_keeps_numbers(node->op))
                keep_alike(halving, node);
    }
    for (int id = 0; !pass_flag(halving->context, "values") && id < graph->next_value_id; id++)
        halving->floats[id] = true;
}

/* ---- rewriting ---- */

static void halve_weight(Graph *graph, Node *node) {
    const Weight *weight = node->weights[0];
    TensorType type = weight->type;
    type.element = ELEMENT_BF16;
    node->weights[0] = graph_add_computed_weight(graph, weight->path, type, weight->data);
    node->weights[0]->rests = weight->rests;
}

static void halve_layer(const Halving *halving, Node *node) {
    Value *operand = node->operands[0], *result = node->results[0];
    bool halves = operand->type.element == ELEMENT_BF16;
    if (node_adds_channels(node) && (halves || has_few_pixels(halving, node)))
        halve_weight(halving->graph, node);
    if (halving->floats[result->id])
        return;
    node_set_integer(node, "result", RESULT_BF16);
    result->type.element = ELEMENT_BF16;
}

bool pass_bfloat16(PassContext *context) {
    Graph *graph = context->graph;
    Halving halving = {.context = context, .graph = graph};
    halving.layers = ARENA_ARRAY(context->scratch, bool, graph->next_value_id + 1);
    halving.floats = ARENA_ARRAY(context->scratch, bool, graph->next_value_id + 1);
    if (!pass_has_numbers(context))
        return false;
    find_floats(&halving);
    for (Node *node = graph->first; node; node = node->next) {
        if (is_layer(node) && halving.layers[node->results[0]->id])
            halve_layer(&halving, node);
        for (int i = 0; op_keeps_numbers(node->op) && i < node->result_count; i++)
            if (!halving.floats[node->results[i]->id])
                node->results[i]->type.element = ELEMENT_BF16;
    }
    return true;
}
