/* What lives when, before anything is lowered. Decides in which order layers are computed, and how
 * much memory any placement of their tensors needs. */
#ifndef RIFFLE_BACKENDS_SCHEDULE_LIVENESS_H
#define RIFFLE_BACKENDS_SCHEDULE_LIVENESS_H

#include "backends/schedule/decisions.h"
#include "ir/arena.h"
#include "ir/graph.h"

/* Channels of a value that are stored in the same place: in the buffer of one route, or in the
 * value's own. */
typedef struct LiveUnit {
    const Value *value;
    const Node *route; /* whose buffer; NULL: the value's own */
    int64_t bytes;     /* 0 in the caller's output buffer */
    int writer;        /* item */
    int first, last;   /* positions in the order, from its writer to its last reader */
} LiveUnit;

/* A layer, or the layers of a chain, as named by the last one. */
typedef struct LiveItem {
    const Node *node; /* NULL: the copies to outputs, at the end */
    int *units;       /* that it reads or writes */
    int unit_count;
} LiveItem;

/* A channel of a value that a layer computed, or of an input. */
typedef struct RootChannel {
    const Value *value;
    int64_t channel;
} RootChannel;

typedef struct Liveness {
    const Decisions *decisions;
    Arena *arena;
    LiveItem *items;
    int item_count;
    int *order; /* items, in the order in which they run */
    LiveUnit *units;
    int unit_count, unit_capacity;
    int *item_of;        /* by value id: the item that computes it; -1 for inputs and views */
    int **unit_of;       /* by value id: per channel; NULL for inputs and views */
    RootChannel **roots; /* by value id: per channel of a view; NULL for others */
    int *seen;           /* by unit: the last item that was found to touch it, plus one */
} Liveness;

/* The claims and chains must have been decided. The order is the graph's. */
Liveness *liveness_create(const Decisions *decisions, Arena *arena);

/* The unit of channel `channel` of the value, which a layer computed. */
int liveness_unit(const Liveness *liveness, const Value *value, int64_t channel);

/* Sets `first` and `last` of the units from the order. */
void liveness_update(Liveness *liveness);
/* Finds an order that keeps less alive, when the graph is of reasonable size. Units are up to date
 * afterwards. */
void liveness_schedule(Liveness *liveness);

/* The nodes of the items in their order, and the views, each behind what it looks at. */
const Node **liveness_nodes(const Liveness *liveness);

/* The most bytes of channels between their computation and their last reading at any position: no
 * placement needs less in this order. */
int64_t liveness_bound(const Liveness *liveness);

#endif
