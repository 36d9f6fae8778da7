/* lower-batchnorm: a batch_norm that fold-batchnorm left (after a concat, say, as DenseNet has
 * them) becomes a depthwise 1x1 convolution with the scale as weight and the shift as bias: so that
 * later passes can fuse activations into it and no backend needs a batch norm.
 *
 * Always legal. One of [n,c] gets an unflatten before and a flatten behind it. */
#include "passes/affine.h"
#include "passes/rewrite.h"

bool pass_lower_batchnorm(PassContext *context) {
    return lower_affine_nodes(context, OP_batch_norm);
}
