/* What is being made: the program so far, and where its tensors are. */
#ifndef RIFFLE_BACKENDS_PROGRAM_EMISSION_H
#define RIFFLE_BACKENDS_PROGRAM_EMISSION_H

#include "backends/program/compilation.h"
#include "backends/program/decided.h"
#include "backends/program/placement.h"
#include "backends/program/summary.h"
#include "ir/arena.h"
#include "ir/diagnostics.h"
#include "ir/graph.h"

typedef struct Emission {
    const Compilation *compilation;
    const Graph *graph;
    const Decisions *decisions; /* NULL for a GPU */
    Arena *arena;
    Diagnostics *diagnostics;
    Program *program;
    Placement **placements; /* by value id; NULL until the value is placed */
    Placement **owned; /* by value id: where the channels are of a route that owns its sources */
    int *unread;       /* by value id: how often it is read by steps to come */
} Emission;

#endif
