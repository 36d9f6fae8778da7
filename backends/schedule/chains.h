/* Which layers share a kernel, row by row. */
#ifndef RIFFLE_BACKENDS_SCHEDULE_CHAINS_H
#define RIFFLE_BACKENDS_SCHEDULE_CHAINS_H

#include "backends/schedule/decisions.h"
#include "ir/graph.h"

/* Decides, before anything is lowered, which nodes are computed together row by row. */
void find_chains(Decisions *decisions);

/* The node that goes on with the node's result inside one kernel; NULL when none does. */
const Node *chain_next(const Decisions *decisions, const Node *node);

/* The node before it in the same kernel; NULL when there is none. */
const Node *chain_previous(const Decisions *decisions, const Node *node);

/* The nodes from the head of the chain to `last`, at most MOST_CHAIN; how many. */
int chain_nodes(const Decisions *decisions, const Node *last, const Node **nodes);

#endif
