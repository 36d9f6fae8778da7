/* Places where an answer jumps: what is within rounding of one may come out on either side. */
#ifndef RIFFLE_TESTS_RANDOM_JUMPS_H
#define RIFFLE_TESTS_RANDOM_JUMPS_H

#include "ir/graph.h"

bool element_jumps(OpKind element);
/* Whether any op of the graph, or of its activations, does. */
bool graph_jumps(const Graph *graph);

#endif
