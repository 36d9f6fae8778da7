/* From an ONNX model to a graph with weights. */
#ifndef RIFFLE_FRONTEND_ONNX_IMPORT_H
#define RIFFLE_FRONTEND_ONNX_IMPORT_H

#include "ir/graph.h"

enum { ONNX_MAX_RANK = 8 };

/* The shape of one input, as the user gave it. */
typedef struct OnnxShape {
    const char *input;
    int rank;
    int64_t dims[ONNX_MAX_RANK];
} OnnxShape;

/* The largest part of a model that cannot be imported whole: outputs that can be named, and how
 * many nodes they depend on. */
typedef struct OnnxPart {
    const char **outputs;
    size_t output_count; /* 0: nothing of it can be imported */
    size_t nodes, all_nodes;
} OnnxPart;

typedef struct OnnxOptions {
    const char *name; /* of the network; a C identifier */
    const OnnxShape *shapes;
    size_t shape_count;
    int64_t batch; /* for inputs whose first dimension the model leaves open; 0: not given */
    /* Where to cut: names of nodes whose results become outputs, and lists of tensors' names
     * separated by commas. Without any, the model's outputs. */
    const char *const *until;
    size_t until_count;
    const char *const *outputs;
    size_t output_count;
    OnnxPart *part;         /* NULL, or filled in when the import fails; in the same arena */
    bool convert_precision; /* take double precision as float32; half precision always is */
} OnnxOptions;

/* What a riffle without ONNX says: that it is, and how to get one with it. */
#define ONNX_LACKS "this riffle was built without ONNX: it cannot import models"
#define ONNX_REMEDY                                                                                \
    "install protobuf-c (Debian: libprotobuf-c-dev, protobuf-c-compiler) and build riffle again "  \
    "with -DRIFFLE_WITH_ONNX=ON"

/* Whether this riffle was built with the library that reads ONNX. Without it the functions below
 * report that. */
bool onnx_is_built_in(void);

/* Reads the file (and the files of external data beside it). Every node that cannot be imported is
 * reported, with its name and the reason. The graph and all data of its weights live in the arena.
 * NULL after errors. */
Graph *onnx_import(
    const char *path, const OnnxOptions *options, Arena *arena, Diagnostics *diagnostics);
/* The same from bytes in memory; `path` is for messages and to find external data. */
Graph *onnx_import_bytes(const char *path, const void *bytes, size_t length,
    const OnnxOptions *options, Arena *arena, Diagnostics *diagnostics);

#endif
