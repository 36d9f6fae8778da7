/* Sizes beyond which no code is made. */
#ifndef RIFFLE_BACKENDS_PROGRAM_LIMITS_H
#define RIFFLE_BACKENDS_PROGRAM_LIMITS_H

#include "ir/diagnostics.h"
#include "ir/graph.h"

/* Whether no size is beyond what code can be made for in bounded time and memory; reports each node
 * that is. To be asked before weights are made and passes run: those take memory, too. */
bool graph_within_limits(const Graph *graph, Diagnostics *diagnostics);

#endif
