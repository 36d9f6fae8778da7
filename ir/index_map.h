/* Which number of a tensor is which of another that rearrange, slice and join make of it.
 *
 * A map is a list of digits. Each counts from 0 to its size - 1, and all combinations of them are
 * the numbers that the map speaks of: index d of the source is source_base[d] plus, for each digit
 * of that dimension, value times source_weight; index e of the result likewise. A digit that
 * repeats has no dimension of the source. So the map says where each number goes, or comes from,
 * with whole numbers times digits and nothing else: where rows of a kernel are such digits, strides
 * can say it. */
#ifndef RIFFLE_IR_INDEX_MAP_H
#define RIFFLE_IR_INDEX_MAP_H

#include "ir/graph.h"

enum { MOST_DIGITS = 24, NO_DIMENSION = -1 };

typedef struct Digit {
    int64_t size;
    int source_dimension; /* NO_DIMENSION: the numbers are repeated */
    int64_t source_weight;
    int result_dimension;
    int64_t result_weight;
} Digit;

typedef struct IndexMap {
    int source_rank, result_rank;
    int64_t source_base[MAX_RANK], result_base[MAX_RANK];
    int64_t source_dims[MAX_RANK], result_dims[MAX_RANK];
    Digit digits[MOST_DIGITS];
    int digit_count;
    bool empty; /* it speaks of no number */
} IndexMap;

/* Each number is itself. */
IndexMap index_map_identity(const TensorType *type);

/* The map to the result of the node, one of op_moves_numbers, from a map to its operand `index`.
 * False where no map can say it: a reshape that cuts through what another put together, a slice of
 * some of what lies in pieces. */
bool index_map_apply(IndexMap *map, const Node *node, int index);

/* Makes one digit of those that follow each other on both sides, and drops those of size one. The
 * slowest of the result come first. */
void index_map_simplify(IndexMap *map);

/* The map from the result to the source. Nothing is repeated in it. */
IndexMap index_map_inverse(const IndexMap *map);
bool index_map_repeats(const IndexMap *map);

/* The map of a rearrange, slice, or first operand of a join, simplified. False as above. */
bool index_map_of(const Node *node, IndexMap *map);

/* Whether each number is itself, in a tensor of the same dimensions. The map is simplified. */
bool index_map_is_identity(const IndexMap *map);

/* Whether both sides have channels, and a number of one is of the same channel in the other, all
 * of which are there. The map is simplified. */
bool index_map_keeps_channels(const IndexMap *map);

/* The attributes of a rearrange. */
typedef struct Rearrangement {
    int64_t factors[MOST_DIGITS], order[MOST_DIGITS], dims[MAX_RANK];
    int factor_count, order_count, rank;
} Rearrangement;

/* What a rearrange must have to be the map. False where it leaves numbers out, or is but a part of
 * a result. The map is simplified. */
bool index_map_rearrangement(const IndexMap *map, Rearrangement *rearrangement);
void node_set_rearrangement(Graph *graph, Node *node, const Rearrangement *rearrangement);

/* How many numbers the map speaks of, each once: digits that repeat do not count. */
int64_t index_map_count(const IndexMap *map);

/* The digit of a dimension of the source, where one or none (NULL) is all of it; *many is set where
 * there are several. */
const Digit *index_map_source_digit(const IndexMap *map, int dimension, bool *many);

#endif
