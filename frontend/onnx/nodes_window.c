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

/* ---- Pad ---- */

static bool read_pads(Importer *importer, int rank, int64_t pads[2 * ONNX_MAX_RANK]) {
    IntegerList list, axes = {0};
    if (importer->node->n_input > 1 ? !integers_operand(importer, 1, "pads", &list)
                                    : !attribute_integers(importer, "pads", &list))
        return false;
    if (has_operand(importer, 3) && !integers_operand(importer, 3, "axes", &axes))
        return false;
    size_t count = has_operand(importer, 3) ? axes.count : (size_t)rank;
    if (list.count != 2 * count || count > ONNX_MAX_RANK)
        return node_fault(importer, NULL, "it has %zu pads for %zu axes", list.count, count);
    memset(pads, 0, 2 * ONNX_MAX_RANK * sizeof *pads);
    for (size_t i = 0; i < count; i++) {
        int axis = (int)i;
        if (axes.count > 0 && !resolve_axis(importer, axes.items[i], rank, &axis))
            return false;
        pads[axis] = list.items[i];
        pads[axis + rank] = list.items[i + count];
    }
    return true;
}

static bool pads_with_zero(Importer *importer) {
    const char *mode;
    double value;
    if (!attribute_string(importer, "mode", &mode) ||
        !attribute_number(importer, "value", 0, &value))
        return false;
    if (*mode != '\0' && strcmp(mode, "constant") != 0)
        return node_fault(importer, NULL, "the mode '%s' is not known to riffle", mode);
    Symbol *symbol = input_symbol(importer, 2);
    if (symbol != NULL && !scalar_of(symbol, &value))
        return node_fault(importer, NULL, "its value is not one constant number");
    return value == 0 || node_fault(importer, NULL, "it pads with %g; riffle pads with 0", value);
}

bool import_pad(Importer *importer) {
    int64_t pads[2 * ONNX_MAX_RANK];
    bool is_line;
    Value *value = image_operand(importer, 0, &is_line);
    int rank = is_line ? 3 : 4;
    if (value == NULL || !read_pads(importer, rank, pads) || !pads_with_zero(importer))
        return false;
    if (pads[0] != 0 || pads[1] != 0 || pads[rank] != 0 || pads[rank + 1] != 0)
        return node_fault(importer, NULL, "only height and width can be padded");
    int64_t added[4], taken[4];
    bool adds = false, takes = false;
    for (int i = 0; i < 4; i++) {
        bool is_row = i % 2 == 0;
        int64_t side = is_line && is_row ? 0 : pads[i / 2 * rank + rank - (is_row ? 2 : 1)];
        if (side < -(1 << 20) || side > 1 << 20)
            return node_fault(importer, NULL, "a padding of %" PRId64 " is too large", side);
        added[i] = side > 0 ? side : 0;
        taken[i] = side < 0 ? -side : 0;
        adds = adds || side > 0;
        takes = takes || side < 0;
    }
    for (int i = 0; i < 2 && value != NULL; i++) {
        if (!(i == 0 ? takes : adds))
            continue;
        Node *node = begin_node(importer, i == 0 ? OP_crop : OP_pad, "", &value, 1);
        node_set_list(
            importer->graph, node, i == 0 ? "margins" : "padding", i == 0 ? taken : added, 4);
        value = finish_node(importer, node) ? node->results[0] : NULL;
    }
    return set_image(importer, value, is_line);
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
