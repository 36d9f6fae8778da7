/* Which layout ops own the channels that they read: then each producer writes them where the op's
 * result is, and nothing is moved. The walk is the same for runs of channels (routes.c) and for
 * planes (gpu/place.c); a policy says what may own, and what can write elsewhere. */
#ifndef RIFFLE_BACKENDS_SCHEDULE_CLAIMS_H
#define RIFFLE_BACKENDS_SCHEDULE_CLAIMS_H

#include "ir/arena.h"
#include "ir/graph.h"
#include <stdbool.h>
#include <stdint.h>

/* Where a channel of a value goes: channel `channel` of the result of `route`. */
typedef struct Claim {
    const Node *route; /* NULL: to the value's own buffer */
    int64_t channel;
} Claim;

/* By value id: per channel; NULL when nobody owns any. */
typedef Claim **Claims;

typedef struct ClaimPolicy {
    const void *context; /* for the functions */
    /* Whether the node may own what it reads. */
    bool (*may_own)(const void *context, const Node *node);
    /* Whether the kernel that makes the value writes single channels to other places. */
    bool (*can_store)(const void *context, const Value *value);
    /* Asked when all channels of the node are claimed; NULL: it does. */
    bool (*pays)(const void *context, const Claims claims, const Node *node);
    bool through_views; /* layout ops between are looked through; else they own nothing */
} ClaimPolicy;

/* Goes from the last node to the first: a later route is the longer one where tensors only grow.
 * All channels that a node reads are claimed, or none. Returns who owns, the last node first; NULL
 * behind the last. `claims` has room for all values. */
const Node **claim_channels(
    const Graph *graph, const ClaimPolicy *policy, Arena *arena, Claims claims);

#endif
