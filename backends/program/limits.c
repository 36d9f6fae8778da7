/* What is refused before kernels are made: sizes that no network needs and that would take the
 * compiler minutes or the machine's memory. Code grows with the kernel, the padding (rows and
 * columns at the border have code of their own) and the pieces of a copy. */
#include "backends/program/limits.h"
#include "ir/diagnostics.h"
#include "ir/graph.h"

#include <inttypes.h>

enum {
    LARGEST_KERNEL = 1024,      /* rows or columns */
    LARGEST_REACH = 1 << 16,    /* the same, with dilation */
    LARGEST_PADDING = 4096,     /* rows or columns on one side */
    LARGEST_TABLE = 1 << 24,    /* pixels of an average pooling whose windows differ */
    LARGEST_TENSOR = 1 << 30,   /* elements */
    LARGEST_CHANNELS = 1 << 20, /* of what layout ops move */
    MOST_PORTS = 1024,          /* inputs and outputs: each is a parameter of the C function */
};
static const int64_t most_weight_bytes = INT64_C(1) << 31; /* what 32-bit displacements span */

static bool refuse(
    const Node *node, Diagnostics *diagnostics, const char *what, int64_t most, int64_t given) {
    diagnostics_report(diagnostics, SEVERITY_ERROR, node->where, NULL,
        "'%s' cannot be compiled: %s %" PRId64 ", at most %" PRId64, op_info(node->op)->name, what,
        given, most);
    return false;
}

static bool check_padding(const Node *node, Diagnostics *diagnostics) {
    for (int i = 0; i < 4; i++) {
        int64_t padding = node_list(node, "padding").items[i];
        if (padding > LARGEST_PADDING)
            return refuse(node, diagnostics, "padding", LARGEST_PADDING, padding);
    }
    return true;
}

static bool check_window(const Node *node, Diagnostics *diagnostics) {
    bool is_conv = node->op == OP_conv;
    const int64_t *kernel =
        is_conv ? node_weight(node, "weight")->type.dims + 2 : node_list(node, "kernel").items;
    for (int i = 0; i < 2; i++) {
        int64_t dilation = is_conv ? node_list(node, "dilation").items[i] : 1;
        int64_t reach = (kernel[i] - 1) * dilation + 1;
        if (kernel[i] > LARGEST_KERNEL)
            return refuse(node, diagnostics, "kernel", LARGEST_KERNEL, kernel[i]);
        if (reach > LARGEST_REACH)
            return refuse(node, diagnostics, "reach of the kernel", LARGEST_REACH, reach);
    }
    if (!check_padding(node, diagnostics))
        return false;
    const int64_t *dims = node->results[0]->type.dims;
    if (node->op == OP_avg_pool && dims[2] * dims[3] > LARGEST_TABLE)
        return refuse(node, diagnostics, "pixels of the result", LARGEST_TABLE, dims[2] * dims[3]);
    return true;
}

/* What it is lowered to pads by up to its reach. */
static bool check_transposed(const Node *node, Diagnostics *diagnostics) {
    const int64_t *kernel = node_weight(node, "weight")->type.dims + 2;
    for (int i = 0; i < 2; i++) {
        int64_t reach = (kernel[i] - 1) * node_list(node, "dilation").items[i] + 1;
        if (kernel[i] > LARGEST_KERNEL)
            return refuse(node, diagnostics, "kernel", LARGEST_KERNEL, kernel[i]);
        if (reach > LARGEST_PADDING)
            return refuse(node, diagnostics, "reach of the kernel", LARGEST_PADDING, reach);
    }
    return true;
}

static bool check_node(const Node *node, Diagnostics *diagnostics) {
    for (int i = 0; i < node->result_count; i++) {
        int64_t elements = tensor_elements(&node->results[i]->type);
        if (elements > LARGEST_TENSOR)
            return refuse(node, diagnostics, "elements of the result", LARGEST_TENSOR, elements);
    }
    for (int i = 0; op_moves_channels(node->op) && i < node->operand_count; i++) {
        int64_t channels = node->operands[i]->type.dims[1];
        if (channels > LARGEST_CHANNELS)
            return refuse(node, diagnostics, "channels", LARGEST_CHANNELS, channels);
    }
    if (node->op == OP_conv_transpose)
        return check_transposed(node, diagnostics);
    if (node->op == OP_pad)
        return check_padding(node, diagnostics);
    bool has_window = node->op == OP_conv || node->op == OP_max_pool || node->op == OP_avg_pool;
    return !has_window || check_window(node, diagnostics);
}

bool graph_within_limits(const Graph *graph, Diagnostics *diagnostics) {
    int ports = graph->input_count + graph->output_count;
    if (ports > MOST_PORTS)
        diagnostics_error(diagnostics, NULL,
            "the network cannot be compiled: inputs and outputs %d, at most %d", ports, MOST_PORTS);
    bool good = ports <= MOST_PORTS;
    for (const Node *node = graph->first; node; node = node->next)
        good = check_node(node, diagnostics) && good;
    for (int i = 0; i < graph->input_count; i++) {
        const Value *value = graph->inputs[i].value;
        int64_t elements = tensor_elements(&value->type);
        if (elements <= LARGEST_TENSOR)
            continue;
        diagnostics_report(diagnostics, SEVERITY_ERROR, value->where, NULL,
            "the input '%s' cannot be compiled: elements %" PRId64 ", at most %d", value->name,
            elements, LARGEST_TENSOR);
        good = false;
    }
    int64_t bytes = 0;
    for (const Weight *weight = graph->first_weight; weight; weight = weight->next) {
        bytes += tensor_elements(&weight->type) * (int64_t)sizeof(float);
        if (bytes <= most_weight_bytes)
            continue;
        diagnostics_report(diagnostics, SEVERITY_ERROR, weight->where, NULL,
            "with '%s' the weights take %" PRId64 " bytes, at most %" PRId64 " can be compiled",
            weight->path, bytes, most_weight_bytes);
        return false;
    }
    return good;
}
