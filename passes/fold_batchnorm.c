/* fold-batchnorm: batch_norm(conv(x)) becomes conv(x) with other weights; so with conv_transpose
 * and linear.
 *
 * With fixed statistics, batch norm is y = scale * x + shift for each channel, where
 *     scale = weight / sqrt(running_var + epsilon),   shift = bias - running_mean * scale,
 * and a convolution's output channel o is linear in row o of its weight and bias[o]:
 *     weight'[o] = weight[o] * scale[o],   bias'[o] = bias[o] * scale[o] + shift[o].
 * All of it is computed in double and rounded to float once.
 *
 * Legal when
 *     1. the operand is the result of a conv, conv_transpose or linear
 *     2. that applies no activation, adds no residual, and whose weights are not rounded to bf16
 *     3. and whose result has no other use.
 * The old weights are left as they are: others may share them. */
#include "passes/affine.h"
#include "passes/rewrite.h"

bool pass_fold_batchnorm(PassContext *context) {
    return fold_affine_nodes(context, OP_batch_norm);
}
