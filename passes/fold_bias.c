/* fold-bias: bias(conv(x)) becomes conv(x) with the sum of both biases; so with linear.
 *
 * Legal under the three rules of fold-batchnorm (see fold_batchnorm.c): a bias is a batch norm with
 * scale 1. The weight stays the very same; only the bias is computed anew, in double. */
#include "passes/affine.h"
#include "passes/rewrite.h"

bool pass_fold_bias(PassContext *context) {
    return fold_affine_nodes(context, OP_bias);
}
