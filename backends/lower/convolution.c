/* Which form a convolution or fully connected layer is lowered in: Winograd's, where it pays; flat,
 * as one row of all pixels, where it has no window; else row by row. */
#include "backends/lower/convolution.h"
#include "backends/kernels/kernels.h"
#include "backends/kernels/winograd/winograd.h"
#include "backends/program/buffers.h"
#include "backends/program/lowering.h"
#include "backends/program/placement.h"
#include "backends/schedule/shape.h"
#include "backends/schedule/winograd.h"
#include "ir/graph.h"

/* Without a window, and with pixels at equal distances in all that it reads. */
static bool is_flat(Lowering *lowering, const Node *node) {
    bool flat = is_pointwise(node) && !is_depthwise(node);
    for (int i = 0; i < node->operand_count; i++)
        flat = flat && pixels_are_dense(lowering_placement(lowering, node->operands[i]));
    return flat;
}

bool lower_convolution(Lowering *lowering, const Node *node) {
    WinogradBlock block;
    if (lowering_takes_winograd(lowering, node, &block))
        return lower_winograd(lowering, node, &block);
    if (is_flat(lowering, node))
        return lower_flat_convolution(lowering, node);
    return lower_chain(lowering, node);
}
