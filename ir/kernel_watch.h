/* Who touched which memory: what threads and blocks may not do to each other. */
#ifndef RIFFLE_IR_KERNEL_WATCH_H
#define RIFFLE_IR_KERNEL_WATCH_H

#include "ir/kernel_interpret.h"

/* Notes that a thread of the run's last block reads or writes `count` words, the first of them
 * element `offset` as the instruction counts. `shared`: of the memory of that block. NULL, or what
 * is wrong with it, in the arena. */
const char *kernel_watch(KernelWord *words, int count, bool shared, bool write, int thread,
    const KernelRun *run, int64_t offset, Arena *arena);

#endif
