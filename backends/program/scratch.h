/* What kernels keep beside their registers: on the stack, or in the workspace.
 *
 * A frame of the stack must stay small. So a kernel whose own buffers take more than
 * the stack may hold has the largest of them elsewhere: they are scratch, whose place whoever
 * calls the kernel gives. The place is a buffer of the workspace, alive during the step alone, so
 * it mostly lies where nothing else does. Threads that work on a step at the same time each have a
 * slot of it. There are MOST_SCRATCH_SLOTS, and no more threads work on such a step (parallel.h).
 */
#ifndef RIFFLE_BACKENDS_PROGRAM_SCRATCH_H
#define RIFFLE_BACKENDS_PROGRAM_SCRATCH_H

#include "backends/program/emission.h"
#include "backends/program/program.h"
#include "ir/kernel.h"
#include <stdbool.h>
#include <stdint.h>

enum { MOST_SCRATCH_SLOTS = 8 };

/* Of buffers of a kernel with so many items: the bytes of all slots that it would need, as few as
 * can be, where at most `stack_bytes` are on the stack. */
int64_t scratch_needed(const int64_t *bytes, int count, int64_t items, int64_t stack_bytes);

/* Of a new kernel: makes scratch of what must be, as little as there can be. */
void choose_scratch(Kernel *kernel, int64_t stack_bytes);
/* The buffer for a step that calls the kernel; 0 if it has no scratch. */
int add_scratch(Emission *emission, const Kernel *kernel, const char *path, int step);

/* Slots of a step's scratch; 0 when it has none. */
int step_scratch_slots(const Program *program, int step);
/* Bytes from one slot to the next. */
int64_t step_slot_bytes(const Program *program, int step);
bool program_has_scratch(const Program *program);

#endif
