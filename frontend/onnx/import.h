/* From an ONNX model to a graph with weights. */
#ifndef RIFFLE_FRONTEND_ONNX_IMPORT_H
#define RIFFLE_FRONTEND_ONNX_IMPORT_H

#include "frontend/import/import.h"

/* What a riffle without ONNX says: that it is, and how to get one with it. */
#define ONNX_LACKS "this riffle was built without ONNX: it cannot import its models"
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
    const char *path, const ImporterOptions *options, Arena *arena, Diagnostics *diagnostics);
/* The same from bytes in memory; `path` is for messages and to find external data. */
Graph *onnx_import_bytes(const char *path, const void *bytes, size_t length,
    const ImporterOptions *options, Arena *arena, Diagnostics *diagnostics);

#endif
