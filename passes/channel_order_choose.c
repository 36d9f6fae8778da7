/* Chooses the orders: each class gets one in which what its readers take, and what it was made of,
 * are runs (consecutive.h).
 *
 * Sets are asked for in turn, the most important first, and one that no order can serve together
 * with those before it is asked for in parts, or left out:
 *     1. the channels that a route takes from the class: a producer then writes them as one run
 *     2. the channels that a route brings from one operand, and from one block of it; if need be
 *        those in one block of the class, or in one of the sets above
 *     3. what the results of the routes are asked for in their turn, and their blocks, seen from
 *        here: so that the runs inside a run stay together too
 *     4. what is taken by ops that can put vectors together from pieces
 * Sets come from the readers backwards, orders are chosen from the producers forwards. Channels
 * that no set distinguishes follow the order of what a route connects them to, where that is
 * chosen. */
#include "passes/channel_order.h"
#include "passes/consecutive.h"

#include <string.h>

enum { MOST_SETS = 256 }; /* of a class; what is asked for later than that is rarely served */

/* ---- sets ---- */

static bool *new_members(const ChannelOrders *orders, const OrderClass *class) {
    return ARENA_ARRAY(orders->arena, bool, class->channels);
}

static bool is_known(const OrderClass *class, const ChannelSet *sets, const bool *members) {
    for (; sets; sets = sets->next)
        if (memcmp(sets->members, members, (size_t)class->channels * sizeof *members) == 0)
            return true;
    return false;
}

typedef enum SetKind { SET_TAKEN, SET_PULLED, SET_SOURCE } SetKind;

/* Takes note of a set that says something and is new. All that are taken come before the first that
 * is pulled back. */
static void ask_for(ChannelOrders *orders, OrderClass *class, bool *members, SetKind kind) {
    int64_t count = 0;
    for (int64_t c = 0; c < class->channels; c++)
        count += members[c];
    if (count < 2 || count == class->channels || class->set_count == MOST_SETS ||
        is_known(class, kind == SET_SOURCE ? class->sources : class->wanted, members))
        return;
    ChannelSet *set = ARENA_NEW(orders->arena, ChannelSet);
    set->members = members;
    set->direct = kind == SET_TAKEN;
    class->set_count++;
    if (kind == SET_SOURCE) {
        set->next = class->sources;
        class->sources = set;
    } else if (class->wanted == NULL) {
        class->wanted = class->last_wanted = set;
    } else {
        class->last_wanted->next = set;
        class->last_wanted = set;
    }
}

static int64_t block_end(const OrderClass *class, int64_t first) {
    int64_t end = first + 1;
    while (end < class->channels && !class->starts[end])
        end++;
    return end;
}

/* The result's channels that come from channels first..end-1 of operand k. */
static void ask_for_sources(
    ChannelOrders *orders, const Node *route, int k, int64_t first, int64_t end) {
    OrderClass *result = channel_order(orders, route->results[0]);
    bool *brought = new_members(orders, result);
    for (int64_t i = 0; i < result->channels; i++) {
        ChannelSource source = channel_source(route->results[0], i);
        brought[i] = source.operand == k && source.channel >= first && source.channel < end;
    }
    ask_for(orders, result, brought, SET_SOURCE);
}

/* What the route takes from, and brings into, each class. */
static void ask_for_operands(ChannelOrders *orders, const Node *route, SetKind kind) {
    OrderClass *result = channel_order(orders, route->results[0]);
    for (int k = 0; k < route->operand_count; k++) {
        OrderClass *operand = channel_order(orders, route->operands[k]);
        bool *taken = new_members(orders, operand);
        for (int64_t i = 0; i < result->channels; i++) {
            ChannelSource source = channel_source(route->results[0], i);
            if (source.operand == k)
                taken[source.channel] = true;
        }
        ask_for(orders, operand, taken, kind);
        for (int64_t first = 0; first < operand->channels; first = block_end(operand, first))
            if (block_end(operand, first) > first + 1)
                ask_for_sources(orders, route, k, first, block_end(operand, first));
        ask_for_sources(orders, route, k, 0, operand->channels);
    }
}

