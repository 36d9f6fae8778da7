/* Orders in which given sets are runs: the consecutive-ones property, by a PQ-tree (Booth and
 * Lueker, "Testing for the consecutive ones property", 1976). Internal to passes/.
 *
 * A PQ-tree stands for all orders in which every set accepted so far is consecutive. Our sets are
 * few and small, so each step rebuilds the tree in linear time in place of the paper's bookkeeping.
 */
#ifndef RIFFLE_PASSES_CONSECUTIVE_H
#define RIFFLE_PASSES_CONSECUTIVE_H

#include "ir/arena.h"
#include <stdbool.h>
#include <stdint.h>

typedef struct ConsecutiveOrders ConsecutiveOrders;

/* All orders of 0..count-1 in which each block keeps its place and its members. starts[i] says that
 * a block begins at i (starts[0] is taken as true); NULL is one block. Lives in the arena. */
ConsecutiveOrders *consecutive_orders(Arena *arena, int64_t count, const bool *starts);

/* Keeps the orders in which the set is consecutive. When there is none, returns false and changes
 * nothing. */
bool consecutive_require(ConsecutiveOrders *orders, const bool *members);

/* One of the orders, the same for the same calls: where the tree leaves a choice, smaller keys come
 * first. order[i] is the element at place i. */
void consecutive_choose(const ConsecutiveOrders *orders, const int64_t *keys, int64_t *order);

#endif
