/* Place: lets producers write their channels straight into the dense buffer of the route that reads
 * them, so that concat, shuffle and split move nothing (docs/kernels.md, "Where tensors are").
 *
 * A route can own its sources when every one of them comes from a kernel that can store by runs,
 * and none of the channels is owned by another route yet. Routes claim from the last one to the
 * first: in a dense block the longest concat then owns all, and the shorter ones are views of its
 * first channels. A claim is refused when a source would fall into so many runs that its stores
 * cost more than a copy. */
#include "backends/schedule/routes.h"
#include "backends/program/buffers.h"
#include "backends/program/lowering.h"
#include "backends/program/placement.h"
#include "ir/arena.h"
#include "ir/graph.h"
#include <assert.h>
#include <string.h>

/* Where channel c of a value goes: channel `channel` of the result of `route`, or NULL. */
struct Claim {
    const Node *route;
    int64_t channel;
};

/* A store per run and vector is cheap, as long as runs are not much shorter than vectors. */
enum { MOST_CLAIMED_RUNS = 16, LEAST_CLAIMED_CHANNELS = 4 };

static bool stores_by_runs(const Node *node) {
    if (!node)
        return false;
    switch (node->op) {
    case OP_conv:
    case OP_linear:
    case OP_quantized_conv:
    case OP_quantized_linear:
    case OP_pad:
    case OP_max_pool:
    case OP_avg_pool:
    case OP_global_avg_pool:
    case OP_relu:
    case OP_relu6:
    case OP_sigmoid:
    case OP_hard_sigmoid:
    case OP_hard_swish:
    case OP_add:
    case OP_multiply:
        return true;
    default:
        return false;
    }
}

static void unclaim(Lowering *lowering, const Node *route) {
    for (int i = 0; i < route->operand_count; i++) {
        const Value *value = route->operands[i];
        Claim *claims = lowering->claims[value->id];
        for (int64_t c = 0; claims && c < value->type.dims[1]; c++)
            if (claims[c].route == route)
                claims[c] = (Claim){NULL, 0};
    }
}

/* Claims what the route reads; false when some of it cannot be claimed. */
static bool claim_channels(Lowering *lowering, const Node *route) {
    int64_t count = route->results[0]->type.dims[1];
    for (int64_t i = 0; i < count; i++) {
        RouteSource source = route_source(route, i);
        const Value *value = route->operands[source.operand];
        if (!stores_by_runs(value->producer) || lowering->outputs[value->id])
            return false;
        if (!lowering->claims[value->id])
            lowering->claims[value->id] = ARENA_ARRAY(lowering->arena, Claim, value->type.dims[1]);
        Claim *claim = &lowering->claims[value->id][source.channel];
        if (claim->route)
            return false;
        *claim = (Claim){route, i};
    }
    return true;
}

static bool continues_claim(const Claim *a, const Claim *b) {
    return a->route == b->route && (!a->route || a->channel + 1 == b->channel);
}

static int64_t claimed_runs(const Claim *claims, int64_t count) {
    int64_t runs = 1;
    for (int64_t c = 1; c < count; c++)
        if (!continues_claim(&claims[c - 1], &claims[c]))
            runs++;
    return runs;
}

static bool worthwhile(const Lowering *lowering, const Node *route) {
    for (int i = 0; i < route->operand_count; i++) {
        const Value *value = route->operands[i];
        int64_t channels = value->type.dims[1];
        if (!lowering->claims[value->id])
            continue;
        int64_t runs = claimed_runs(lowering->claims[value->id], channels);
        if (runs > 2 && (runs > MOST_CLAIMED_RUNS || channels / runs < LEAST_CLAIMED_CHANNELS))
            return false;
    }
    return true;
}

void lowering_claim_routes(Lowering *lowering) {
    lowering->claims = ARENA_ARRAY(lowering->arena, Claim *, lowering->graph->next_value_id + 1);
    lowering->owned = ARENA_ARRAY(lowering->arena, Placement *, lowering->graph->next_value_id + 1);
    lowering->owns = ARENA_ARRAY(lowering->arena, bool, lowering->graph->next_value_id + 1);
    for (const Node *node = lowering->graph->last; node; node = node->previous) {
        if (node->op != OP_route || lowering->copy_layout)
            continue;
        if (!claim_channels(lowering, node) || !worthwhile(lowering, node))
            unclaim(lowering, node);
        else
            lowering->owns[node->results[0]->id] = true;
    }
}

const Node *claim_route(const Lowering *lowering, const Value *value, int64_t channel) {
    const Claim *claims = lowering->claims[value->id];
    return claims ? claims[channel].route : NULL;
}

bool route_owns_sources(const Lowering *lowering, const Node *node) {
    return node->op == OP_route && lowering->owns[node->results[0]->id];
}

static const Run *run_of(const Placement *placement, int64_t channel) {
    const Run *run = placement->runs;
    while (channel >= run->first_channel + run->channel_count)
        run++;
    return run;
}

Placement *lowering_claimed_place(Lowering *lowering, const Value *value) {
    const Claim *claims = lowering->claims[value->id];
    int64_t channels = value->type.rank > 1 ? value->type.dims[1] : 1;
    if (!claims)
        return NULL;
    int64_t run_count = claimed_runs(claims, channels);
    if (run_count == 1 && !claims[0].route)
        return NULL;
    Placement *own = NULL; /* for channels that no route owns */
    Run *runs = ARENA_ARRAY(lowering->arena, Run, run_count);
    int used = 0;
    for (int64_t first = 0; first < channels;) {
        int64_t end = first + 1;
        while (end < channels && continues_claim(&claims[end - 1], &claims[end]))
            end++;
        const Node *route = claims[first].route;
        if (!route && !own)
            own = lowering_dense(lowering, value);
        /* A part of the owner's buffer ends only where another producer begins. */
        const Placement *home = route ? lowering->owned[route->results[0]->id] : own;
        int64_t channel = route ? claims[first].channel : first;
        runs[used] = *run_of(home, channel);
        runs[used].offset += channel - runs[used].first_channel;
        runs[used].first_channel = first;
        runs[used++].channel_count = end - first;
        first = end;
    }
    Placement *placement = ARENA_NEW(lowering->arena, Placement);
    const Claim *any = claims;
    while (!any->route)
        any++;
    *placement = *lowering->owned[any->route->results[0]->id]; /* equal but for the channels */
    placement->channels = channels;
    placement->runs = runs;
    placement->run_count = used;
    placement_share_parameters(placement);
    return placement;
}
