/* Copies of whole tensors. */
#ifndef RIFFLE_BACKENDS_KERNELS_COPY_H
#define RIFFLE_BACKENDS_KERNELS_COPY_H

#include "backends/program/emission.h"
#include "backends/program/placement.h"
#include "ir/graph.h"

/* The placement itself when channels are consecutive in it, else a copy where they are: a planar
 * input cannot be loaded by channel vectors. */
const Placement *make_channels_last(
    Emission *emission, const Node *node, const Placement *placement);

/* The same in one run, for an op that looks at all channels of a pixel. */
const Placement *make_one_run(Emission *emission, const Node *node, const Placement *placement);

/* A kernel that copies a tensor from one placement to another, whatever their strides. The reason
 * tells the user why that cannot be left out. */
void lower_copy(Emission *emission, const Node *node, const Placement *from, const Placement *to,
    const char *label, const char *reason);

#endif
