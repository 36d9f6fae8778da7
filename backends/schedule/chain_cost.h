/* Inside the decisions of chains: what the rings between the ops of one kernel look like, and what
 * a chain costs. `nodes` are those of a chain in order, `count` of them, at most MOST_CHAIN. */
#ifndef RIFFLE_BACKENDS_SCHEDULE_CHAIN_COST_H
#define RIFFLE_BACKENDS_SCHEDULE_CHAIN_COST_H

#include "backends/program/compilation.h"
#include "backends/schedule/decisions.h"
#include "backends/schedule/shape.h"
#include "backends/target/target.h"
#include "ir/graph.h"
#include "ir/kernel.h"

enum { MOST_CHAIN = MAX_KERNEL_LOCALS + 1 };

/* rows[i]: how many rows of nodes[i]'s output the computation of one row of the last needs at once;
 * of pixels some more. */
void chain_ring_rows(const Node *const *nodes, int count, int64_t *rows);
/* columns[i]: which columns of nodes[i]'s output strip `strip` of `strips` equal ones of the last
 * needs. Neighbouring strips compute those between them twice. */
void chain_strip_columns(
    const Node *const *nodes, int count, int64_t strip, int64_t strips, ColumnRange *columns);
/* widths[i]: the columns of nodes[i]'s output in the widest strip. */
void chain_ring_widths(const Node *const *nodes, int count, int64_t strips, int64_t *widths);
/* Numbers of a ring of the node's output, with room behind it for loads of whole vectors. */
int64_t chain_ring_numbers(const Target *target, const Node *node, int64_t rows, int64_t width);

/* In how many strips the chain is computed: those of the fewest cycles, or some more, so that its
 * rings fit the stack (room.h); 0 when they fit nowhere in any number. */
int64_t chain_strips(const Decisions *decisions, const Node *const *nodes, int count);
/* The cycles of one image in that many strips, or of the layer by itself. */
double chain_cycles(const Compilation *compilation, const Node *const *nodes, int count);

/* Cycles to move so many bytes of a working set of `size` bytes once; none within the first-level
 * cache. */
double traffic_cycles(const Target *target, double bytes, int64_t size);

#endif
