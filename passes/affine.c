#include "passes/affine.h"

#include "passes/rewrite.h"
#include <math.h>

/* y = scale[c] * x + shift[c]. Both are NULL when the graph has no weight data: then passes still
 * make the structural change, so that shapes and counts can be inspected. */
typedef struct Affine {
    size_t channels;
    double *scale, *shift;
} Affine;

/* ---- scale and shift ---- */

static bool batch_norm_affine(PassContext *context, const Node *node, Affine *affine) {
    const Weight *weight = node_weight(node, "weight"), *bias = node_weight(node, "bias");
    const Weight *mean = node_weight(node, "running_mean");
    const Weight *variance = node_weight(node, "running_var");
    if (!weight->data || !bias->data || !mean->data || !variance->data)
        return true;
    double epsilon = node_number(node, "epsilon");
    double *scale = ARENA_ARRAY(context->scratch, double, affine->channels);
    double *shift = ARENA_ARRAY(context->scratch, double, affine->channels);
    for (size_t c = 0; c < affine->channels; c++) {
        double spread = (double)variance->data[c] + epsilon;
        if (!(spread > 0)) {
            diagnostics_report(context->diagnostics, SEVERITY_ERROR, variance->where, NULL,
                "weight '%s': variance plus epsilon is %g at channel %zu; it must be positive",
                variance->path, spread, c);
            return false;
        }
        scale[c] = (double)weight->data[c] / sqrt(spread);
        shift[c] = (double)bias->data[c] - (double)mean->data[c] * scale[c];
    }
    affine->scale = scale;
    affine->shift = shift;
    return true;
}

static bool affine_of(PassContext *context, const Node *node, Affine *affine) {
    *affine = (Affine){.channels = (size_t)node->results[0]->type.dims[1]};
    if (node->op == OP_batch_norm)
        return batch_norm_affine(context, node, affine);
    const Weight *bias = node_weight(node, "bias");
    if (!bias->data)
        return true;
    affine->scale = ARENA_ARRAY(context->scratch, double, affine->channels);
    affine->shift = ARENA_ARRAY(context->scratch, double, affine->channels);
    for (size_t c = 0; c < affine->channels; c++) {
        affine->scale[c] = 1;
        affine->shift[c] = (double)bias->data[c];
    }
    return true;
}

/* ---- folding ---- */

static Node *layer_to_fold_into(PassContext *context, const Node *node) {
    Node *layer = node->operands[0]->producer;
    /* 1. A convolution or fully connected layer comes before. */
    if (layer == NULL ||
        (layer->op != OP_conv && layer->op != OP_linear && layer->op != OP_conv_transpose))
        return NULL;
    /* 2. Its result is linear in its weight: no activation, no residual, no rounding to bf16. */
    const char *missed = NULL;
    if (node_formula_attribute(layer, "activation") != NULL || layer->operand_count != 1)
        missed = "the layer before it applies an activation or adds a residual";
    else if (layer->op == OP_conv && node_formula_attribute(layer, "residual_activation") != NULL)
        missed = "the layer before it applies an activation";
    else if (layer->weights[0]->type.element != ELEMENT_F32)
        missed = "the weights of the layer before it are rounded";
    else if (!used_once(context->graph, node->operands[0])) /* 3. Nobody else reads the result. */
        missed = "the result of the layer before it has another use";
    if (missed != NULL)
        pass_missed(context, node, missed);
    return missed == NULL ? layer : NULL;
}

/* The filters of each channel of the result times its scale: a row of the weight has those of one;
 * transposed, a row has one of each channel of its group. */
static void scale_filters(
    const Graph *graph, const Node *layer, const Affine *affine, Weight *scaled) {
    const Weight *weight = layer->weights[0];
    const int64_t *dims = weight->type.dims;
    bool transposed = layer->op == OP_conv_transpose;
    size_t count = (size_t)tensor_elements(&weight->type), rows = (size_t)dims[0];
    size_t filters = transposed ? (size_t)dims[1] : 1, size = count / rows / filters;
    size_t group_rows = transposed ? rows / (size_t)node_integer(layer, "groups") : 1;
    float *data = weight_allocate(graph, scaled);
    for (size_t i = 0; i < count; i++) {
        size_t row = i / size / filters, filter = i / size % filters;
        double scale = affine->scale[row / group_rows * filters + filter];
        data[i] = (float)((double)weight->data[i] * scale);
    }
    weight_rest(weight);
    weight_rest(scaled);
}

