/* Which routes own their sources. */
#ifndef RIFFLE_BACKENDS_SCHEDULE_ROUTES_H
#define RIFFLE_BACKENDS_SCHEDULE_ROUTES_H

#include "backends/program/lowering.h"
#include "backends/program/placement.h"
#include "ir/graph.h"

/* Decides, before anything is lowered, which routes own their sources. */
void lowering_claim_routes(Lowering *lowering);

/* The route that owns the channel of the value; NULL when none does. */
const Node *claim_route(const Lowering *lowering, const Value *value, int64_t channel);
bool route_owns_sources(const Lowering *lowering, const Node *node);

/* The runs in the buffers of the routes that own channels of the value; NULL when none does. */
Placement *lowering_claimed_place(Lowering *lowering, const Value *value);

#endif
