/* Makes a graph small that is of interest: one that fails, or that holds what somebody looks for.
 * First fewer passes, then a smaller graph, as long as a test says that it is of interest still. */
#ifndef RIFFLE_PASSES_REDUCER_H
#define RIFFLE_PASSES_REDUCER_H

#include "ir/graph.h"

typedef enum ReducerVerdict {
    VERDICT_NO,
    VERDICT_YES,
    VERDICT_STOP /* as NO; nothing more is tried */
} ReducerVerdict;

/* Whether the graph, which has no weight data, is still of interest with the pipeline. */
typedef ReducerVerdict ReducerTest(void *context, Graph *graph, const char *pipeline);

typedef struct ReducedGraph {
    Graph *graph;         /* in the caller's arena */
    const char *pipeline; /* as few passes as possible */
    int attempts;
    bool finished; /* false: it was stopped, or gave up, and there may be a smaller one */
} ReducedGraph;

/* `graph` and `pipeline` (which may be empty) are of interest. Gives up after `most_attempts` and
 * returns the smallest so far. */
ReducedGraph graph_reduce(const Graph *graph, const char *pipeline, ReducerTest *test,
    void *context, int most_attempts, Arena *arena);

#endif
