/* Seeded random graphs for tests of passes: small, valid, and full of what passes look for (batch
 * norms with and without a convolution before them, shared results, trees of layout ops,
 * residuals). */
#ifndef RIFFLE_TESTS_UNIT_RANDOM_GRAPH_H
#define RIFFLE_TESTS_UNIT_RANDOM_GRAPH_H

#include "ir/graph.h"

/* A graph of about `node_count` nodes without weight data. */
Graph *random_graph(uint64_t seed, int node_count, Arena *arena);

#endif
