/* Deconvolution, of all channels or of groups. */
#include "frontend/ncnn/window.h"

#include <inttypes.h>
#include <string.h>

typedef struct Deconvolution {
    NcnnWindow window;
    int64_t outputs, groups, count;
    int64_t added[2]; /* rows and columns that the result has more behind */
} Deconvolution;

/* Where the file asks for a size of the result, what is too large is cut, half of it before. */
static bool cut_to_size(
    Importer *importer, const Value *value, int64_t mark, Deconvolution *layer) {
    NcnnWindow *window = &layer->window;
    int64_t size[2];
    if (!ncnn_integer(importer, 20, 0, &size[1]) || !ncnn_integer(importer, 21, size[1], &size[0]))
        return false;
    for (int i = 0; mark != 0 && i < 2; i++) {
        int64_t full = (value->type.dims[2 + i] - 1) * window->stride[i] +
                       (window->kernel[i] - 1) * window->dilation[i] + 1 + layer->added[i];
        int64_t cut = size[0] > 0 && size[1] > 0 ? full - size[i] : 0;
        if (cut < 0)
            return node_fault(importer, NULL, "its result of %" PRId64 " cannot be cut to %" PRId64,
                full, size[i]);
        window->padding[i] = mark == NCNN_SAME_UPPER ? cut / 2 : cut - cut / 2;
        window->padding[i + 2] = cut - window->padding[i];
    }
    bool none = true;
    for (int i = 0; i < 4; i++)
        none = none && window->padding[i] == 0;
    return mark != 0 || size[0] <= 0 || size[1] <= 0 || none ||
           node_fault(importer, NULL, "it has padding and a size of its result");
}

static bool read_deconvolution(Importer *importer, const Value *value, Deconvolution *layer) {
    static const int keys[] = {4, 14, 15, 16};
    bool dynamic;
    int64_t mark;
    if (!ncnn_integer(importer, 0, 0, &layer->outputs) ||
        !ncnn_integer(importer, 6, 0, &layer->count) ||
        !ncnn_integer(importer, 7, 1, &layer->groups) ||
        !ncnn_integer(importer, 18, 0, &layer->added[1]) ||
        !ncnn_integer(importer, 19, layer->added[1], &layer->added[0]) ||
        !ncnn_flag(importer, 28, &dynamic) || !ncnn_read_steps(importer, &layer->window) ||
        !ncnn_read_padding(importer, keys, layer->window.padding, &mark))
        return false;
    if (dynamic)
        return node_fault(importer, "riffle needs all weights when it compiles",
            "its weights are computed when the network runs (parameter 28)");
    return cut_to_size(importer, value, mark, layer);
}

/* [groups, outputs, inputs, kernel] of the file as [groups, inputs, outputs, kernel]. */
static const float *turned(
    Importer *importer, const float *weight, int64_t groups, const int64_t shape[4]) {
    int64_t inputs = shape[0] / groups, outputs = shape[1], size = shape[2] * shape[3];
    float *result = ARENA_ARRAY(importer->arena, float, shape[0] * outputs * size);
    for (int64_t g = 0; g < groups; g++)
        for (int64_t o = 0; o < outputs; o++)
            for (int64_t i = 0; i < inputs; i++)
                memcpy(result + ((g * inputs + i) * outputs + o) * size,
                    weight + ((g * outputs + o) * inputs + i) * size,
                    (size_t)size * sizeof *result);
    return result;
}

bool ncnn_import_deconvolution(Importer *importer) {
    Deconvolution layer = {.window = {.dilation = {1, 1}}};
    Value *value = ncnn_image(importer);
    if (value == NULL || !read_deconvolution(importer, value, &layer))
        return false;
    int64_t channels = value->type.dims[1], groups = layer.groups;
    if (layer.outputs < 1 || groups < 1 || channels % groups != 0 || layer.outputs % groups != 0)
        return node_fault(importer, NULL,
            "%" PRId64 " groups divide %" PRId64 " input channels or %" PRId64
            " outputs with a rest",
            groups, channels, layer.outputs);
    int64_t shape[4] = {
        channels, layer.outputs / groups, layer.window.kernel[0], layer.window.kernel[1]};
    int64_t wanted =
        shape_elements(&(Shape){.rank = 4, .dims = {shape[0], shape[1], shape[2], shape[3]}});
    if (wanted != layer.count)
        return node_fault(importer, NULL,
            "it has %" PRId64 " weights where its sizes need %" PRId64, layer.count, wanted);
    bool has_bias;
    const float *weight = ncnn_weight(importer, 0, wanted), *bias;
    if (weight == NULL || !ncnn_bias(importer, 5, layer.outputs, &has_bias, &bias))
        return false;
    weight = turned(importer, weight, groups, shape);
    const float *data[MAX_OP_WEIGHTS] = {weight, bias};
    Node *node = begin_node(importer, OP_conv_transpose,
        weight_path(importer, NULL, OP_conv_transpose, data), &value, 1);
    node_set_weight(importer, node, 0, tensor_type(4, shape), weight);
    if (has_bias)
        node_set_weight(importer, node, 1, tensor_type(1, &layer.outputs), bias);
    node_set_list(importer->graph, node, "stride", layer.window.stride, 2);
    node_set_list(importer->graph, node, "padding", layer.window.padding, 4);
    node_set_list(importer->graph, node, "dilation", layer.window.dilation, 2);
    node_set_list(importer->graph, node, "output_padding", layer.added, 2);
    node_set_integer(node, "groups", groups);
    return finish_node(importer, node) &&
           ncnn_set(
               importer, ncnn_activation(importer, symbol_of_value(importer, node->results[0])));
}
