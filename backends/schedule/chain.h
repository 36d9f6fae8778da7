/* Inside the lowering of chains: what the rings between the ops of one kernel look like, and what a
 * chain costs. `nodes` are those of a chain in order, `count` of them, at most MOST_CHAIN. */
#ifndef RIFFLE_BACKENDS_CHAIN_H
#define RIFFLE_BACKENDS_CHAIN_H

#include "backends/program/lowering.h"

enum { MOST_CHAIN = MAX_KERNEL_LOCALS + 1 };

/* rows[i]: how many rows of nodes[i]'s output the computation of one row of the last needs at once.
 */
void chain_ring_rows(const Node *const *nodes, int count, int64_t *rows);
/* columns[i]: which columns of nodes[i]'s output strip `strip` of `strips` equal ones of the last
 * needs. Neighbouring strips compute those between them twice. */
void chain_strip_columns(
    const Node *const *nodes, int count, int64_t strip, int64_t strips, ColumnRange *columns);
/* widths[i]: the columns of nodes[i]'s output in the widest strip. */
void chain_ring_widths(const Node *const *nodes, int count, int64_t strips, int64_t *widths);
/* Numbers of a ring of the node's output, with room behind it for loads of whole vectors. */
int64_t chain_ring_numbers(const Target *target, const Node *node, int64_t rows, int64_t width);

/* In how many strips the chain takes the fewest cycles; 0 when its rings fit in no number. */
int64_t chain_strips(const Lowering *lowering, const Node *const *nodes, int count);
/* The cycles of one image in that many strips, or of the layer by itself. */
double chain_cycles(const Lowering *lowering, const Node *const *nodes, int count);

/* ---- row_fetch.c ---- */

enum { MOST_FETCHED_RUNS = 8 };

struct RowFetch {
    const Run *runs[MOST_FETCHED_RUNS];
    int parameters[MOST_FETCHED_RUNS];
    int run_count;
    int64_t rows, columns; /* of the input, for each of the op */
    int64_t first_row;     /* of those to fetch, from `rows` times the op's row */
};

/* Part `share` of `shares` of what goes with so many pixels of a row of the op. */
typedef struct FetchingTile {
    const Expression *image, *row, *column, *share;
    int64_t pixels, shares;
} FetchingTile;

/* For the last of `count` ops with these windows, the first of which reads the input; NULL where
 * the second-level cache keeps that anyway. */
const RowFetch *make_row_fetch(Arena *arena, const Target *target, const Placement *input,
    const int *parameters, const Window *windows, int count);
void emit_row_fetch(KernelBuilder *builder, const RowFetch *fetch, const FetchingTile *tile);

/* Cycles to move so many bytes of a working set of `size` bytes once; none within the first-level
 * cache. */
double traffic_cycles(const Target *target, double bytes, int64_t size);

#endif
