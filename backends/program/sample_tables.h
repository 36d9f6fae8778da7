/* The rows and columns of a resize or take as tables of a kernel, and code that reads them. */
#ifndef RIFFLE_BACKENDS_PROGRAM_SAMPLE_TABLES_H
#define RIFFLE_BACKENDS_PROGRAM_SAMPLE_TABLES_H

#include "backends/program/call.h"
#include "backends/program/emission.h"
#include "ir/graph.h"
#include "ir/kernel.h"

/* Parameters, and by axis (rows, columns) where its entries begin in them. Of an axis of which one
 * index counts each there is one entry an index and no weight; of another, two of both. */
typedef struct SampleTables {
    int indices, weights; /* weights: -1 where there are none */
    int counts[2];        /* of indices for each of the result: 1 or 2 */
    int64_t first_index[2], first_weight[2];
} SampleTables;

SampleTables make_sample_tables(Emission *emission, KernelCall *call, const Node *node);

/* What an index of the result looks at. */
typedef struct SampledIndex {
    int count; /* 1 or 2 */
    const Expression *places[2];
    int weights; /* parameter */
    const Expression *weight_places[2];
    int registers[2]; /* with the weights, where load_sample_weights was called */
} SampledIndex;

/* For the rest of the block that is open. */
SampledIndex sampled_index(
    KernelBuilder *builder, const SampleTables *tables, int axis, const Expression *index);

/* For vectors of so many lanes, where there are weights. */
void load_sample_weights(KernelBuilder *builder, SampledIndex *index, int lanes);
/* The register with the weighted sum of two, which the index has; the weights are loaded. */
int emit_weighted(KernelBuilder *builder, const SampledIndex *index, int first, int second);

#endif
