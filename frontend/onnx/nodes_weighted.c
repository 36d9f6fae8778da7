/* Nodes with weights: Conv, BatchNormalization, Gemm, MatMul. */
#include "frontend/onnx/importer.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

bool weight_operand(Importer *importer, size_t index, const char *what, int rank, Symbol **symbol) {
    if (!constant_operand(importer, index, what, symbol))
        return false;
    if ((*symbol)->floats == NULL || (*symbol)->shape.rank != rank)
        return node_fault(importer, NULL, "its %s '%s' is no tensor of %d dimensions: %s", what,
            importer->node->input[index], rank, shape_spelling(importer->arena, &(*symbol)->shape));
    return true;
}

/* ---- windows ---- */

bool read_window_list(
    Importer *importer, const char *name, bool is_line, int64_t pair[2], bool *given) {
    IntegerList list;
    size_t wanted = is_line ? 1 : 2;
    if (!attribute_integers(importer, name, &list))
        return false;
    *given = list.count == wanted;
    pair[0] = *given && !is_line ? list.items[0] : 1;
    pair[1] = *given ? list.items[wanted - 1] : 1;
    return list.count == 0 || *given ||
           node_fault(importer, NULL, "'%s' has %zu entries, not %zu", name, list.count, wanted);
}

/* None, or those at the beginnings and then at the ends. */
static bool read_padding(Importer *importer, OnnxWindow *window) {
    IntegerList list;
    size_t wanted = window->is_line ? 2 : 4;
    if (!attribute_integers(importer, "pads", &list))
        return false;
    if (list.count != 0 && list.count != wanted)
        return node_fault(importer, NULL, "'pads' has %zu entries, not %zu", list.count, wanted);
    memset(window->padding, 0, sizeof window->padding);
    for (size_t i = 0; i < list.count; i++)
        window->padding[window->is_line ? 2 * i + 1 : i] = list.items[i];
    return true;
}

bool read_window(Importer *importer, const Value *value, OnnxWindow *window) {
    const char *automatic;
    bool given;
    if (!read_window_list(importer, "strides", window->is_line, window->stride, &given) ||
        !read_window_list(importer, "dilations", window->is_line, window->dilation, &given) ||
        !read_padding(importer, window) || !attribute_string(importer, "auto_pad", &automatic))
        return false;
    bool upper = strcmp(automatic, "SAME_UPPER") == 0, lower = strcmp(automatic, "SAME_LOWER") == 0;
    for (int i = 0; i < 2; i++) {
        if (window->stride[i] < 1 || window->dilation[i] < 1 || window->kernel[i] < 1 ||
            window->kernel[i] > 1 << 20 || window->dilation[i] > 1 << 20 ||
            window->stride[i] > 1 << 20)
            return node_fault(
                importer, NULL, "a kernel, stride or dilation is less than 1 or far too large");
        if (!upper && !lower)
            continue;
        int64_t size = value->type.dims[2 + i], stride = window->stride[i];
        int64_t reach = (window->kernel[i] - 1) * window->dilation[i] + 1;
        int64_t total = ((size + stride - 1) / stride - 1) * stride + reach - size;
        total = total < 0 ? 0 : total;
        window->padding[i] = upper ? total / 2 : total - total / 2;
        window->padding[i + 2] = total - window->padding[i];
    }
    if (*automatic == '\0' || upper || lower || strcmp(automatic, "NOTSET") == 0 ||
        strcmp(automatic, "VALID") == 0)
        return true;
    return node_fault(importer, NULL, "'%s' is no 'auto_pad'", automatic);
}

