/* Runs kernels on bytes, instruction by instruction as kernel.def has it: what a kernel computes,
 * whatever code is made of it. Every access is held against the sizes of the buffers. */
#ifndef RIFFLE_IR_KERNEL_INTERPRET_H
#define RIFFLE_IR_KERNEL_INTERPRET_H

#include "ir/kernel.h"

/* What a parameter stands for. Sizes are in bytes from `begin`, where the buffer begins. */
typedef struct KernelBuffer {
    unsigned char *begin;
    int64_t offset;             /* of the parameter's first element */
    int64_t readable, writable; /* what lies beyond may not be read, or written */
} KernelBuffer;

typedef struct KernelRun {
    int64_t steps_left; /* statements and iterations that it may still do */
    const char *fault;  /* NULL, or the instruction and what is wrong, in the arena given */
} KernelRun;

/* Does the items begin to end - 1 of a kernel without faults (kernel_fault), with one buffer a
 * parameter. Locals begin as zeros. False where `run` has a fault: an access outside of a buffer,
 * an integer that overflows, a division by what is not positive, more steps than allowed, or a
 * kernel of threads, which are not run. What was written until then stays. */
bool kernel_interpret(const Kernel *kernel, const KernelBuffer *buffers, int64_t begin, int64_t end,
    KernelRun *run, Arena *arena);

#endif
