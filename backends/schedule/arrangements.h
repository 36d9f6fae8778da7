/* What rearrange, slice and join come to: for each of their results that somebody else reads, whose
 * numbers it is made of, and where each goes. No matter how many of these ops lie between, there is
 * one map from each source; the values between exist nowhere. */
#ifndef RIFFLE_BACKENDS_SCHEDULE_ARRANGEMENTS_H
#define RIFFLE_BACKENDS_SCHEDULE_ARRANGEMENTS_H

#include "ir/arena.h"
#include "ir/graph.h"
#include "ir/index_map.h"

/* The numbers of a source that an arrangement takes. */
typedef struct ArrangedPart {
    const struct Arrangement *arrangement;
    Value *source;
    IndexMap map;       /* simplified */
    const char *reason; /* NULL: whoever computes the source writes it there; else why not */
    bool dense;         /* then its pixels are one row of equal steps */
} ArrangedPart;

typedef struct Arrangement {
    Value *value;
    ArrangedPart *parts;
    int part_count;
} Arrangement;

/* By value id: of the values that somebody else than such an op reads; NULL of others. */
typedef Arrangement **Arrangements;

Arrangements find_arrangements(const Graph *graph, Arena *arena);

#endif