Value *image_operand(Importer *importer, size_t index, bool *is_line) {
    Symbol *symbol;
    *is_line = false;
    if (!tensor_operand(importer, index, &symbol))
        return NULL;
    const int64_t *dims = symbol->shape.dims;
    if (symbol->shape.rank == 4)
        return symbol_value(importer, symbol);
    *is_line = symbol->shape.rank == 3;
    if (*is_line) {
        Shape shape = {.rank = 4, .dims = {dims[0], dims[1], 1, dims[2]}};
        symbol = view_reshape(importer, symbol, &shape);
        return symbol == NULL ? NULL : symbol_value(importer, symbol);
    }
    node_fault(importer,
        symbol->shape.rank == 5 ? "riffle knows convolution and pooling over height and width"
                                : NULL,
        "its input %s is not [batch, channels, height, width]",
        shape_spelling(importer->arena, &symbol->shape));
    return NULL;
}

bool set_image(Importer *importer, Value *value, bool is_line) {
    if (value == NULL)
        return false;
    Shape shape = shape_of_value(value);
    if (is_line)
        shape = (Shape){.rank = 3, .dims = {shape.dims[0], shape.dims[1], shape.dims[3]}};
    return set_result(importer, view_over(importer, value, &shape));
}

/* ---- Conv ---- */

static bool check_convolution(Importer *importer, const Value *value, const Shape *weight,
    const int64_t size[2], int64_t groups, bool is_line) {
    int64_t kernel[2];
    bool given;
    if (!read_window_list(importer, "kernel_shape", is_line, kernel, &given))
        return false;
    const int64_t *dims = weight->dims, channels = value->type.dims[1];
    if (given && (kernel[0] != size[0] || kernel[1] != size[1]))
        return node_fault(importer, NULL, "'kernel_shape' is not that of the weight, %s",
            list_spelling(
                importer->arena, (IntegerList){is_line ? size + 1 : size, is_line ? 1 : 2}));
    if (groups < 1 || channels % groups != 0 || dims[0] % groups != 0 ||
        dims[1] != channels / groups)
        return node_fault(importer, NULL,
            "a weight %s does not fit %" PRId64 " input channels in %" PRId64 " groups",
            shape_spelling(importer->arena, weight), channels, groups);
    return true;
}

bool bias_operand(Importer *importer, size_t index, int64_t channels, const float **data) {
    Symbol *bias;
    *data = NULL;
    if (!has_operand(importer, index))
        return true;
    if (!weight_operand(importer, index, "bias", 1, &bias))
        return false;
    *data = bias->floats;
    return bias->shape.dims[0] == channels ||
           node_fault(importer, NULL,
               "its bias '%s' has %" PRId64 " numbers for %" PRId64 " channels",
               importer->node->input[index], bias->shape.dims[0], channels);
}

bool import_convolution(Importer *importer) {
    Symbol *weight;
    int64_t groups;
    const float *bias;
    OnnxWindow window = {0};
    Value *value = image_operand(importer, 0, &window.is_line);
    if (value == NULL || !weight_operand(importer, 1, "weight", window.is_line ? 3 : 4, &weight) ||
        !attribute_integer(importer, "group", 1, &groups))
        return false;
    const int64_t *dims = weight->shape.dims;
    int64_t shape[4] = {
        dims[0], dims[1], window.is_line ? 1 : dims[2], dims[window.is_line ? 2 : 3]};
    memcpy(window.kernel, shape + 2, sizeof window.kernel);
    if (!check_convolution(
            importer, value, &weight->shape, window.kernel, groups, window.is_line) ||
        !bias_operand(importer, 2, dims[0], &bias) || !read_window(importer, value, &window))
        return false;
    const float *data[MAX_OP_WEIGHTS] = {weight->floats, bias};
    const char *path = weight_path(importer, weight, OP_conv, data);
    Node *node = begin_node(importer, OP_conv, path, &value, 1);
    node_set_weight(importer, node, 0, tensor_type(4, shape), weight->floats);
    if (bias != NULL)
        node_set_weight(importer, node, 1, tensor_type(1, shape), bias);
    node_set_list(importer->graph, node, "stride", window.stride, 2);
    node_set_list(importer->graph, node, "padding", window.padding, 4);
    node_set_list(importer->graph, node, "dilation", window.dilation, 2);
    node_set_integer(node, "groups", groups);
    return finish_node(importer, node) && set_image(importer, node->results[0], window.is_line);
}

