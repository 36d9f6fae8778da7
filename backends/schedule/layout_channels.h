/* The channels that a layout op reads. */
#ifndef RIFFLE_BACKENDS_SCHEDULE_LAYOUT_CHANNELS_H
#define RIFFLE_BACKENDS_SCHEDULE_LAYOUT_CHANNELS_H

#include "ir/arena.h"
#include "ir/graph.h"

/* For each channel of the result of a concat, split, shuffle, gather or route, which channel of the
 * joined operands it is. */
const int64_t *layout_channels(Arena *arena, const Node *node, int result);

#endif
