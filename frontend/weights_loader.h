/* A graph's weights on their way out of a file: what its parts share. Internal to weights_*.c. */
#ifndef RIFFLE_FRONTEND_WEIGHTS_LOADER_H
#define RIFFLE_FRONTEND_WEIGHTS_LOADER_H

#include "frontend/tensor_file.h"
#include "ir/graph.h"

typedef enum WeightFault {
    WEIGHT_FITS,
    WEIGHT_MISSING,
    WEIGHT_RENAMED,   /* it is there, but for a prefix */
    WEIGHT_MISSHAPEN, /* of another shape, or of a type that is not read */
    WEIGHT_NOT_FINITE,
    WEIGHT_REPORTED /* when the file was read */
} WeightFault;

typedef struct WeightLoader {
    Graph *graph;
    TensorFile *file;
    Diagnostics *diagnostics;
    Arena *scratch;
    WeightFault *faults; /* in the order of the graph's weights */
    size_t weight_count;
    /* Tensors that no weight asks for: what a missing one may be called. */
    const char **spare_names;
    size_t spare_count;
    /* Weights of more digits than float32 has. */
    const Weight *first_rounded;
    size_t rounded_count;
    const char *given_prefix; /* taken off the file's names already */
    /* What all that is RENAMED has before it, there or here; NULL when nothing is. */
    const char *file_prefix, *graph_prefix;
} WeightLoader;

/* A candidate list longer than this, as only a hostile file has, is not searched for look-alikes;
 * nor is a longer name one. */
enum { MOST_HINT_CANDIDATES = 5000, LONGEST_HINT_NAME = 200 };

/* Whether the shapes are equal. */
bool weight_has_shape(const Weight *weight, const FileTensor *tensor);

/* Calls the file's tensors by their paths in the network, as a file of names says. False after
 * reporting what is wrong with that, or with the names that come out (weights_names.c). What is
 * reported lies in the arena. */
bool weights_take_names(TensorFile *file, const char *path, Arena *arena, Diagnostics *diagnostics);

/* Makes missing weights RENAMED where a prefix explains at least half of them, and marks the
 * tensors that they are as used (weights_prefix.c). */
void weights_find_prefix(WeightLoader *loader);

/* Reports all faults and the tensors that are not used, at most MOST_WEIGHT_ERRORS of them, and how
 * many are left out (weights_report.c). */
enum { MOST_WEIGHT_ERRORS = 20 };
void weights_report(WeightLoader *loader);

#endif
