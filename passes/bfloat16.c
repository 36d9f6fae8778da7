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
#include "passes/halves.h"
#include "passes/rewrite.h"

static bool has_few_pixels(const PassContext *context, const Node *node) {
    const TensorType *type = &node->results[0]->type;
    return tensor_elements(type) / type->dims[1] <= pass_integer(context, "most-pixels");
}

/* Whether something of the layer can become bf16. */
static bool is_asked_for(const PassContext *context, const Node *node) {
    return pass_flag(context, "values") ||
           (node_adds_channels(node) && has_few_pixels(context, node));
}

static void keep_of_node(PassContext *context, Halves *halves, Node *node) {
    bool asked = is_product_layer(node) && is_asked_for(context, node);
    if (is_product_layer(node) && !asked && node_adds_channels(node))
        pass_missed(context, node, "its result has more pixels than the option 'most-pixels' says");
    bool layer = asked && pass_may_rewrite(context, node);
    if (layer)
        halves->layers[node->results[0]->id] = true;
    if (op_keeps_numbers(node->op))
        return;
    for (int i = 0; i < node->operand_count; i++)
        if (!layer || i > 0)
            halves_keep(halves, node->operands[i]);
    for (int i = 0; i < node->result_count; i++)
        if (!layer)
            halves_keep(halves, node->results[i]);
}

static Halves find_floats(PassContext *context) {
    Graph *graph = context->graph;
    Halves halves = halves_begin(context, op_keeps_numbers, ELEMENT_BF16);
    for (Node *node = graph->first; node; node = node->next)
        keep_of_node(context, &halves, node);
    halves_spread(&halves);
    for (int id = 0; !pass_flag(context, "values") && id < graph->next_value_id; id++)
        halves.floats[id] = true;
    return halves;
}

static void halve_layer(const PassContext *context, const Halves *halves, Node *node) {
    bool reads_halves = node->operands[0]->type.element == ELEMENT_BF16;
    if (node_adds_channels(node) && (reads_halves || has_few_pixels(context, node)))
        halve_weight(halves, node);
    if (!halves->floats[node->results[0]->id])
        halve_result(halves, node);
}

bool pass_bfloat16(PassContext *context) {
    if (!pass_has_numbers(context))
        return false;
    const Halves halves = find_floats(context);
    for (Node *node = context->graph->first; node; node = node->next) {
        if (is_product_layer(node) && halves.layers[node->results[0]->id])
            halve_layer(context, &halves, node);
        halve_passed_on(&halves, node);
    }
    return true;
}
