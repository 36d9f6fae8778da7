/* The precision of single layers: which of a network stay float where the others are reduced. A
 * text that `riffle precision` writes and people may. */
#ifndef RIFFLE_DRIVER_PRECISION_MAP_H
#define RIFFLE_DRIVER_PRECISION_MAP_H

#include "driver/model.h"
#include "ir/name_map.h"

/* What a precision is chosen for: a node with weights, by its path in the spec. Nodes that share a
 * path are one layer. */
typedef struct PrecisionLayer {
    const char *path; /* not "" */
    OpKind op;
    int64_t macs; /* of all nodes of the path */
} PrecisionLayer;

/* In the order of the graph. */
PrecisionLayer *precision_layers(const Graph *graph, Arena *arena, size_t *count);

typedef struct PrecisionMap {
    NameMap *kept; /* paths of layers that stay float */
    size_t count;  /* of them */
} PrecisionMap;

/* Reads the file that options->precision_map names. The graph is as written: layers that it does
 * not have, a map for another precision or made for another network are errors. False after
 * reporting every fault with its place. */
bool precision_map_read(const ModelOptions *options, const Graph *graph, PrecisionMap *map);

/* The text of a map that keeps those layers; `about` is a comment, one line. False after reporting
 * that a layer's name cannot stand in one. */
bool precision_map_print(const Graph *graph, Precision precision, const char *about,
    const char *const *kept, size_t count, Session *session, Text *text);

#endif
