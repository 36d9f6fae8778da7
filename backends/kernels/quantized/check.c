/* Whether there is code for a node of bytes: on this target, and with these weights. */
#include "backends/kernels/quantized/quantized.h"
#include "backends/program/emission.h"
#include "backends/schedule/lowering.h"
#include "backends/schedule/shape.h"
#include "backends/target/target.h"
#include "ir/diagnostics.h"
#include "ir/graph.h"
#include <math.h>

static bool has_code(Emission *emission, const Node *node) {
    const Target *target = emission->compilation->target;
    if (target->bytes != BYTES_NONE)
        return true;
    diagnostics_report(emission->diagnostics, SEVERITY_ERROR, node->where,
        "x86-64-v3 and above and 64-bit ARM have it; the fastest are processors with VNNI, dot "
        "products or "
        "i8mm",
        "there is no code for '%s' on '%s'", op_info(node->op)->name, target->name);
    return false;
}

static bool are_whole_numbers(
    Emission *emission, const Node *node, const Weight *weight, int least, int most) {
    for (int64_t i = 0; i < tensor_elements(&weight->type); i++) {
        float x = weight->data[i];
        if (x >= (float)least && x <= (float)most && x == rintf(x))
            continue;
        diagnostics_report(emission->diagnostics, SEVERITY_ERROR, node->where,
            "the pass quantize makes such weights",
            "weight '%s' must hold whole numbers from %d to %d, but has %g", weight->path, least,
            most, (double)x);
        return false;
    }
    return true;
}

/* Padding must not need a zero point: cells outside are left out. */
static bool pads_with_zero_alone(Emission *emission, const Node *node) {
    const Weight *zero = node_weight(node, "zero");
    Window window = node_window(node);
    const int64_t *padding = window.padding;
    bool padded = padding[0] + padding[1] + padding[2] + padding[3] > 0;
    for (int64_t i = 0; padded && i < tensor_elements(&zero->type); i++)
        if (zero->data[i] != 0) {
            diagnostics_report(emission->diagnostics, SEVERITY_ERROR, node->where,
                "the pass quantize makes none such",
                "a padded quantized_conv must have zero points of 0, but '%s' has %g", zero->path,
                (double)zero->data[i]);
            return false;
        }
    return true;
}

/* Sums of a depthwise one are floats, which are exact up to 2^24. */
static bool has_exact_taps(Emission *emission, const Node *node) {
    Window window = node_window(node);
    int64_t taps = window.kernel[0] * window.kernel[1];
    if (!is_depthwise(node) || taps <= MOST_EXACT_TAPS)
        return true;
    diagnostics_report(emission->diagnostics, SEVERITY_ERROR, node->where, NULL,
        "a depthwise quantized_conv has at most %d taps, but this has %lld", MOST_EXACT_TAPS,
        (long long)taps);
    return false;
}

bool check_bytes(Emission *emission, const Node *node) {
    bool multiplies = node->op == OP_quantized_conv || node->op == OP_quantized_linear;
    bool pools = node->op == OP_max_pool && node->results[0]->type.element == ELEMENT_U8;
    if (!multiplies && !pools && node->op != OP_quantize)
        return true;
    if (!has_code(emission, node))
        return false;
    if (pools)
        return true;
    if (!are_whole_numbers(emission, node, node_weight(node, "zero"), 0, 255))
        return false;
    if (!multiplies)
        return true;
    bool good = pads_with_zero_alone(emission, node) && has_exact_taps(emission, node) &&
                are_whole_numbers(emission, node, node_weight(node, "weight"), -127, 127);
    node_rest_weights(node); /* all of them were looked at */
    return good;
}
