/* Puts the instructions of inner loops in order, for cores that take them in that order. */
#ifndef RIFFLE_BACKENDS_SCHEDULE_LOOP_SCHEDULE_H
#define RIFFLE_BACKENDS_SCHEDULE_LOOP_SCHEDULE_H

#include "backends/program/loop_schedule.h"
#include "backends/schedule/inner_products.h"
#include "backends/target/core.h"
#include "backends/target/target.h"
#include "ir/arena.h"
#include "ir/kernel.h"
#include "ir/text.h"

/* The loop's schedule on a core that works in order; NULL where none was found. In the arena. */
LoopSchedule *loop_schedule_make(
    const Statement *loop, const InnerProducts *products, const Core *core, Arena *arena);

/* Those of all loops of the kernels that are products and nothing else, where the target's core
 * works in order; NULL: none. */
const LoopSchedule *loop_schedules_make(
    Kernel *const *kernels, int kernel_count, const Target *target, Arena *arena);

#endif
