/* From an ncnn model, a text of layers (.param) and a file of their weights (.bin), to a graph with
 * weights. */
#ifndef RIFFLE_FRONTEND_NCNN_IMPORT_H
#define RIFFLE_FRONTEND_NCNN_IMPORT_H

#include "frontend/import/import.h"

/* Whether the path is that of such a text: its name ends in .param, or its first line says so. */
bool ncnn_is_model(const char *path);

/* Reads both files; without `weights`, those beside the text: net.bin for net.param. Every layer
 * that cannot be imported is reported, with its place and the reason. The graph and all data of its
 * weights live in the arena. NULL after errors. */
Graph *ncnn_import(const char *path, const char *weights, const ImporterOptions *options,
    Arena *arena, Diagnostics *diagnostics);

typedef struct NcnnBytes {
    const char *path; /* for messages */
    const void *bytes;
    size_t length;
} NcnnBytes;

/* The same from bytes in memory. */
Graph *ncnn_import_bytes(const NcnnBytes *text, const NcnnBytes *weights,
    const ImporterOptions *options, Arena *arena, Diagnostics *diagnostics);

#endif
