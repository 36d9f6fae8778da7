/* Layers with weights: Convolution, InnerProduct, BatchNorm, Scale, Bias. */
#include "frontend/ncnn/importer.h"
#include "frontend/ncnn/window.h"

#include <inttypes.h>
#include <string.h>

bool ncnn_bias(Importer *importer, int flag_key, int64_t outputs, bool *given, const float **bias) {
    *bias = NULL;
    if (!ncnn_flag(importer, flag_key, given))
        return false;
    if (*given)
        *bias = ncnn_weight(importer, 1, outputs);
    return !*given || *bias != NULL;
}

static bool count_of(Importer *importer, int key, const char *what, int64_t *count) {
    return ncnn_integer(importer, key, 0, count) &&
           (*count > 0 ||
               node_fault(importer, NULL, "its %s (parameter %d) is %" PRId64, what, key, *count));
}

/* ---- Convolution ---- */

typedef struct NcnnConvolution {
    int64_t outputs, groups, count; /* of weights */
    NcnnWindow window;
    double padding; /* the number around the input */
    bool has_bias;
    const float *weight, *bias;
} NcnnConvolution;

static bool read_convolution(Importer *importer, const Value *value, NcnnConvolution *convolution) {
    double padding;
    bool dynamic;
    if (!count_of(importer, 0, "number of outputs", &convolution->outputs) ||
        !count_of(importer, 6, "number of weights", &convolution->count) ||
        !ncnn_integer(importer, 7, 1, &convolution->groups) ||
        !ncnn_read_window(importer, value, &convolution->window) ||
        !ncnn_number(importer, 18, 0, &padding) || !ncnn_flag(importer, 19, &dynamic))
        return false;
    convolution->padding = padding;
    if (dynamic)
        return node_fault(importer, "riffle needs all weights when it compiles",
            "its weights are computed when the network runs (parameter 19)");
    return true;
}

static bool read_weights(
    Importer *importer, const Value *value, NcnnConvolution *convolution, int64_t shape[4]) {
    int64_t channels = value->type.dims[1], groups = convolution->groups;
    const int64_t *kernel = convolution->window.kernel;
    shape[0] = convolution->outputs;
    shape[1] = groups > 0 ? channels / groups : 0;
    shape[2] = kernel[0];
    shape[3] = kernel[1];
    if (groups < 1 || channels % groups != 0 || convolution->outputs % groups != 0)
        return node_fault(importer, NULL,
            "%" PRId64 " groups divide %" PRId64 " input channels or %" PRId64
            " outputs with a rest",
            groups, channels, convolution->outputs);
    int64_t wanted =
        shape_elements(&(Shape){.rank = 4, .dims = {shape[0], shape[1], shape[2], shape[3]}});
    if (wanted != convolution->count)
        return node_fault(importer, NULL,
            "it has %" PRId64 " weights; %" PRId64 " outputs, kernels of %" PRId64 "x%" PRId64
            " and %" PRId64 " input channels in %" PRId64 " groups need %" PRId64,
            convolution->count, convolution->outputs, kernel[0], kernel[1], channels, groups,
            wanted);
    convolution->weight = ncnn_weight(importer, 0, wanted);
    return convolution->weight != NULL &&
           ncnn_bias(importer, 5, convolution->outputs, &convolution->has_bias, &convolution->bias);
}

/* Padding with another number than 0 is an op of its own. NULL after reporting. */
static Value *padded(Importer *importer, Value *value, NcnnConvolution *convolution) {
    static const int64_t none[4] = {0};
    int64_t *padding = convolution->window.padding;
    if (convolution->padding == 0 || memcmp(padding, none, sizeof none) == 0)
        return value;
    value = ncnn_pad_value(importer, value, padding, convolution->padding);
    memset(padding, 0, sizeof none);
    return value;
}

bool ncnn_import_convolution(Importer *importer) {
    NcnnConvolution convolution = {0};
    int64_t shape[4];
    bool is_vector;
    Value *value = ncnn_image_or_vector(importer, &is_vector);
    if (value == NULL || !read_convolution(importer, value, &convolution) ||
        !read_weights(importer, value, &convolution, shape))
        return false;
    const NcnnWindow *window = &convolution.window;
    if (is_vector && (window->kernel[0] != 1 || window->kernel[1] != 1))
        return node_fault(importer, NULL, "it is larger than 1x1 over a blob of one dimension");
    value = padded(importer, value, &convolution);
    if (value == NULL)
        return false;
    const float *data[MAX_OP_WEIGHTS] = {convolution.weight, convolution.bias};
    Node *node =
        begin_node(importer, OP_conv, weight_path(importer, NULL, OP_conv, data), &value, 1);
    node_set_weight(importer, node, 0, tensor_type(4, shape), convolution.weight);
    if (convolution.has_bias)
        node_set_weight(importer, node, 1, tensor_type(1, shape), convolution.bias);
    node_set_list(importer->graph, node, "stride", window->stride, 2);
    node_set_list(importer->graph, node, "padding", window->padding, 4);
    node_set_list(importer->graph, node, "dilation", window->dilation, 2);
    node_set_integer(node, "groups", convolution.groups);
    if (!finish_node(importer, node))
        return false;
    Shape result = shape_of_value(node->results[0]);
    if (is_vector)
        result.rank = 2;
    return ncnn_set(
        importer, ncnn_activation(importer, view_over(importer, node->results[0], &result)));
}

/* ---- InnerProduct ---- */

