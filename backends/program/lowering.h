/* What a graph is lowered with: all that is decided before kernels are made, and where tensors are.
 */
#ifndef RIFFLE_BACKENDS_PROGRAM_LOWERING_H
#define RIFFLE_BACKENDS_PROGRAM_LOWERING_H

#include "backends/program/options.h"
#include "backends/program/placement.h"
#include "backends/program/summary.h"
#include "backends/target/target.h"
#include "ir/arena.h"
#include "ir/diagnostics.h"
#include "ir/graph.h"

/* Which route's buffer the channels of a value are written to: see schedule/routes.c. */
typedef struct Claim Claim;
/* What lives when: see schedule/liveness.h. */
typedef struct Liveness Liveness;

/* Of what a kernel keeps on the stack: rings, or scratch. With 48 KiB fewer layers pay as chains or
 * by Winograd's algorithm; tests/consumers/test_stack.py looks at whole frames. */
enum { MOST_LOCAL_BYTES = 96 * 1024 };

typedef struct Lowering {
    Program *program;
    const Graph *graph;
    const Target *target;
    Arena *arena;
    Diagnostics *diagnostics;
    Placement **placements;      /* by value id; NULL until the value is placed */
    const GraphOutput **outputs; /* by value id: the output that the value is written to directly */
    Claim **claims;              /* by value id: per channel; NULL when no route owns any */
    const Node **chain_next;     /* by value id: who reads the value inside the same kernel */
    int *unread;                 /* by value id: how often it is read by steps to come */
    bool *owns;                  /* by value id: of a route: it owns its sources */
    Placement **owned;           /* by value id: where the channels of such a route are */
    LowerChains chains;          /* as in LowerOptions */
    LowerWinograd winograd;
    int64_t ring_bytes;
    bool copy_layout; /* see LowerOptions */
} Lowering;

#endif
