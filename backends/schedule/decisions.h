/* What is decided of a network before any kernel is made, and does not change from then on. */
#ifndef RIFFLE_BACKENDS_SCHEDULE_DECISIONS_H
#define RIFFLE_BACKENDS_SCHEDULE_DECISIONS_H

#include "backends/program/compilation.h"
#include "backends/schedule/arrangements.h"
#include "backends/schedule/claims.h"
#include "ir/arena.h"
#include "ir/graph.h"

/* The buffers that a tensor is cut into: the i-th has channels ends[i - 1] (or 0) to ends[i] - 1.
 */
typedef struct TensorCuts {
    const int64_t *ends;
    int count; /* 0: the value is not the result of a route that owns its sources */
} TensorCuts;

typedef struct Decisions {
    const Compilation *compilation;
    const Graph *graph;
    Arena *arena;
    const GraphOutput **outputs; /* by value id: the output that the value is written to directly */
    Arrangements arrangements;   /* by value id: of what rearrange, slice and join make */
    const ArrangedPart **stored; /* by value id: which of their parts the value is stored as */
    Claims claims;               /* by value id: per channel; NULL when no route owns any */
    bool *owns;                  /* by value id: of a route: it owns its sources */
    TensorCuts *cuts;            /* by value id: of such a route */
    const Node **chain_next;     /* by value id: who reads the value inside the same kernel */
    const Node **order; /* in the order of their steps, of a chain its last node; NULL behind all */
    int64_t live_bytes; /* that any placement needs in this order */
    int64_t *room; /* by value id: bytes of the workspace that are free while its kernel runs; NULL
                      until the order is known */
} Decisions;

/* Decides it all. The graph has passed the pipeline; the arena must outlive the decisions. */
const Decisions *decide(const Graph *graph, const Compilation *compilation, Arena *arena);

#endif
