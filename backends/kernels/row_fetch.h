/* Which rows of a kernel's input the tiles of one of its ops bring nearer. */
#ifndef RIFFLE_BACKENDS_KERNELS_ROW_FETCH_H
#define RIFFLE_BACKENDS_KERNELS_ROW_FETCH_H

#include "backends/program/placement.h"
#include "backends/schedule/shape.h"
#include "backends/target/target.h"
#include "ir/arena.h"
#include "ir/kernel.h"

typedef struct RowFetch RowFetch;

enum { MOST_FETCHED_RUNS = 8 };

struct RowFetch {
    const Run *runs[MOST_FETCHED_RUNS];
    int parameters[MOST_FETCHED_RUNS];
    int run_count;
    int64_t line;          /* numbers of a cache line */
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

#endif