/* The set of the result's channels, as a set of an operand's. */
static void pull_back(ChannelOrders *orders, const Node *route, int k, const bool *members) {
    OrderClass *operand = channel_order(orders, route->operands[k]);
    int64_t count = route->results[0]->type.dims[1];
    bool *pulled = new_members(orders, operand);
    for (int64_t i = 0; i < count; i++) {
        ChannelSource source = channel_source(route->results[0], i);
        if (source.operand == k && members[i])
            pulled[source.channel] = true;
    }
    ask_for(orders, operand, pulled, SET_PULLED);
}

static void pull_back_all(ChannelOrders *orders, const Node *route) {
    OrderClass *result = channel_order(orders, route->results[0]);
    for (int k = 0; k < route->operand_count; k++) {
        if (channel_order(orders, route->operands[k]) >= result)
            continue; /* orders are chosen in this sequence: this one cannot wait for the result's
                       */
        for (const ChannelSet *set = result->wanted; set; set = set->next)
            pull_back(orders, route, k, set->members);
        for (int64_t first = 0; first < result->channels; first = block_end(result, first)) {
            if (block_end(result, first) == first + 1)
                continue;
            bool *block = new_members(orders, result);
            for (int64_t c = first; c < block_end(result, first); c++)
                block[c] = true;
            pull_back(orders, route, k, block);
        }
    }
}

/* ---- orders ---- */

static bool is_pinned(const OrderClass *class) {
    for (int64_t c = 0; c < class->channels; c++)
        if (!class->starts[c])
            return false;
    return true;
}

/* keys[c]: where channel c of the class would like to be, as far as sets leave it open. */
static int64_t *find_keys(
    ChannelOrders *orders, const OrderClass *class, Node *const *routes, size_t route_count) {
    int64_t *keys = ARENA_ARRAY(orders->arena, int64_t, class->channels);
    for (int64_t c = 0; c < class->channels; c++)
        keys[c] = c;
    for (size_t r = 0; r < route_count; r++) {
        const Node *route = routes[r];
        const OrderClass *result = channel_order(orders, route->results[0]);
        bool pinned = result > class && is_pinned(result);
        int64_t *first_place = ARENA_ARRAY(orders->arena, int64_t, route->operand_count + 1);
        for (int k = 0; k < route->operand_count; k++)
            first_place[k + 1] = first_place[k] + route->operands[k]->type.dims[1];
        for (int64_t i = 0; i < result->channels; i++) {
            ChannelSource source = channel_source(route->results[0], i);
            const OrderClass *operand = channel_order(orders, route->operands[source.operand]);
            if (result == class && operand < class)
                keys[i] = first_place[source.operand] + operand->new_place[source.channel];
            else if (operand == class && result < class)
                keys[source.channel] = result->new_place[i];
            else if (operand == class && pinned)
                keys[source.channel] = i;
        }
    }
    return keys;
}

/* Asks for the part of the set that is in another. */
static void require_part(ChannelOrders *orders, ConsecutiveOrders *possible,
    const OrderClass *class, const bool *members, const bool *other) {
    bool *part = new_members(orders, class);
    for (int64_t c = 0; c < class->channels; c++)
        part[c] = members[c] && other[c];
    (void)consecutive_require(possible, part);
}

/* Asks for the set; or, where no order has it in one piece, for its part of each block. */
static bool require(ChannelOrders *orders, ConsecutiveOrders *possible, const OrderClass *class,
    const bool *members) {
    if (consecutive_require(possible, members))
        return true;
    for (int64_t first = 0; first < class->channels; first = block_end(class, first)) {
        bool *block = new_members(orders, class);
        for (int64_t c = first; c < block_end(class, first); c++)
            block[c] = true;
        require_part(orders, possible, class, members, block);
    }
    return false;
}

