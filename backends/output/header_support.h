/* The part of NAME.h for frames and boxes. */
#ifndef RIFFLE_BACKENDS_OUTPUT_HEADER_SUPPORT_H
#define RIFFLE_BACKENDS_OUTPUT_HEADER_SUPPORT_H

#include "backends/program/summary.h"
#include "ir/graph.h"
#include "ir/text.h"

/* Whether the library has functions that prepare frames. */
bool header_has_frames(const Graph *graph, const Program *program);

/* Their types and declarations; `upper` is the network's name in upper case. */
void header_write_support(const Graph *graph, const Program *program, const char *upper, Text *out);

#endif