static const float *scaled_bias(Graph *graph, const Weight *bias, const Affine *affine) {
    float *data = ARENA_ARRAY(graph->arena, float, affine->channels);
    for (size_t c = 0; c < affine->channels; c++) {
        double old = bias == NULL ? 0 : (double)bias->data[c];
        data[c] = (float)(old * affine->scale[c] + affine->shift[c]);
    }
    return data;
}

static void fold(PassContext *context, Node *node, Node *layer, const Affine *affine) {
    Graph *graph = context->graph;
    Weight *weight = layer->weights[0], *bias = layer->weights[1];
    const char *bias_path = bias != NULL
                                ? bias->path
                                : arena_format(graph->arena, "%s.bias", weight_stem(graph, layer));
    bool has_data = affine->scale != NULL && weight->data != NULL && (!bias || bias->data != NULL);
    int64_t channels[] = {(int64_t)affine->channels};
    if (node->op == OP_batch_norm) {
        Weight *scaled = graph_add_computed_weight(graph, weight->path, weight->type, NULL);
        if (has_data)
            scale_filters(graph, layer, affine, scaled);
        layer->weights[0] = scaled;
    }
    layer->weights[1] = graph_add_computed_weight(graph, bias_path, tensor_type(1, channels),
        has_data ? scaled_bias(graph, bias, affine) : NULL);
    replace_node(graph, node, layer->results[0]);
}

bool fold_affine_nodes(PassContext *context, OpKind op) {
    for (Node *node = context->graph->first, *next; node; node = next) {
        next = node->next;
        Node *layer = node->op == op ? layer_to_fold_into(context, node) : NULL;
        if (layer == NULL)
            continue;
        Affine affine;
        if (!affine_of(context, node, &affine))
            return false;
        if (pass_may_rewrite(context, node))
            fold(context, node, layer, &affine);
    }
    return true;
}

/* ---- lowering ---- */

static Weight *shift_weight(Graph *graph, const Node *node, const Affine *affine) {
    int64_t dims[] = {(int64_t)affine->channels};
    return graph_add_computed_weight(graph,
        arena_format(graph->arena, "%s.bias", weight_stem(graph, node)), tensor_type(1, dims),
        affine->shift != NULL ? scaled_bias(graph, NULL, affine) : NULL);
}

/* scale as [c,1,1,1], the weight of a depthwise 1x1 convolution. */
static Weight *scale_weight(Graph *graph, const Node *node, const Affine *affine) {
    float *data = NULL;
    if (affine->scale != NULL) {
        data = ARENA_ARRAY(graph->arena, float, affine->channels);
        for (size_t c = 0; c < affine->channels; c++)
            data[c] = (float)affine->scale[c];
    }
    int64_t dims[] = {(int64_t)affine->channels, 1, 1, 1};
    return graph_add_computed_weight(graph,
        arena_format(graph->arena, "%s.weight", weight_stem(graph, node)), tensor_type(4, dims),
        data);
}

typedef struct LoweredWeights {
    Weight *scale, *shift;
} LoweredWeights;

static void prepare_lowered(Graph *graph, Node *node, const void *context) {
    (void)graph;
    const LoweredWeights *weights = context;
    node->weights[0] = weights->scale;
    node->weights[1] = weights->shift;
    node_set_integer(node, "groups", weights->scale->type.dims[0]);
}

/* A matrix with the scale on its diagonal would do for [n,c], too, but zero times infinity is NaN:
 * one channel would spoil all. */
static Value *insert_layer(Graph *graph, Node *node, const Affine *affine) {
    LoweredWeights weights = {scale_weight(graph, node, affine), shift_weight(graph, node, affine)};
    bool has_plane = node->results[0]->type.rank == 4;
    Value *x = node->operands[0];
    if (!has_plane)
        x = insert_node(graph, node, OP_unflatten, node->path, &x, 1, NULL, NULL)->results[0];
    x = insert_node(graph, node, OP_conv, node->path, &x, 1, prepare_lowered, &weights)->results[0];
    if (!has_plane)
        x = insert_node(graph, node, OP_flatten, node->path, &x, 1, NULL, NULL)->results[0];
    return x;
}

bool lower_affine_nodes(PassContext *context, OpKind op) {
    Graph *graph = context->graph;
    for (Node *node = graph->first, *next; node; node = next) {
        next = node->next;
        if (node->op != op)
            continue;
        Affine affine;
        if (!affine_of(context, node, &affine))
            return false;
        if (pass_may_rewrite(context, node))
            replace_node(graph, node, insert_layer(graph, node, &affine));
    }
    return true;
}
