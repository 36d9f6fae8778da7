/* What a kernel does to memory, counted by running its loops and addresses without any data. Exact:
 * each distinct number that is read, written or merely moved is known.
 *
 * A lane that is loaded but reaches no store (the slack behind a tensor's last channel) is not
 * read. A number is moved when it is stored as it was loaded; what happens to other numbers in the
 * same kernel, or to its registers on other paths, does not matter. */
#ifndef RIFFLE_IR_KERNEL_COUNT_H
#define RIFFLE_IR_KERNEL_COUNT_H

#include "ir/float_set.h"
#include "ir/kernel.h"

enum { MAX_KERNEL_BUFFERS = MAX_KERNEL_PARAMETERS + MAX_KERNEL_LOCALS };

typedef struct BufferCount {
    FloatSet read, written;
    FloatSet
        moved; /* of those written: unchanged since a load from a buffer that holds no weights */
} BufferCount;

typedef struct KernelCount {
    BufferCount buffers[MAX_KERNEL_BUFFERS]; /* parameters; from MAX_KERNEL_PARAMETERS on locals */
    int64_t loads, stores;                   /* instructions executed; a broadcast is a load */
    int64_t loaded_bytes, stored_bytes;      /* of all these accesses: what the first-level cache
                                                delivers and takes */
    int64_t local_moved_bytes;               /* stored to locals as they were loaded, every time */
    int64_t multiply_adds_issued;            /* lanes of all vectors */
    int64_t multiply_adds_useful;            /* lanes that reach a store */
    int64_t *body_runs; /* how often the body of each loop and condition ran, in the order in which
                           they are written, those inside of one before the next */
    bool only_moves;    /* every number that it stores is moved or a constant, and some is moved */
} KernelCount;

/* Counts one call with the whole parallel axis. `tables` has by parameter the numbers of those that
 * are tables; NULL where there are none. The result lives in the arena. */
KernelCount *kernel_count(const Kernel *kernel, const int32_t *const *tables, Arena *arena);

#endif
