/* Names in the C code that users see. */
#ifndef RIFFLE_BACKENDS_PROGRAM_NAMES_H
#define RIFFLE_BACKENDS_PROGRAM_NAMES_H

#include "ir/arena.h"
#include "ir/graph.h"

/* The members of the structs that it declares, in order, one for each input or output. */
const char **header_members(const Graph *graph, bool of_outputs, Arena *arena);

#endif
