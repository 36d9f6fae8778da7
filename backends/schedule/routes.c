/* Place: lets producers write their channels straight into the dense buffer of the route that reads
 * them, so that concat, shuffle and split move nothing (docs/kernels.md, "Where tensors are").
 *
 * A route can own its sources when every one of them comes from a kernel that can store by runs,
 * and none of the channels is owned by another route yet. Routes claim from the last one to the
 * first: in a dense block the longest concat then owns all, and the shorter ones are views of its
 * first channels. A claim is refused when a source would fall into so many runs that its stores
 * cost more than a copy. */
#include "backends/schedule/routes.h"
#include "backends/schedule/decisions.h"
#include "backends/schedule/lowering.h"
#include "ir/arena.h"
#include "ir/graph.h"
#include <assert.h>
#include <string.h>

/* A store per run and vector is cheap, as long as runs are not much shorter than vectors. */
enum { MOST_CLAIMED_RUNS = 16, LEAST_CLAIMED_CHANNELS = 4 };

static void unclaim(Decisions *decisions, const Node *route) {
    for (int i = 0; i < route->operand_count; i++) {
        const Value *value = route->operands[i];
        Claim *claims = decisions->claims[value->id];
        for (int64_t c = 0; claims && c < value->type.dims[1]; c++)
            if (claims[c].route == route)
                claims[c] = (Claim){NULL, 0};
    }
}

/* Claims what the route reads; false when some of it cannot be claimed. */
static bool claim_channels(Decisions *decisions, const Node *route) {
    int64_t count = route->results[0]->type.dims[1];
    for (int64_t i = 0; i < count; i++) {
        RouteSource source = route_source(route, i);
        const Value *value = route->operands[source.operand];
        if (!value->producer || !stores_by_runs(value->producer) || decisions->outputs[value->id])
            return false;
        if (!decisions->claims[value->id])
            decisions->claims[value->id] =
                ARENA_ARRAY(decisions->arena, Claim, value->type.dims[1]);
        Claim *claim = &decisions->claims[value->id][source.channel];
        if (claim->route)
            return false;
        *claim = (Claim){route, i};
    }
    return true;
}

bool continues_claim(const Claim *a, const Claim *b) {
    return a->route == b->route && (!a->route || a->channel + 1 == b->channel);
}

int64_t claimed_runs(const Claim *claims, int64_t count) {
    int64_t runs = 1;
    for (int64_t c = 1; c < count; c++)
        if (!continues_claim(&claims[c - 1], &claims[c]))
            runs++;
    return runs;
}

static bool worthwhile(const Decisions *decisions, const Node *route) {
    for (int i = 0; i < route->operand_count; i++) {
        const Value *value = route->operands[i];
        int64_t channels = value->type.dims[1];
        if (!decisions->claims[value->id])
            continue;
        int64_t runs = claimed_runs(decisions->claims[value->id], channels);
        if (runs > 2 && (runs > MOST_CLAIMED_RUNS || channels / runs < LEAST_CLAIMED_CHANNELS))
            return false;
    }
    return true;
}

void claim_routes(Decisions *decisions) {
    decisions->claims = ARENA_ARRAY(decisions->arena, Claim *, decisions->graph->next_value_id + 1);
    decisions->owns = ARENA_ARRAY(decisions->arena, bool, decisions->graph->next_value_id + 1);
    for (const Node *node = decisions->graph->last; node; node = node->previous) {
        if (node->op != OP_route || decisions->compilation->options.copy_layout)
            continue;
        if (!claim_channels(decisions, node) || !worthwhile(decisions, node))
            unclaim(decisions, node);
        else
            decisions->owns[node->results[0]->id] = true;
    }
}

const Node *claim_route(const Decisions *decisions, const Value *value, int64_t channel) {
    const Claim *claims = decisions->claims[value->id];
    return claims ? claims[channel].route : NULL;
}

bool route_owns_sources(const Decisions *decisions, const Node *node) {
    return node->op == OP_route && decisions->owns[node->results[0]->id];
}
