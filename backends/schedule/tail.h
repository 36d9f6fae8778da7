/* Output channels that are computed as dot products. */
#ifndef RIFFLE_BACKENDS_SCHEDULE_TAIL_H
#define RIFFLE_BACKENDS_SCHEDULE_TAIL_H

#include "backends/program/compilation.h"
#include "ir/graph.h"

/* How many of the outputs of a group of the convolution or fully connected
 * layer are best computed as dot products over its inputs (0: none); the others are in tiles. */
int64_t convolution_tail(const Compilation *compilation, const Node *node);

/* The cycles of those, for one pixel. */
double tail_cycles(const Compilation *compilation, const Node *node);

#endif
