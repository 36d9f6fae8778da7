#include "backends/schedule/form.h"
#include "backends/program/placement.h"
#include "backends/schedule/chains.h"
#include "backends/schedule/decisions.h"
#include "backends/schedule/lowering.h"
#include "backends/schedule/shape.h"
#include "backends/schedule/winograd.h"
#include "ir/graph.h"

/* Without a window, and with pixels at equal distances in all that it reads and writes. */
static bool is_flat(
    const Decisions *decisions, const Node *node, const Placement *const *operands) {
    const ArrangedPart *stored = decisions->stored[node->results[0]->id];
    bool flat = is_pointwise(node) && !is_depthwise(node) && (!stored || stored->dense);
    for (int i = 0; i < node->operand_count; i++)
        flat = flat && pixels_are_dense(operands[i]);
    return flat;
}

static Form product_form(const Decisions *decisions, const Node *node,
    const Placement *const *operands, WinogradBlock *block) {
    if (takes_winograd(decisions, node, block))
        return FORM_WINOGRAD;
    return is_flat(decisions, node, operands) ? FORM_FLAT : FORM_ROWS;
}

Form form_of(const Decisions *decisions, const Node *node, const Placement *const *operands,
    WinogradBlock *block) {
    static const Form forms[] = {
        [KERNELS_NONE] = FORM_NONE,
        [KERNELS_CONSTANT] = FORM_CONSTANT,
        [KERNELS_QUANTIZE] = FORM_QUANTIZE,
        [KERNELS_PIXELS] = FORM_PIXELS,
        [KERNELS_WINDOW] = FORM_ROWS,
        [KERNELS_SAMPLE] = FORM_SAMPLE,
        [KERNELS_ELEMENTS] = FORM_ELEMENTS,
        [KERNELS_LAYOUT] = FORM_LAYOUT,
        [KERNELS_REDUCTION] = FORM_REDUCTION,
    };
    KernelFamily family = kernel_family(node);
    if (chain_previous(decisions, node))
        return FORM_ROWS;
    return family == KERNELS_PRODUCT ? product_form(decisions, node, operands, block)
                                     : forms[family];
}
