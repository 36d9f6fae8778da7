/* One thread of a kernel, statement by statement: integers, registers and accesses. A kernel for a
 * processor has one thread; kernel_interpret.c runs those of a block together. */
#ifndef RIFFLE_IR_KERNEL_THREAD_H
#define RIFFLE_IR_KERNEL_THREAD_H

#include "ir/kernel_compute.h"
#include "ir/kernel_interpret.h"

/* What all threads of a run share. */
typedef struct KernelMachine {
    const Kernel *kernel;
    KernelBuffer buffers[MAX_KERNEL_PARAMETERS + MAX_KERNEL_LOCALS];
    int *first_lanes; /* by register: in a RegisterFile */
    KernelRun *run;
    Arena *arena; /* of faults */
} KernelMachine;

/* A block of statements that is being done. */
typedef struct KernelFrame {
    const Statement *next; /* NULL: at its end */
    const Statement *loop; /* whose body it is, or NULL */
    int64_t end;           /* of that loop */
} KernelFrame;

typedef enum KernelThreadState { THREAD_RUNS, THREAD_WAITS, THREAD_ENDED } KernelThreadState;

typedef struct KernelThread {
    int index;
    KernelThreadState state;
    const Statement *barrier; /* where it waits */
    int64_t *variables;
    RegisterFile registers;
    bool *has_value;     /* by register */
    KernelFrame *frames; /* as many as blocks are deep */
    int depth;
} KernelThread;

/* At the kernel's first statement. */
void kernel_thread_begin(
    const KernelMachine *machine, KernelThread *thread, int64_t item_begin, int64_t item_end);
/* Does the next statement of a thread that runs. False where the run has a fault. */
bool kernel_thread_step(KernelMachine *machine, KernelThread *thread);

/* Gives the run its fault, at a statement or NULL, by a thread or NULL. Always false. */
bool kernel_machine_fail(KernelMachine *machine, const KernelThread *thread,
    const Statement *statement, const char *what);

#endif
