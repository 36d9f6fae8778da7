#include "backends/schedule/claims.h"
#include "ir/arena.h"
#include "ir/graph.h"

/* The channel that a kernel computes, or an input's. */
typedef struct Root {
    const Value *value;
    int64_t channel;
} Root;

static Root root_of(const ClaimPolicy *policy, const Node *node, int64_t channel) {
    Root root = {node->results[0], channel};
    do {
        ChannelSource source = channel_source(root.value, root.channel);
        root = (Root){node->operands[source.operand], source.channel};
        node = root.value->producer;
    } while (policy->through_views && node && op_moves_channels(node->op));
    return root;
}

/* Claims all that the node reads, up to the first channel that cannot be; returns how many. One
 * that is read twice cannot be written to both places. */
static int64_t claim(const ClaimPolicy *policy, const Node *node, Arena *arena, Claims claims) {
    int64_t count = node->results[0]->type.dims[1];
    for (int64_t i = 0; i < count; i++) {
        Root root = root_of(policy, node, i);
        Claim **of_value = &claims[root.value->id];
        if (!policy->can_store(policy->context, root.value))
            return i;
        if (!*of_value)
            *of_value = ARENA_ARRAY(arena, Claim, root.value->type.dims[1]);
        if ((*of_value)[root.channel].route)
            return i;
        (*of_value)[root.channel] = (Claim){node, i};
    }
    return count;
}

static void unclaim(const ClaimPolicy *policy, const Node *node, int64_t count, Claims claims) {
    for (int64_t i = 0; i < count; i++) {
        Root root = root_of(policy, node, i);
        claims[root.value->id][root.channel] = (Claim){NULL, 0};
    }
}

const Node **claim_channels(
    const Graph *graph, const ClaimPolicy *policy, Arena *arena, Claims claims) {
    int nodes = 0, owner_count = 0;
    for (const Node *node = graph->first; node; node = node->next)
        nodes++;
    const Node **owners = ARENA_ARRAY(arena, const Node *, nodes + 1);
    for (const Node *node = graph->last; node; node = node->previous) {
        if (!policy->may_own(policy->context, node))
            continue;
        int64_t count = claim(policy, node, arena, claims);
        if (count == node->results[0]->type.dims[1] &&
            (!policy->pays || policy->pays(policy->context, claims, node)))
            owners[owner_count++] = node;
        else
            unclaim(policy, node, count, claims);
    }
    owners[owner_count] = NULL;
    return owners;
}
