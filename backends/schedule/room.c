/* Scratch is free where the workspace has room for it while the kernel runs, because more is alive
 * at other times. Else the workspace grows. */
#include "backends/schedule/room.h"
#include "backends/schedule/decisions.h"
#include "ir/graph.h"

/* How much longer the form without scratch may take: there is little to be gained by what must be
 * brought into the caches; or it saves memory. */
static const double with_room = 1.03, without_room = 1.2;

bool prefers_stack(const Decisions *decisions, const Value *value, int64_t scratch_bytes,
    double cycles, double stack_cycles) {
    if (scratch_bytes == 0 || !decisions->room)
        return false;
    bool fits = scratch_bytes <= decisions->room[value->id];
    return stack_cycles <= cycles * (fits ? with_room : without_room);
}
