/* What a network loses by the four guidelines of the ShuffleNet V2 paper: bytes beyond the bounds,
 * and cycles of the cost model on a target. */
#ifndef RIFFLE_DRIVER_INSPECT_GUIDELINES_H
#define RIFFLE_DRIVER_INSPECT_GUIDELINES_H

#include "backends/backends.h"
#include "backends/output/json_writer.h"
#include "driver/driver.h"
#include "ir/graph.h"

typedef enum Guideline {
    GUIDELINE_BALANCED,    /* G1: equal channel widths */
    GUIDELINE_GROUPS,      /* G2: few groups */
    GUIDELINE_FRAGMENTS,   /* G3: few branches and operators */
    GUIDELINE_ELEMENTWISE, /* G4: few element-wise and layout ops */
    GUIDELINE_COUNT
} Guideline;

/* A layer, or a block of layers that ends with it, that breaks a guideline. */
typedef struct Finding {
    Guideline guideline;
    const Node *node;
    const char *what, *suggestion; /* suggestion: NULL for none */
    double bytes, cycles;          /* beyond those of what is suggested; of the op itself for G4 */
} Finding;

typedef struct LayerBound {
    const Node *node;
    bool has_bound;
    double bound_bytes;           /* of its MACs in its own number of groups */
    double bound_one_group_bytes; /* equation 1 */
    double cycles;
    unsigned broken; /* bit 1 << guideline */
} LayerBound;

/* What is left of G4 in the kernels of the default pipeline. */
typedef struct CompiledCost {
    int64_t elementwise_bytes, layout_bytes;
} CompiledCost;

typedef struct Guidelines {
    const char *target;
    LayerBound *layers;
    int layer_count;
    Finding *findings;
    int finding_count;
    double cycles; /* of all layers */
    CompiledCost compiled;
} Guidelines;

/* Lowers a copy of the network as written. False after reporting. */
bool guidelines_compiled_cost(
    const Graph *graph, const char *target, Session *session, CompiledCost *cost);
/* Of the network as it is; `compiled` is not touched. The result lives in the session's arena and
 * refers to the graph. False after reporting. */
bool guidelines_find(
    const Graph *graph, const char *target, Session *session, Guidelines *guidelines);
void guidelines_print(const Guidelines *guidelines, Text *text);
void guidelines_write_json(const Guidelines *guidelines, JsonWriter *writer);
/* An array of what breaks a guideline, without a name. */
void guidelines_write_findings(const Guidelines *guidelines, JsonWriter *writer);

#endif
