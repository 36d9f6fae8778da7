/* Nodes over height and width without weights, and local response norm. */
#include "frontend/onnx/importer.h"

#include <inttypes.h>
#include <string.h>

/* ---- pooling ---- */

static bool read_pool(Importer *importer, const Value *value, OnnxWindow *window, bool *ceil) {
    bool given;
    if (!read_window_list(importer, "kernel_shape", window->is_line, window->kernel, &given) ||
        !attribute_flag(importer, "ceil_mode", false, ceil))
        return false;
    if (!given)
        return node_fault(importer, NULL, "it has no 'kernel_shape'");
    return read_window(importer, value, window);
}

static Node *begin_pool(
    Importer *importer, OpKind op, Value *value, const OnnxWindow *window, bool ceil) {
    Node *node = begin_node(importer, op, "", &value, 1);
    node_set_list(importer->graph, node, "kernel", window->kernel, 2);
    node_set_list(importer->graph, node, "stride", window->stride, 2);
    node_set_list(importer->graph, node, "padding", window->padding, 4);
    node_attribute(node, "ceil")->flag = ceil;
    return node;
}

bool import_max_pool(Importer *importer) {
    OnnxWindow window = {0};
    bool ceil = false;
    bool order;
    Value *value = image_operand(importer, 0, &window.is_line);
    if (value == NULL || !read_pool(importer, value, &window, &ceil) ||
        !attribute_flag(importer, "storage_order", false, &order))
        return false;
    if (result_is_used(importer, 1))
        return node_fault(importer, NULL, "its indices are used");
    Node *node = begin_pool(importer, OP_max_pool, value, &window, ceil);
    return finish_node(importer, node) && set_image(importer, node->results[0], window.is_line);
}

bool import_average_pool(Importer *importer) {
    OnnxWindow window = {0};
    bool ceil = false;
    bool count_padding;
    Value *value = image_operand(importer, 0, &window.is_line);
    if (value == NULL || !read_pool(importer, value, &window, &ceil) ||
        !attribute_flag(importer, "count_include_pad", false, &count_padding))
        return false;
    Node *node = begin_pool(importer, OP_avg_pool, value, &window, ceil);
    node_attribute(node, "count_padding")->flag = count_padding;
    return finish_node(importer, node) && set_image(importer, node->results[0], window.is_line);
}

bool import_global_average_pool(Importer *importer) {
    bool is_line;
    Value *value = image_operand(importer, 0, &is_line);
    return value != NULL &&
           set_image(importer, build_unary(importer, OP_global_avg_pool, value), is_line);
}

/* ---- LRN ---- */

bool import_lrn(Importer *importer) {
    double alpha, beta, bias;
    int64_t size;
    bool is_line;
    Value *value = image_operand(importer, 0, &is_line);
    if (value == NULL || !attribute_number(importer, "alpha", 1e-4, &alpha) ||
        !attribute_number(importer, "beta", 0.75, &beta) ||
        !attribute_number(importer, "bias", 1, &bias) ||
        !attribute_integer(importer, "size", 0, &size))
        return false;
    if (size < 1 || size % 2 == 0)
        return node_fault(importer, NULL, "its size must be odd, so that the window has a middle");
    Node *node = begin_node(importer, OP_local_response_norm, "", &value, 1);
    node_set_integer(node, "size", size);
    node_attribute(node, "alpha")->number = alpha;
    node_attribute(node, "beta")->number = beta;
    node_attribute(node, "k")->number = bias;
    return finish_node(importer, node) && set_image(importer, node->results[0], is_line);
}
