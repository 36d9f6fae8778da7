/* Which layers share a kernel, row by row. */
#ifndef RIFFLE_BACKENDS_SCHEDULE_CHAINS_H
#define RIFFLE_BACKENDS_SCHEDULE_CHAINS_H

#include "backends/program/lowering.h"
#include "ir/graph.h"

/* Decides, before anything is lowered, which nodes are computed together row by row. */
void lowering_find_chains(Lowering *lowering);

/* The node that goes on with the node's result inside one kernel; NULL when none does. */
const Node *lowering_chain_next(const Lowering *lowering, const Node *node);

/* The node before it in the same kernel; NULL when there is none. */
const Node *lowering_chain_previous(const Lowering *lowering, const Node *node);

int chain_nodes(const Lowering *lowering, const Node *last, const Node **nodes);

#endif
