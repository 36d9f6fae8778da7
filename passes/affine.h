/* batch_norm and bias are both y = scale * x + shift per channel; what is common to folding and
 * lowering them. Internal to passes/. */
#ifndef RIFFLE_PASSES_AFFINE_H
#define RIFFLE_PASSES_AFFINE_H

#include "passes/passes.h"

/* Folds each node of `op` (batch_norm or bias) into the convolution or fully connected layer before
 * it, where legal. False after reporting a fault of the weights. */
bool fold_affine_nodes(PassContext *context, OpKind op);

/* Makes a depthwise 1x1 convolution of each node of `op`, for [n,c] between unflatten and flatten.
 */
bool lower_affine_nodes(PassContext *context, OpKind op);

#endif
