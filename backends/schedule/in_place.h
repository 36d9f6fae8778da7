/* Results that take the place of a residual. */
#ifndef RIFFLE_BACKENDS_SCHEDULE_IN_PLACE_H
#define RIFFLE_BACKENDS_SCHEDULE_IN_PLACE_H

#include "backends/program/lowering.h"
#include "backends/program/placement.h"
#include "ir/graph.h"

/* Called when the node has been lowered: its operands are read once less. */
void lowering_count_reads(Lowering *lowering, const Node *node);

/* Whether the node's sums may be stored where its residual lies: nobody else wants that any more.
 * Then half of the bytes of a large tensor need not move. */
bool lowering_adds_in_place(const Lowering *lowering, const Node *node, const Placement *residual);

#endif
