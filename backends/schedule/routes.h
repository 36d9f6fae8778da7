/* Which routes own their sources. */
#ifndef RIFFLE_BACKENDS_SCHEDULE_ROUTES_H
#define RIFFLE_BACKENDS_SCHEDULE_ROUTES_H

#include "backends/schedule/decisions.h"
#include "ir/graph.h"

/* Decides which routes own their sources: sets `claims` and `owns`. */
void claim_routes(Decisions *decisions);

/* The route that owns the channel of the value; NULL when none does. */
const Node *claim_route(const Decisions *decisions, const Value *value, int64_t channel);
bool route_owns_sources(const Decisions *decisions, const Node *node);

/* Whether channel b of a value goes where the one after channel a does. */
bool continues_claim(const Claim *a, const Claim *b);
/* In how many stretches so many channels go, one or more. */
int64_t claimed_runs(const Claim *claims, int64_t count);

#endif
