/* What is asked of an importer, whatever the format of the model. */
#ifndef RIFFLE_FRONTEND_IMPORT_IMPORT_H
#define RIFFLE_FRONTEND_IMPORT_IMPORT_H

#include "ir/graph.h"

enum { MODEL_MAX_RANK = 8 };

/* The shape of one input, as the user gave it. */
typedef struct ModelShape {
    const char *input;
    int rank;
    int64_t dims[MODEL_MAX_RANK];
} ModelShape;

/* The largest part of a model that cannot be imported whole: outputs that can be named, and how
 * many nodes they depend on. */
typedef struct ModelPart {
    const char **outputs;
    size_t output_count; /* 0: nothing of it can be imported */
    size_t nodes, all_nodes;
    const char *items; /* what the format calls them: "nodes" */
} ModelPart;

typedef struct ImporterOptions {
    const char *name; /* of the network; a C identifier */
    const ModelShape *shapes;
    size_t shape_count;
    int64_t batch; /* for inputs whose first dimension the model leaves open; 0: not given */
    /* Where to cut: names of nodes whose results become outputs, and lists of tensors' names
     * separated by commas. Without any, the model's outputs. */
    const char *const *until;
    size_t until_count;
    const char *const *outputs;
    size_t output_count;
    ModelPart *part;        /* NULL, or filled in when the import fails; in the same arena */
    bool convert_precision; /* take double precision as float32; half precision always is */
} ImporterOptions;

#endif
