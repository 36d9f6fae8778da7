/* How ops read the channels of their operands. */
#ifndef RIFFLE_BACKENDS_SCHEDULE_READING_H
#define RIFFLE_BACKENDS_SCHEDULE_READING_H

#include "ir/arena.h"
#include "ir/graph.h"

/* Whether the node's lowering reads each vector of its operands once, and from pieces if need be:
 * element-wise ops, and windows that do not overlap. */
bool can_gather(const Node *node);

/* For each channel of the result of a concat, split, shuffle, gather or route, which channel of the
 * joined operands it is. */
const int64_t *layout_channels(Arena *arena, const Node *node, int result);

/* How a node reads the channels of an operand. */
typedef enum Reading {
    READING_NUMBERS, /* one at a time, to multiply weights by: wherever they lie */
    READING_ONCE,    /* vectors, each once */
    READING_VECTORS  /* vectors, some several times; or the op cannot put them together */
} Reading;

Reading reading_of(const Node *node);

#endif
