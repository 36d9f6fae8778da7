/* ConvTranspose. */
#include "frontend/onnx/importer.h"

#include <inttypes.h>
#include <string.h>

typedef struct TransposedWindow {
    OnnxWindow window;
    int64_t added[2]; /* output_padding */
    int64_t groups;
} TransposedWindow;

/* Rows or columns of a result without padding. */
static int64_t full_size(const TransposedWindow *conv, const Value *value, int axis) {
    const OnnxWindow *window = &conv->window;
    return (value->type.dims[2 + axis] - 1) * window->stride[axis] +
           (window->kernel[axis] - 1) * window->dilation[axis] + 1 + conv->added[axis];
}

/* Padding that leaves `size`; where even none would leave fewer, the result has more behind. */
static void set_padding(TransposedWindow *conv, int axis, int64_t full, int64_t size, bool upper) {
    int64_t total = full - size;
    if (total < 0) {
        conv->added[axis] -= total;
        total = 0;
    }
    int64_t half = total / 2;
    conv->window.padding[axis] = upper ? half : total - half;
    conv->window.padding[2 + axis] = total - conv->window.padding[axis];
}

/* output_shape: height and width, or all dimensions. */
static bool read_size(
    Importer *importer, const TransposedWindow *conv, int64_t size[2], bool *given) {
    IntegerList list;
    size_t wanted = conv->window.is_line ? 1 : 2;
    if (!attribute_integers(importer, "output_shape", &list))
        return false;
    *given = list.count > 0;
    if (*given && list.count != wanted && list.count != wanted + 2)
        return node_fault(
            importer, NULL, "'output_shape' has %zu entries, not %zu", list.count, wanted);
    size[0] = *given && wanted == 2 ? list.items[list.count - 2] : 1;
    size[1] = *given ? list.items[list.count - 1] : 1;
    return true;
}

/* Other paddings than those given in numbers. */
static bool choose_padding(Importer *importer, const Value *value, TransposedWindow *conv) {
    const char *automatic;
    int64_t size[2];
    bool given;
    if (!attribute_string(importer, "auto_pad", &automatic) ||
        !read_size(importer, conv, size, &given))
        return false;
    bool same = strncmp(automatic, "SAME_", 5) == 0, upper = strcmp(automatic, "SAME_UPPER") == 0;
    if (strcmp(automatic, "VALID") == 0)
        memset(conv->window.padding, 0, sizeof conv->window.padding);
    for (int axis = 0; axis < 2; axis++) {
        if (!given && !same)
            continue;
        int64_t wanted =
            given ? size[axis] : value->type.dims[2 + axis] * conv->window.stride[axis];
        if (wanted < 1 || wanted > 1 << 20)
            return node_fault(importer, NULL, "a result of %" PRId64 " rows or columns", wanted);
        set_padding(conv, axis, full_size(conv, value, axis), wanted, upper);
    }
    return true;
}

static bool read_attributes(Importer *importer, const Value *value, TransposedWindow *conv) {
    bool given;
    if (!attribute_integer(importer, "group", 1, &conv->groups) ||
        !read_window(importer, value, &conv->window) ||
        !read_window_list(importer, "output_padding", conv->window.is_line, conv->added, &given))
        return false;
    if (!given)
        conv->added[0] = conv->added[1] = 0;
    else if (conv->window.is_line)
        conv->added[0] = 0;
    for (int i = 0; i < 6; i++) {
        int64_t padding = i < 4 ? conv->window.padding[i] : conv->added[i - 4];
        if (padding < 0 || padding > 1 << 20)
            return node_fault(importer, NULL,
                "a padding of %" PRId64 " is less than 0 or far too large", padding);
    }
    return choose_padding(importer, value, conv);
}

static bool check_filters(
    Importer *importer, const Value *value, const Shape *weight, const TransposedWindow *conv) {
    int64_t kernel[2];
    bool given;
    if (!read_window_list(importer, "kernel_shape", conv->window.is_line, kernel, &given))
        return false;
    if (given && (kernel[0] != conv->window.kernel[0] || kernel[1] != conv->window.kernel[1]))
        return node_fault(importer, NULL, "'kernel_shape' is not that of the weight, %s",
            shape_spelling(importer->arena, weight));
    int64_t channels = value->type.dims[1];
    if (conv->groups < 1 || channels % conv->groups != 0 || weight->dims[0] != channels)
        return node_fault(importer, NULL,
            "a weight %s does not fit %" PRId64 " input channels in %" PRId64 " groups",
            shape_spelling(importer->arena, weight), channels, conv->groups);
    return true;
}

bool import_transposed_convolution(Importer *importer) {
    Symbol *weight;
    const float *bias;
    TransposedWindow conv = {0};
    Value *value = image_operand(importer, 0, &conv.window.is_line);
    bool is_line = conv.window.is_line;
    if (value == NULL || !weight_operand(importer, 1, "weight", is_line ? 3 : 4, &weight))
        return false;
    const int64_t *dims = weight->shape.dims;
    const int64_t shape[4] = {dims[0], dims[1], is_line ? 1 : dims[2], dims[is_line ? 2 : 3]};
    memcpy(conv.window.kernel, shape + 2, sizeof conv.window.kernel);
    if (!read_attributes(importer, value, &conv) ||
        !check_filters(importer, value, &weight->shape, &conv))
        return false;
    int64_t filters;
    if (__builtin_mul_overflow(dims[1], conv.groups, &filters) ||
        !bias_operand(importer, 2, filters, &bias))
        return false;
    const float *data[MAX_OP_WEIGHTS] = {weight->floats, bias};
    Node *node = begin_node(importer, OP_conv_transpose,
        weight_path(importer, weight, OP_conv_transpose, data), &value, 1);
    node_set_weight(importer, node, 0, tensor_type(4, shape), weight->floats);
    if (bias != NULL)
        node_set_weight(importer, node, 1, tensor_type(1, &filters), bias);
    node_set_list(importer->graph, node, "stride", conv.window.stride, 2);
    node_set_list(importer->graph, node, "padding", conv.window.padding, 4);
    node_set_list(importer->graph, node, "dilation", conv.window.dilation, 2);
    node_set_list(importer->graph, node, "output_padding", conv.added, 2);
    node_set_integer(node, "groups", conv.groups);
    return finish_node(importer, node) && set_image(importer, node->results[0], is_line);
}
