/* Whether a kernel's own buffers may be larger than the stack's share, so that some are scratch in
 * the workspace (program/scratch.h). */
#ifndef RIFFLE_BACKENDS_SCHEDULE_ROOM_H
#define RIFFLE_BACKENDS_SCHEDULE_ROOM_H

#include "backends/schedule/decisions.h"
#include "ir/graph.h"
#include <stdbool.h>
#include <stdint.h>

/* Of two forms of the kernel that computes the value, the fastest, with so many bytes of scratch,
 * and the fastest without any: whether to take the second. */
bool prefers_stack(const Decisions *decisions, const Value *value, int64_t scratch_bytes,
    double cycles, double stack_cycles);

#endif
