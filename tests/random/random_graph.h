/* Seeded random graphs: well-formed, small, of every op and with the units of the networks that
 * riffle is for. Equal seeds make equal graphs. */
#ifndef RIFFLE_TESTS_RANDOM_GRAPH_H
#define RIFFLE_TESTS_RANDOM_GRAPH_H

#include "ir/graph.h"

/* A graph of at least `node_count` nodes (and few more) without weight data. */
Graph *random_graph(uint64_t seed, int node_count, Arena *arena);

#endif