/* ---- BatchNormalization ---- */

bool import_batch_normalization(Importer *importer) {
    static const char *const words[] = {"scale", "bias", "mean", "variance"};
    Symbol *symbol, *parts[4];
    double epsilon;
    if (!tensor_operand(importer, 0, &symbol) ||
        !attribute_number(importer, "epsilon", 1e-5, &epsilon))
        return false;
    for (size_t i = 1; i < importer->node->n_output; i++)
        if (result_is_used(importer, i))
            return node_fault(importer, NULL, "its output %zu is used", i + 1);
    Value *value = symbol_channels(importer, symbol);
    if (value == NULL)
        return false;
    int64_t channels = value->type.dims[1];
    const float *data[MAX_OP_WEIGHTS];
    for (size_t i = 0; i < 4; i++) {
        if (!weight_operand(importer, i + 1, words[i], 1, &parts[i]))
            return false;
        if (parts[i]->shape.dims[0] != channels)
            return node_fault(importer, NULL,
                "its %s has %" PRId64 " numbers for %" PRId64 " channels", words[i],
                parts[i]->shape.dims[0], channels);
        data[i] = parts[i]->floats;
    }
    Node *node = begin_node(
        importer, OP_batch_norm, weight_path(importer, parts[0], OP_batch_norm, data), &value, 1);
    for (int i = 0; i < 4; i++)
        node_set_weight(importer, node, i, tensor_type(1, &channels), data[i]);
    /* the file has it as a float: 1e-05 there should read 1e-05 here */
    Text text = {0};
    text_append_float(&text, (float)epsilon);
    node_attribute(node, "epsilon")->number = strtod(text.data, NULL);
    text_free(&text);
    return finish_node(importer, node) &&
           set_result(importer, view_over(importer, node->results[0], &symbol->shape));
}

/* ---- fully connected ---- */

typedef struct Transposed {
    int64_t rows; /* of what was transposed */
    const float *data;
} Transposed;

/* Layers that share a weight share what it becomes. NULL after reporting: the same numbers read
 * with other dimensions count as computed. */
static const float *transposed(Importer *importer, const Symbol *weight) {
    if (weight->is_filled)
        return weight->floats;
    int64_t rows = weight->shape.dims[0], columns = weight->shape.dims[1];
    const char *key = arena_format(importer->arena, "%p", (const void *)weight->floats);
    const Transposed *known = name_map_find(importer->transposed, key);
    if (known != NULL && known->rows == rows)
        return known->data;
    if (known != NULL && !spend_elements(importer, &weight->shape))
        return NULL;
    float *data = ARENA_ARRAY(importer->arena, float, rows *columns);
    for (int64_t i = 0; i < rows; i++)
        for (int64_t k = 0; k < columns; k++)
            data[k * rows + i] = weight->floats[i * columns + k];
    Transposed *result = ARENA_NEW(importer->arena, Transposed);
    *result = (Transposed){rows, data};
    name_map_put(importer->transposed, key, result);
    return data;
}

/* `by_output`: whether the weight is [outputs, inputs]. */
static bool build_linear(
    Importer *importer, Symbol *symbol, const Symbol *weight, bool by_output, const float *bias) {
    int64_t dims[2] = {
        weight->shape.dims[by_output ? 0 : 1], weight->shape.dims[by_output ? 1 : 0]};
    if (symbol->shape.rank != 2 || symbol->shape.dims[1] != dims[1])
        return node_fault(importer, NULL,
            "its input is %s, but its weight takes [batch, %" PRId64 "]",
            shape_spelling(importer->arena, &symbol->shape), dims[1]);
    Value *value = symbol_features(importer, symbol);
    if (value == NULL)
        return false;
    const float *data[MAX_OP_WEIGHTS] = {
        by_output ? weight->floats : transposed(importer, weight), bias};
    if (data[0] == NULL)
        return false;
    Node *node =
        begin_node(importer, OP_linear, weight_path(importer, weight, OP_linear, data), &value, 1);
    node_set_weight(importer, node, 0, tensor_type(2, dims), data[0]);
    if (bias != NULL)
        node_set_weight(importer, node, 1, tensor_type(1, dims), bias);
    return finish_node(importer, node) &&
           set_result(importer, symbol_of_value(importer, node->results[0]));
}

