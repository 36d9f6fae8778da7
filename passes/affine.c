#include "passes/affine.h"

#include "ir/pair_degree.h"
#include "passes/affine_numbers.h"
#include "passes/rewrite.h"
#include <math.h>

static const AffineArithmetic *const arithmetic[NUMBER_KIND_COUNT] = {
    [NUMBERS_FLOAT] = &affine_of_floats, [NUMBERS_PAIR] = &affine_of_pairs};

/* Numbers are NULL when the graph has no weight data: then passes still make the structural change,
 * so that shapes and counts can be inspected. */
typedef struct Affine {
    int64_t channels;
    AffineNumbers numbers[NUMBER_KIND_COUNT];
    double scale_degree, shift_degree; /* of their pairs (ir/pair_degree.h) */
} Affine;

static bool has_numbers(const Affine *affine, NumberKind kind) {
    return affine->numbers[kind].scale != NULL;
}

/* ---- scale and shift ---- */

static bool affine_of_kind(
    PassContext *context, const Node *node, NumberKind kind, AffineNumbers *affine) {
    int count = op_info(node->op)->weight_count;
    const void *weights[MAX_OP_WEIGHTS];
    for (int i = 0; i < count; i++) {
        weights[i] = weight_kind_numbers(node->weights[i], kind);
        if (weights[i] == NULL)
            return true;
    }
    size_t size = number_kind_size(kind), channels = (size_t)affine->channels;
    affine->scale = arena_allocate_array(context->scratch, channels, size);
    affine->shift = arena_allocate_array(context->scratch, channels, size);
    if (node->op != OP_batch_norm) {
        arithmetic[kind]->of_bias(affine, weights[0]);
        return true;
    }
    double epsilon = node_number(node, "epsilon");
    int64_t faulty = arithmetic[kind]->of_batch_norm(affine, weights, epsilon);
    const Weight *variance = node_weight(node, "running_var");
    if (faulty >= 0)
        diagnostics_report(context->diagnostics, SEVERITY_ERROR, variance->where, NULL,
            "weight '%s': variance plus epsilon is %g at channel %lld; it must be positive",
            variance->path, (double)variance->data[faulty] + epsilon, (long long)faulty);
    return faulty < 0;
}

static void set_degrees(const Node *node, Affine *affine) {
    affine->shift_degree = weight_degree(node_weight(node, "bias"));
    if (node->op != OP_batch_norm)
        return;
    bool drawn = weight_degree(node_weight(node, "running_var")) == 1;
    affine->scale_degree = drawn ? weight_degree(node_weight(node, "weight")) + 1 : NAN;
    affine->shift_degree = larger_degree(affine->shift_degree,
        weight_degree(node_weight(node, "running_mean")) + affine->scale_degree);
}

static bool affine_of(PassContext *context, const Node *node, Affine *affine) {
    *affine = (Affine){.channels = node->results[0]->type.dims[1]};
    set_degrees(node, affine);
    bool good = true;
    for (int kind = 0; kind < NUMBER_KIND_COUNT && good; kind++) {
        affine->numbers[kind].channels = affine->channels;
        good = affine_of_kind(context, node, (NumberKind)kind, &affine->numbers[kind]);
    }
    return good;
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

/* What of its weights a layer needs for that. */
static bool can_scale(const Node *layer, const Affine *affine, NumberKind kind) {
    const Weight *bias = layer->weights[1];
    return has_numbers(affine, kind) && weight_kind_numbers(layer->weights[0], kind) != NULL &&
           (bias == NULL || weight_kind_numbers(bias, kind) != NULL);
}

static void scale_filters(
    const Graph *graph, const Node *layer, const Affine *affine, Weight *scaled) {
    const Weight *weight = layer->weights[0];
    const int64_t *dims = weight->type.dims;
    bool transposed = layer->op == OP_conv_transpose;
    const FilterOrder order = {.count = tensor_elements(&weight->type),
        .rows = dims[0],
        .filters = transposed ? dims[1] : 1,
        .group_rows = transposed ? dims[0] / node_integer(layer, "groups") : 1};
    for (int kind = 0; kind < NUMBER_KIND_COUNT; kind++)
        if (can_scale(layer, affine, (NumberKind)kind))
            arithmetic[kind]->scale_filters(&affine->numbers[kind], &order,
                weight_kind_numbers(weight, (NumberKind)kind),
                weight_allocate_numbers(graph, scaled, (NumberKind)kind));
    scaled->degree = weight_degree(weight) + affine->scale_degree;
    weights_rest(scaled, weight);
}

static void shift_bias(const Graph *graph, const Weight *bias, const Affine *affine,
    NumberKind kind, Weight *shifted) {
    arithmetic[kind]->shift_bias(&affine->numbers[kind], weight_kind_numbers(bias, kind),
        weight_allocate_numbers(graph, shifted, kind));
    shifted->degree =
        larger_degree(weight_degree(bias) + affine->scale_degree, affine->shift_degree);
}

static void fold(PassContext *context, Node *node, Node *layer, const Affine *affine) {
    Graph *graph = context->graph;
    Weight *weight = layer->weights[0], *bias = layer->weights[1];
    const char *bias_path = bias != NULL
                                ? bias->path
                                : arena_format(graph->arena, "%s.bias", weight_stem(graph, layer));
    Weight *scaled = weight;
    if (node->op == OP_batch_norm) {
        scaled = graph_add_computed_weight(graph, weight->path, weight->type, NULL);
        scale_filters(graph, layer, affine, scaled);
    }
    Weight *shifted =
        graph_add_computed_weight(graph, bias_path, tensor_type(1, &affine->channels), NULL);
    for (int kind = 0; kind < NUMBER_KIND_COUNT; kind++)
        if (can_scale(layer, affine, (NumberKind)kind))
            shift_bias(graph, bias, affine, (NumberKind)kind, shifted);
    layer->weights[0] = scaled;
    layer->weights[1] = shifted;
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
    Weight *shift = graph_add_computed_weight(graph,
        arena_format(graph->arena, "%s.bias", weight_stem(graph, node)),
        tensor_type(1, &affine->channels), NULL);
    for (int kind = 0; kind < NUMBER_KIND_COUNT; kind++)
        if (has_numbers(affine, (NumberKind)kind))
            shift_bias(graph, NULL, affine, (NumberKind)kind, shift);
    return shift;
}

/* scale as [c,1,1,1], the weight of a depthwise 1x1 convolution. */
static Weight *scale_weight(Graph *graph, const Node *node, const Affine *affine) {
    int64_t dims[] = {affine->channels, 1, 1, 1};
    Weight *scale = graph_add_computed_weight(graph,
        arena_format(graph->arena, "%s.weight", weight_stem(graph, node)), tensor_type(4, dims),
        NULL);
    for (int kind = 0; kind < NUMBER_KIND_COUNT; kind++)
        if (has_numbers(affine, (NumberKind)kind))
            arithmetic[kind]->take_scale(
                &affine->numbers[kind], weight_allocate_numbers(graph, scale, (NumberKind)kind));
    scale->degree = affine->scale_degree;
    return scale;
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
