/* Results that take the place of a residual. */
#ifndef RIFFLE_BACKENDS_KERNELS_IN_PLACE_H
#define RIFFLE_BACKENDS_KERNELS_IN_PLACE_H

#include "backends/program/emission.h"
#include "backends/program/placement.h"
#include "ir/graph.h"

/* Called when the node has been lowered: its operands are read once less. */
void count_reads(Emission *emission, const Node *node);

/* Whether the node's sums may be stored where its residual lies: nobody else wants that any more.
 * Then half of the bytes of a large tensor need not move. */
bool adds_in_place(const Emission *emission, const Node *node, const Placement *residual);

#endif
