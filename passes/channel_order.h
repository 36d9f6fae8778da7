/* Which orders of channels a graph is free to choose, and which of them suit its routes.
 * Internal to passes/; docs/routing.md has the theory.
 *
 * Values whose channels must have one order (the operands and result of a sum, what goes into and
 * comes out of a depthwise convolution) form a class. */
#ifndef RIFFLE_PASSES_CHANNEL_ORDER_H
#define RIFFLE_PASSES_CHANNEL_ORDER_H

#include "ir/graph.h"

/* A set of channels of a class that should become a run. */
typedef struct ChannelSet {
    bool *members;
    bool direct; /* by a reader of the class itself, not by readers further on */
    struct ChannelSet *next;
} ChannelSet;

typedef struct OrderClass {
    int64_t channels;
    bool *starts; /* starts[c]: a block begins at channel c; channels stay within their block */
    ChannelSet *wanted, *last_wanted; /* by readers of routes; most important first */
    ChannelSet *sources;              /* by where routes take the channels from */
    int set_count;
    int component;      /* classes that routes connect have the same */
    int64_t *old_place; /* the order: channel i is the one that was at old_place[i] */
    int64_t *new_place; /* the inverse */
} OrderClass;

typedef struct ChannelOrders {
    Arena *arena;
    const Graph *graph;
    OrderClass *classes; /* in the order of their first values */
    int class_count;
    int *class_of; /* by value id */
} ChannelOrders;

/* The classes of all values and the blocks within which each may be reordered. */
ChannelOrders *channel_orders_find(const Graph *graph, Arena *arena);
OrderClass *channel_order(const ChannelOrders *orders, const Value *value);

/* Chooses an order for each class, so that routes become few runs; changes nothing in the graph. */
void channel_orders_choose(ChannelOrders *orders);

/* True when nothing but the residuals of convolutions reads the route, or the sums that
 * absorb-route made it for: they load vectors in any order, so it asks for none and its pieces do
 * not count. */
bool route_is_residual(const Graph *graph, const Node *route);

/* True when one op alone reads the route, which takes each vector once and could put it together
 * from pieces: an element-wise op, or a depthwise convolution of one tap. What it asks for comes
 * last. */
bool route_is_gathered(const Graph *graph, const Node *route);

/* Pieces that the route would consist of with the chosen orders, or with the present ones. */
int64_t route_run_count(const ChannelOrders *orders, const Node *route, bool chosen);

#endif
