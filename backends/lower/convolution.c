/* Which form a convolution or fully connected layer is lowered in: Winograd's, where it pays; flat,
 * as one row of all pixels, where it has no window; else row by row. */
#include "backends/lower/convolution.h"
#include "backends/kernels/kernels.h"
#include "backends/kernels/winograd/winograd.h"
#include "backends/program/buffers.h"
#include "backends/program/emission.h"
#include "backends/program/placement.h"
#include "backends/schedule/shape.h"
#include "backends/schedule/winograd.h"
#include "ir/graph.h"

/* Without a window, and with pixels at equal distances in all that it reads. */
static bool is_flat(Emission *emission, const Node *node) {
    bool flat = is_pointwise(node) && !is_depthwise(node);
    for (int i = 0; i < node->operand_count; i++)
        flat = flat && pixels_are_dense(value_placement(emission, node->operands[i]));
    return flat;
}

bool lower_convolution(Emission *emission, const Node *node) {
    WinogradBlock block;
    if (takes_winograd(emission->decisions, node, &block))
        return lower_winograd(emission, node, &block);
    if (is_flat(emission, node))
        return lower_flat_convolution(emission, node);
    return lower_chain(emission, node);
}
