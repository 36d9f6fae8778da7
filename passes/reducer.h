/* Makes a failing case small: first fewer passes, then a smaller graph, as long as it fails. */
#ifndef RIFFLE_PASSES_REDUCER_H
#define RIFFLE_PASSES_REDUCER_H

#include "ir/graph.h"

/* Whether the graph, which has no weight data, still fails with the pipeline. */
typedef bool StillFails(void *context, Graph *graph, const char *pipeline);

typedef struct ReducedGraph {
    Graph *graph;         /* in the caller's arena */
    const char *pipeline; /* as few passes as possible */
    int attempts;
} ReducedGraph;

/* `graph` and `pipeline` fail. Gives up after `most_attempts` and returns the smallest so far. */
ReducedGraph graph_reduce(const Graph *graph, const char *pipeline, StillFails *still_fails,
    void *context, int most_attempts, Arena *arena);

#endif
