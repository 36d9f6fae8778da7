/* Where the numbers are that a map takes from one placement to another. */
#ifndef RIFFLE_BACKENDS_PROGRAM_ARRANGED_H
#define RIFFLE_BACKENDS_PROGRAM_ARRANGED_H

#include "backends/program/placement.h"
#include "ir/arena.h"
#include "ir/graph.h"
#include "ir/index_map.h"

/* Where a kernel that computes the source stores it, so that it lies in the result as the map says:
 * runs with the strides of the result's rows and columns, and repeated where the map repeats. NULL
 * where rows and columns of the source are none there, where not all of it is taken, or its
 * channels would fall apart. The map is simplified. */
Placement *arranged_placement(
    Arena *arena, const Placement *result, const Value *source, const IndexMap *map);

/* A regular part of what the map takes: the numbers lie there in two placements of equal sizes. */
typedef struct ArrangedPiece {
    Placement from, to;
} ArrangedPiece;

enum { MOST_ARRANGED_PIECES = 4096 };

/* All that the map takes from the source, placed there, to the result, in pieces. Their number; -1
 * where they would be more than MOST_ARRANGED_PIECES. */
int arranged_pieces(Arena *arena, const IndexMap *map, const Placement *source,
    const Placement *result, ArrangedPiece **pieces);

#endif
