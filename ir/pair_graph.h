/* What proofs do with graphs beside interpreting them: draw the pairs of their weights and inputs,
 * and compare those of their outputs. */
#ifndef RIFFLE_IR_PAIR_GRAPH_H
#define RIFFLE_IR_PAIR_GRAPH_H

#include "ir/graph.h"
#include "ir/pair.h"

/* Of the graph's index-th weight or input. A residue is any, each as likely; a double of a weight
 * is near its number, that of an input from -1.7 to 1.7, and that of a byte a whole number, as is
 * its residue where `whole`: for what computes with bytes. */
void pairs_draw_weight(const Weight *weight, int index, uint64_t seed, Pair *pairs);
void pairs_draw_input(const TensorType *type, int index, uint64_t seed, bool whole, Pair *pairs);

/* One array for each output: a pair for so many bytes, or, with 0, for each number. */
Pair **pairs_make_outputs(const Graph *graph, int cell_bytes, Arena *arena);

typedef struct PairComparison {
    int64_t compared, unsure, wrong;
    const char *fault; /* what is wrong with the first, and how many more there are; or NULL */
} PairComparison;

/* Those expected lie side by side, the others as pairs_make_outputs made room for them. */
PairComparison pairs_compare(
    const Graph *graph, Pair *const *expected, Pair *const *actual, int cell_bytes, Arena *arena);

#endif
