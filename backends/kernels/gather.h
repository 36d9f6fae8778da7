/* Vectors put together from pieces. */
#ifndef RIFFLE_BACKENDS_KERNELS_GATHER_H
#define RIFFLE_BACKENDS_KERNELS_GATHER_H

#include "backends/kernels/segments.h"
#include "backends/program/emission.h"
#include "backends/program/placement.h"
#include "ir/arena.h"
#include "ir/graph.h"
#include "ir/kernel.h"

/* Offset of channel 0 of the run at the pixel that is read, without the run's displacement. */
typedef const Expression *GatherBase(const void *context, const Run *run);

/* Channels first..first+count-1 of the placement in a new register of `width` lanes. Channels must
 * be consecutive in each run; `count` is at most the width, and that at most 64. */
int emit_gather(KernelBuilder *builder, const Placement *placement, const int *parameters,
    int64_t first, int count, int width, GatherBase *base, const void *context);

/* The segments cut into vectors of `lanes` channels. Those that are put together alike are of one
 * kind, and `place` of their places says where their channels lie in the placement. */
ChannelSegments find_gathered_vectors(Arena *arena, int lanes, const Placement *placement,
    const int *parameters, const ChannelSegments *segments, int place);

/* A kernel that copies a view of many pieces to a dense placement, for the reason given. */
void lower_gathering_copy(Emission *emission, const Node *node, const Placement *from,
    const Placement *to, const char *reason);

#endif