bool ncnn_import_inner_product(Importer *importer) {
    Symbol *symbol;
    int64_t dims[2], count;
    bool has_bias;
    const float *bias;
    if (!tensor_operand(importer, 0, &symbol) ||
        !count_of(importer, 0, "number of outputs", &dims[0]) ||
        !count_of(importer, 2, "number of weights", &count))
        return false;
    dims[1] = shape_elements(&symbol->shape);
    bool rows = symbol->shape.rank == 3 && dims[0] * symbol->shape.dims[2] == count;
    if (rows && symbol->shape.dims[1] > 1)
        return node_fault(importer, NULL, "it is of each row of %s, which riffle does not know",
            shape_spelling(importer->arena, &symbol->shape));
    if (count / dims[0] != dims[1] || count % dims[0] != 0)
        return node_fault(importer, NULL,
            "it has %" PRId64 " weights; %" PRId64 " outputs of %" PRId64 " inputs need %" PRId64,
            count, dims[0], dims[1], dims[0] * dims[1]);
    const float *weight = ncnn_weight(importer, 0, count);
    symbol = view_reshape(importer, symbol, &(Shape){.rank = 2, .dims = {1, dims[1]}});
    Value *value = symbol == NULL ? NULL : symbol_features(importer, symbol);
    if (value == NULL || weight == NULL || !ncnn_bias(importer, 1, dims[0], &has_bias, &bias))
        return false;
    const float *data[MAX_OP_WEIGHTS] = {weight, bias};
    Node *node =
        begin_node(importer, OP_linear, weight_path(importer, NULL, OP_linear, data), &value, 1);
    node_set_weight(importer, node, 0, tensor_type(2, dims), weight);
    if (has_bias)
        node_set_weight(importer, node, 1, tensor_type(1, dims), bias);
    if (!finish_node(importer, node))
        return false;
    Symbol *result = symbol_of_value(importer, node->results[0]);
    if (rows)
        result = view_reshape(importer, result, &(Shape){.rank = 3, .dims = {1, 1, dims[0]}});
    return ncnn_set(importer, result == NULL ? NULL : ncnn_activation(importer, result));
}

/* ---- numbers for each channel ---- */

/* Operand 0 with its first dimension behind the batch along the channels: [h,w] as [1,h,1,w]. */
static Value *channels_operand(Importer *importer, Symbol **symbol, int64_t count) {
    if (!tensor_operand(importer, 0, symbol))
        return NULL;
    Shape shape = (*symbol)->shape;
    if (shape.dims[1] != count) {
        node_fault(importer, NULL, "it has %" PRId64 " numbers for %" PRId64 " channels", count,
            shape.dims[1]);
        return NULL;
    }
    Symbol *seen = *symbol;
    if (shape.rank == 3)
        seen = view_reshape(
            importer, seen, &(Shape){.rank = 4, .dims = {1, shape.dims[1], 1, shape.dims[2]}});
    return seen == NULL ? NULL : symbol_channels(importer, seen);
}

bool ncnn_import_batch_norm(Importer *importer) {
    static const int order[] = {0, 3, 1, 2}; /* slope, mean, variance, bias in the file */
    int64_t channels;
    double epsilon;
    Symbol *symbol;
    if (!count_of(importer, 0, "number of channels", &channels) ||
        !ncnn_number(importer, 1, 0, &epsilon))
        return false;
    Value *value = channels_operand(importer, &symbol, channels);
    if (value == NULL)
        return false;
    const float *data[MAX_OP_WEIGHTS] = {0};
    for (int i = 0; i < 4; i++)
        if ((data[i] = ncnn_weight(importer, order[i], channels)) == NULL)
            return false;
    Node *node = begin_node(
        importer, OP_batch_norm, weight_path(importer, NULL, OP_batch_norm, data), &value, 1);
    for (int i = 0; i < 4; i++)
        node_set_weight(importer, node, i, tensor_type(1, &channels), data[i]);
    node_attribute(node, "epsilon")->number = epsilon;
    return finish_node(importer, node) &&
           ncnn_set(importer, view_over(importer, node->results[0], &symbol->shape));
}

bool ncnn_import_scale(Importer *importer) {
    int64_t channels;
    bool has_bias;
    const float *bias;
    Symbol *symbol;
    if (!ncnn_integer(importer, 0, 0, &channels))
        return false;
    if (channels == NCNN_ABSENT) /* by another blob, of a number for each channel */
        return importer->node->n_input == 2 ? ncnn_import_scale_by(importer)
                                            : node_fault(importer, NULL, "it has no second input");
    Value *value = channels_operand(importer, &symbol, channels);
    const float *scale = value == NULL ? NULL : ncnn_weight(importer, 0, channels);
    if (scale == NULL || !ncnn_bias(importer, 1, channels, &has_bias, &bias))
        return false;
    Value *result = build_affine(importer, value, scale, bias);
    return result != NULL && ncnn_set(importer, view_over(importer, result, &symbol->shape));
}

bool ncnn_import_bias(Importer *importer) {
    int64_t channels;
    Symbol *symbol;
    if (!count_of(importer, 0, "number of channels", &channels))
        return false;
    Value *value = channels_operand(importer, &symbol, channels);
    if (value != NULL && symbol->shape.rank != 4)
        return node_fault(importer, NULL,
            "ncnn adds its first number alone to %s, which has no channels",
            shape_spelling(importer->arena, &symbol->shape));
    const float *bias = value == NULL ? NULL : ncnn_weight(importer, 0, channels);
    Value *result = bias == NULL ? NULL : build_affine(importer, value, NULL, bias);
    return result != NULL && ncnn_set(importer, view_over(importer, result, &symbol->shape));
}
