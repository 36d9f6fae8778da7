/* float16: where the option `values` asks for it, lets convolutions, depthwise ones too, and fully
 * connected layers compute with numbers of fp16. Their operands, weights and biases are rounded to
 * the nearest of that type; as many products as the option `part` says are added up in it, and the
 * sums of these parts in f32.
 *
 * A value becomes fp16 when a layer gives it, or an op that takes such numbers (`op_takes_f16`) and
 * reads nothing else; and all that read it take it, which are layers and such ops. The network's
 * inputs and outputs stay f32, and so do values that softmax, reductions and the like read or give.
 * A layer that reads f32 keeps its weights, adds up in f32, and rounds what it gives; but with the
 * option `inputs` one that reads an input of the network, and adds up channels, rounds that.
 *
 * With the option `weights` instead, weights of layers that add up channels are rounded, and
 * nothing else: for processors that widen what they load.
 *
 * Numbers beyond 65504 become infinite: a network whose values pass that must be left alone, or the
 * layers concerned. Answers change by what rounding to eleven bits does. */
#include "passes/halves.h"
#include "passes/rewrite.h"

/* A layer that may not be rewritten reads and gives floats; residuals are widened. */
static void keep_of_node(PassContext *context, Halves *halves, Node *node) {
    bool layer = is_product_layer(node) && pass_may_rewrite(context, node);
    if (layer)
        halves->layers[node->results[0]->id] = true;
    if (layer || op_takes_f16(node->op))
        return;
    for (int i = 0; i < node->operand_count; i++)
        halves_keep(halves, node->operands[i]);
    for (int i = 0; i < node->result_count; i++)
        halves_keep(halves, node->results[i]);
}

static void halve_layer(const PassContext *context, const Halves *halves, Node *node) {
    const Value *operand = node->operands[0];
    bool input = operand->producer == NULL && pass_flag(context, "inputs");
    if (operand->type.element == ELEMENT_F16 || (input && node_adds_channels(node))) {
        halve_weight(halves, node);
        node_set_integer(node, "part", pass_integer(context, "part"));
    }
    if (!halves->floats[node->results[0]->id])
        halve_result(halves, node);
}

/* Weights are widened as they are read, and all else stays as it is. */
static void halve_weights(PassContext *context) {
    Halves halves = {.graph = context->graph, .element = ELEMENT_F16};
    for (Node *node = context->graph->first; node; node = node->next) {
        if (!is_product_layer(node) || !node_adds_channels(node) ||
            node->operands[0]->type.element != ELEMENT_F32 ||
            node_weight(node, "weight")->type.element != ELEMENT_F32 ||
            !pass_may_rewrite(context, node))
            continue;
        halve_weight(&halves, node);
        node_attribute(node, "rounds")->flag = false;
    }
}

bool pass_float16(PassContext *context) {
    Graph *graph = context->graph;
    if (!pass_has_numbers(context))
        return false;
    if (!pass_flag(context, "values")) {
        if (pass_flag(context, "weights"))
            halve_weights(context);
        return true;
    }
    Halves halves = halves_begin(context, op_takes_f16, ELEMENT_F16);
    for (Node *node = graph->first; node; node = node->next)
        keep_of_node(context, &halves, node);
    halves_spread(&halves);
    for (Node *node = graph->first; node; node = node->next) {
        if (is_product_layer(node) && halves.layers[node->results[0]->id])
            halve_layer(context, &halves, node);
        halve_passed_on(&halves, node);
    }
    return true;
}
