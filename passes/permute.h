/* Weights in another order of channels. Internal to passes/. */
#ifndef RIFFLE_PASSES_PERMUTE_H
#define RIFFLE_PASSES_PERMUTE_H

#include "ir/graph.h"

/* A convolution with one filter for each channel: what it computes of a channel stays in that
 * channel. */
bool is_depthwise_conv(const Node *node);

/* True for a node that treats each channel alone and alike, up to weights of one entry a channel:
 * element-wise ops, pooling, depthwise convolution, batch_norm and bias. Its result and those of
 * its operands that have as many channels can change their order of channels together. */
bool is_channelwise(const Node *node);

/* Gives the node of the table below weights for channels in another order. rows[i] is the old place
 * of channel i of the result, columns[i] that of channel i of the first operand; NULL leaves that
 * side as it is. Grouped convolutions need channels to stay within their group.
 *     conv, linear             filters and biases by rows, inputs of filters by columns
 *     depthwise conv, batch_norm, bias    by rows
 *     constant                 its channels by rows
 *     all others               have no weights */
void permute_weights(Graph *graph, Node *node, const int64_t *rows, const int64_t *columns);

#endif