/* The bias of Gemm may be [outputs], [1, outputs] or one number. */
static bool gemm_bias(Importer *importer, int64_t channels, const float **data) {
    Symbol *bias;
    *data = NULL;
    if (!has_operand(importer, 2))
        return true;
    if (!constant_operand(importer, 2, "bias", &bias))
        return false;
    int64_t count = shape_elements(&bias->shape);
    int last = bias->shape.rank - 1;
    bool row = count == 1 || (last >= 0 && bias->shape.dims[last] == channels && count == channels);
    if (bias->floats == NULL || !row)
        return node_fault(importer, NULL, "its bias '%s' is %s, not [%" PRId64 "]",
            importer->node->input[2], shape_spelling(importer->arena, &bias->shape), channels);
    *data = count == channels ? bias->floats
                              : repeat_number(importer, (double)bias->floats[0], channels);
    return *data != NULL;
}

bool import_gemm(Importer *importer) {
    Symbol *symbol, *weight;
    double alpha, beta;
    bool transpose_a, transpose_b;
    const float *bias;
    if (!tensor_operand(importer, 0, &symbol) ||
        !weight_operand(importer, 1, "weight", 2, &weight) ||
        !attribute_number(importer, "alpha", 1, &alpha) ||
        !attribute_number(importer, "beta", 1, &beta) ||
        !attribute_flag(importer, "transA", false, &transpose_a) ||
        !attribute_flag(importer, "transB", false, &transpose_b) ||
        !gemm_bias(importer, weight->shape.dims[transpose_b ? 0 : 1], &bias))
        return false;
    if (alpha != 1 || (beta != 1 && bias != NULL) || transpose_a)
        return node_fault(importer, "multiply the weights by alpha and beta before",
            "alpha, beta and transA must be 1, 1 and 0");
    return build_linear(importer, symbol, weight, transpose_b, bias);
}

/* Along the last dimension of more than two: a 1x1 convolution of all that are in front of it. */
static bool build_pointwise(Importer *importer, Symbol *symbol, const Symbol *weight) {
    int axis = symbol->shape.rank - 1;
    const int64_t *from = weight->shape.dims, shape[] = {from[1], from[0], 1, 1};
    if (symbol->shape.dims[axis] != from[0])
        return node_fault(importer, NULL,
            "its input is %s, but its weight takes %" PRId64 " numbers",
            shape_spelling(importer->arena, &symbol->shape), from[0]);
    const float *data[MAX_OP_WEIGHTS] = {transposed(importer, weight)};
    Value *value = data[0] == NULL ? NULL : axis_to_channels(importer, symbol, axis);
    if (value == NULL)
        return false;
    Node *node =
        begin_node(importer, OP_conv, weight_path(importer, weight, OP_conv, data), &value, 1);
    node_set_weight(importer, node, 0, tensor_type(4, shape), data[0]);
    Symbol *result = finish_node(importer, node)
                         ? channels_to_axis(importer, node->results[0], symbol, axis, shape[0])
                         : NULL;
    return result != NULL && set_result(importer, result);
}

bool import_matmul(Importer *importer) {
    Symbol *symbol, *weight;
    if (!tensor_operand(importer, 0, &symbol) || !weight_operand(importer, 1, "weight", 2, &weight))
        return false;
    return symbol->shape.rank > 2 ? build_pointwise(importer, symbol, weight)
                                  : build_linear(importer, symbol, weight, false, NULL);
}