static void choose(
    ChannelOrders *orders, OrderClass *class, Node *const *routes, size_t route_count) {
    class->old_place = ARENA_ARRAY(orders->arena, int64_t, class->channels);
    class->new_place = ARENA_ARRAY(orders->arena, int64_t, class->channels);
    ConsecutiveOrders *possible = consecutive_orders(orders->arena, class->channels, class->starts);
    const ChannelSet *pulled = class->wanted;
    for (; pulled && pulled->direct; pulled = pulled->next)
        (void)require(orders, possible, class, pulled->members);
    for (const ChannelSet *source = class->sources; source; source = source->next)
        if (!require(orders, possible, class, source->members))
            for (const ChannelSet *set = class->wanted; set != pulled; set = set->next)
                require_part(orders, possible, class, source->members, set->members);
    for (; pulled; pulled = pulled->next)
        (void)require(orders, possible, class, pulled->members);
    consecutive_choose(possible, find_keys(orders, class, routes, route_count), class->old_place);
    for (int64_t i = 0; i < class->channels; i++)
        class->new_place[class->old_place[i]] = i;
}

/* ---- components ---- */

/* Numbers the classes so that those that a route connects have one number. */
static void connect(ChannelOrders *orders, Node *const *routes, size_t route_count) {
    for (int i = 0; i < orders->class_count; i++)
        orders->classes[i].component = i;
    for (bool changed = true; changed;) {
        changed = false;
        for (size_t r = 0; r < route_count; r++) {
            OrderClass *result = channel_order(orders, routes[r]->results[0]);
            for (int k = 0; k < routes[r]->operand_count; k++) {
                OrderClass *operand = channel_order(orders, routes[r]->operands[k]);
                if (operand->component == result->component)
                    continue;
                int least =
                    operand->component < result->component ? operand->component : result->component;
                operand->component = result->component = least;
                changed = true;
            }
        }
    }
}

void channel_orders_choose(ChannelOrders *orders) {
    size_t route_count = 0;
    for (const Node *node = orders->graph->first; node; node = node->next)
        route_count += node->op == OP_route;
    Node **routes = ARENA_ARRAY(orders->arena, Node *, route_count + 1);
    size_t at = 0;
    for (Node *node = orders->graph->first; node; node = node->next)
        if (node->op == OP_route)
            routes[at++] = node;
    connect(orders, routes, route_count);
    for (size_t r = 0; r < route_count; r++)
        if (!route_is_residual(orders->graph, routes[r]) &&
            !route_is_gathered(orders->graph, routes[r]))
            ask_for_operands(orders, routes[r], SET_TAKEN);
    for (int i = orders->class_count - 1; i >= 0; i--)
        for (size_t r = 0; r < route_count; r++)
            if (channel_order(orders, routes[r]->results[0]) == &orders->classes[i] &&
                !route_is_residual(orders->graph, routes[r]))
                pull_back_all(orders, routes[r]);
    for (size_t r = 0; r < route_count; r++)
        if (route_is_gathered(orders->graph, routes[r]))
            ask_for_operands(orders, routes[r], SET_PULLED);
    for (int i = 0; i < orders->class_count; i++)
        choose(orders, &orders->classes[i], routes, route_count);
}

int64_t route_run_count(const ChannelOrders *orders, const Node *route, bool chosen) {
    const OrderClass *result = channel_order(orders, route->results[0]);
    ChannelSource previous = {-1, 0};
    int64_t runs = 0;
    for (int64_t i = 0; i < result->channels; i++) {
        ChannelSource source = channel_source(route->results[0], chosen ? result->old_place[i] : i);
        const OrderClass *operand = channel_order(orders, route->operands[source.operand]);
        if (chosen)
            source.channel = operand->new_place[source.channel];
        runs += source.operand != previous.operand || source.channel != previous.channel + 1;
        previous = source;
    }
    return runs;
}
