/* Runs kernels on bytes, instruction by instruction as kernel.def has it: what a kernel computes,
 * whatever code is made of it. Every access is held against the sizes of the buffers, and those of
 * threads against each other. */
#ifndef RIFFLE_IR_KERNEL_INTERPRET_H
#define RIFFLE_IR_KERNEL_INTERPRET_H

#include "ir/kernel.h"
#include "ir/pair.h"

/* One who wrote or read, in a kernel of threads. */
typedef struct KernelToucher {
    uint32_t block;    /* number in the run, from 1 on; 0: nobody did */
    uint32_t interval; /* from one barrier of a block to the next: number in the run */
    int32_t thread;
    bool other_blocks, other_threads; /* read: so did others, of the same phase or interval */
} KernelToucher;

/* Who touched 32 bits of memory last. */
typedef struct KernelWord {
    KernelToucher written, read;
} KernelWord;

/* What a parameter stands for. Sizes are in bytes from `begin`, where the buffer begins. */
typedef struct KernelBuffer {
    unsigned char *begin;
    int64_t offset;             /* of the parameter's first element */
    int64_t readable, writable; /* what lies beyond may not be read, or written */
    KernelWord *words;          /* NULL, or one for each 32 bits from `begin` on, zeros at first */
    const struct KernelCells *cells; /* of a run on pairs; see there */
} KernelBuffer;

/* The memory of a run on pairs: a cell for each so many bytes that the buffer has from `begin` on
 * (there need be none but for tables). A number of more bytes is in the first of its cells; the
 * others are marked as its rest. */
typedef struct KernelCells {
    int bytes; /* 1, 2 or 4: of the smallest numbers in it */
    Pair *pairs;
    uint32_t *writers; /* NULL, or by cell: the block of the run that wrote it last */
} KernelCells;

/* Which thread of a block goes on. Nothing may depend on it. */
typedef enum KernelOrder {
    KERNEL_FORWARD,  /* each runs until it must wait, the first one first */
    KERNEL_BACKWARD, /* the last one first */
    KERNEL_IN_TURNS, /* one statement each */
    KERNEL_ORDER_COUNT
} KernelOrder;

/* Begins as zeros but for the steps and the order; for all calls on the same words. */
typedef struct KernelRun {
    int64_t steps_left; /* statements, iterations and blocks that it may still do */
    const char *fault;  /* NULL, or the instruction and what is wrong, in the arena given */
    KernelOrder order;
    bool pairs;                 /* numbers are pairs (ir/pair.h), in cells */
    uint32_t blocks, intervals; /* that have begun */
    uint32_t blocks_before;     /* those of earlier phases */
} KernelRun;

/* What was run so far is done, before anything that is run from now on begins. Until then it counts
 * as done at the same time. */
void kernel_run_next_phase(KernelRun *run);

/* Does the items begin to end - 1 of a kernel without faults (kernel_fault), with one buffer a
 * parameter. Locals begin as NaN. False where `run` has a fault: an access outside of a buffer, a
 * register that has no value yet, an integer that overflows, a division by what is not positive, or
 * more steps than allowed. What was written until then stays.
 *
 * In a kernel of threads each item is a block, and these are faults too: a barrier that not all of
 * its threads reach; shared memory that is read and was not written; a vector that is not aligned
 * to its size, as `begin` is; integers of more than 32 bits. And where the buffer has words, or is
 * shared memory: two threads of a block that touch the same 32 bits, one of which writes, with no
 * barrier between; two blocks of a phase that do.
 *
 * On pairs (of kernels that kernel_has_pairs knows), what was not written is marked, and so is what
 * another block of this phase wrote: a kernel that looks at it has a result that is marked. For
 * this, each call for a processor is a block. A fault is what two blocks of a phase write. */
bool kernel_interpret(const Kernel *kernel, const KernelBuffer *buffers, int64_t begin, int64_t end,
    KernelRun *run, Arena *arena);

#endif
