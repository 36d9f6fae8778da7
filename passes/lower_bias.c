/* lower-bias: a bias that fold-bias left becomes a depthwise 1x1 convolution whose weight is all
 * ones.
 *
 * Always legal. One of [n,c] gets an unflatten before and a flatten behind it. */
#include "passes/affine.h"
#include "passes/rewrite.h"

bool pass_lower_bias(PassContext *context) {
    return lower_affine_nodes(context, OP_bias);
}
