/* Place: lets producers write their channels straight into the dense buffer of the route that reads
 * them, so that concat, shuffle and split move nothing (docs/kernels.md, "Where tensors are").
 *
 * A route can own its sources when every one of them comes from a kernel that can store by runs,
 * and none of the channels is owned by another route yet. Routes claim from the last one to the
 * first: in a dense block the longest concat then owns all, and the shorter ones are views of its
 * first channels. A claim is refused when a source would fall into so many runs that its stores
 * cost more than a copy. */
#include "backends/schedule/routes.h"
#include "backends/schedule/claims.h"
#include "backends/schedule/decisions.h"
#include "backends/schedule/lowering.h"
#include "ir/arena.h"
#include "ir/graph.h"

/* A store per run and vector is cheap, as long as runs are not much shorter than vectors. */
enum { MOST_CLAIMED_RUNS = 16, LEAST_CLAIMED_CHANNELS = 4 };

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

static bool is_route(const void *context, const Node *node) {
    const Decisions *decisions = context;
    return node->op == OP_route && !decisions->compilation->options.copy_layout;
}

static bool can_store(const void *context, const Value *value) {
    const Decisions *decisions = context;
    return value->producer && stores_by_runs(value->producer) && !decisions->outputs[value->id];
}

static bool pays(const void *context, const Claims claims, const Node *route) {
    (void)context;
    for (int i = 0; i < route->operand_count; i++) {
        const Value *value = route->operands[i];
        int64_t channels = value->type.dims[1];
        if (!claims[value->id])
            continue;
        int64_t runs = claimed_runs(claims[value->id], channels);
        if (runs > 2 && (runs > MOST_CLAIMED_RUNS || channels / runs < LEAST_CLAIMED_CHANNELS))
            return false;
    }
    return true;
}

void claim_routes(Decisions *decisions) {
    int values = decisions->graph->next_value_id + 1;
    const ClaimPolicy runs = {
        .context = decisions, .may_own = is_route, .can_store = can_store, .pays = pays};
    decisions->claims = ARENA_ARRAY(decisions->arena, Claim *, values);
    decisions->owns = ARENA_ARRAY(decisions->arena, bool, values);
    const Node **owners =
        claim_channels(decisions->graph, &runs, decisions->arena, decisions->claims);
    for (; *owners; owners++)
        decisions->owns[(*owners)->results[0]->id] = true;
}

const Node *claim_route(const Decisions *decisions, const Value *value, int64_t channel) {
    const Claim *claims = decisions->claims[value->id];
    return claims ? claims[channel].route : NULL;
}

bool route_owns_sources(const Decisions *decisions, const Node *node) {
    return node->op == OP_route && decisions->owns[node->results[0]->id];
}
