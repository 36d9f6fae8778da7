/* One thread of a kernel, statement by statement: integers, registers and accesses. A kernel for a
 * processor has one thread; kernel_interpret.c runs those of a block together. */
#ifndef RIFFLE_IR_KERNEL_THREAD_H
#define RIFFLE_IR_KERNEL_THREAD_H

#include "ir/kernel_compute.h"
#include "ir/kernel_interpret.h"

typedef struct KernelMachine KernelMachine;

/* What lanes and memory hold, and what instructions make of it. */
typedef struct KernelArithmetic {
    size_t lane_bytes; /* of a register file */
    void (*compute)(
        const Kernel *kernel, const Instruction *instruction, const RegisterFile *registers);
    /* Accesses at a byte of the instruction's buffer that was found to lie inside. A store gives
     * NULL, or what is wrong with it. */
    void (*load)(const KernelMachine *machine, const Instruction *instruction,
        const RegisterFile *registers, int64_t at);
    const char *(*store)(const KernelMachine *machine, const Instruction *instruction,
        const RegisterFile *registers, int64_t at);
    /* Makes a buffer of the kernel's own of so many bytes, or what it holds have no value. */
    void (*make_local)(KernelBuffer *local, LaneType element, Arena *arena);
    void (*forget_local)(const KernelBuffer *local);
} KernelArithmetic;

extern const KernelArithmetic kernel_arithmetic_of_bits, kernel_arithmetic_of_pairs;

/* What all threads of a run share. */
struct KernelMachine {
    const Kernel *kernel;
    const KernelArithmetic *arithmetic;
    KernelBuffer buffers[MAX_KERNEL_PARAMETERS + MAX_KERNEL_LOCALS];
    int *first_lanes; /* by register: in a RegisterFile */
    KernelRun *run;
    Arena *arena; /* of faults */
};

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
