/* Names in the C code that users see. */
#ifndef RIFFLE_BACKENDS_PROGRAM_NAMES_H
#define RIFFLE_BACKENDS_PROGRAM_NAMES_H

#include "ir/arena.h"
#include "ir/graph.h"

/* One input or output, as the header calls it. Names differ in upper case, too. */
typedef struct TensorName {
    const char *member; /* of a struct; no word of C or C++ */
    const char *macro;  /* "NET_INPUT_IMAGE" */
} TensorName;

TensorName *tensor_names(const Graph *graph, bool of_outputs, Arena *arena);

const char *upper_case(Arena *arena, const char *word);

/* The members of the structs that it declares, in order, one for each input or output. */
const char **header_members(const Graph *graph, bool of_outputs, Arena *arena);

#endif
