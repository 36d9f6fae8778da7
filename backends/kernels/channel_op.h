/* Ops that look at all channels of one pixel: softmax and local response norm. */
#ifndef RIFFLE_BACKENDS_KERNELS_CHANNEL_OP_H
#define RIFFLE_BACKENDS_KERNELS_CHANNEL_OP_H

#include "backends/program/emission.h"
#include "backends/program/placement.h"
#include "ir/kernel.h"

/* Tensors of one run as the channel ops see them. */
typedef struct ChannelOp {
    Emission *emission;
    KernelBuilder *builder;
    const Placement *input, *output;
    const Run *in, *out;
    int in_parameter, out_parameter;
    int64_t channels;
    const Expression *row;                  /* of all images */
    const Expression *in_pixel, *out_pixel; /* the pixel that was chosen */
} ChannelOp;

void choose_pixel(ChannelOp *op, const Expression *column);
/* A vector of its channels. */
int load_channel(const ChannelOp *op, const Expression *channel, int lanes);

/* softmax.c: all pixels of a row. */
void emit_softmax_row(ChannelOp *op, bool logarithm);

#endif
