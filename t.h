/* t: a neural network, compiled by riffle to libt.a.
 *
 * Inside it computes with fp32.
 *
 * Inputs:
 *   x: float32 [1, 3, 32, 40] (batch, channels, height, width: NCHW), 3840 numbers
 *
 * Outputs:
 *   o: float32 [1, 1, 64, 80] (batch, channels, height, width: NCHW), 5120 numbers
 *
 * Every tensor is a dense array of float, its last dimension fastest, aligned as float is.
 * No two of the arrays and the workspace may overlap. The inputs are not changed.
 *
 * Nothing is allocated, no state is kept, no lock is taken and nothing is written but the
 * outputs and the workspace: any number of threads may call at once, each with outputs and
 * a workspace of its own. The same inputs give the same bits every time.
 *
 * Use:
 *     static _Alignas(T_WORKSPACE_ALIGNMENT) unsigned char
 *         workspace[T_WORKSPACE_BYTES];
 *     struct t_inputs inputs = {x};
 *     struct t_outputs outputs = {o};
 *     int status = t_run(&inputs, &outputs, workspace);
 */
#ifndef RIFFLE_T_H
#define RIFFLE_T_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Raised when calls of older programs would no longer work. */
#define T_ABI_VERSION 1

/* The workspace: scratch memory of a call, without meaning before and after. */
#define T_WORKSPACE_BYTES 327744
#define T_WORKSPACE_ALIGNMENT 64

/* The calling thread's stack, and that of each thread of a parallel loop, must have so much left. */
#define T_STACK_BYTES 50672

#define T_INPUT_X_ELEMENTS 3840
#define T_INPUT_X_BATCH 1
#define T_INPUT_X_CHANNELS 3
#define T_INPUT_X_HEIGHT 32
#define T_INPUT_X_WIDTH 40
#define T_OUTPUT_O_ELEMENTS 5120
#define T_OUTPUT_O_BATCH 1
#define T_OUTPUT_O_CHANNELS 1
#define T_OUTPUT_O_HEIGHT 64
#define T_OUTPUT_O_WIDTH 80

enum t_status {
    T_OK = 0, /* success */
    T_ERROR_NULL_POINTER = 1, /* a pointer is null */
    T_ERROR_MISALIGNED_WORKSPACE = 2, /* the workspace is not aligned */
    T_ERROR_PARALLEL_FOR = 4 /* parallel_for returned before all items were done */
};

struct t_inputs {
    const float *x; /* T_INPUT_X_ELEMENTS */
};

struct t_outputs {
    float *o; /* T_OUTPUT_O_ELEMENTS */
};

/* Computes the outputs from the inputs on the calling thread. Returns a t_status; when
 * that is not T_OK, nothing was written. */
int t_run(const struct t_inputs *inputs, const struct t_outputs *outputs,
    void *workspace);

/* A task does the items begin to end - 1 of a loop; different items may run at once. */
typedef void t_task(void *context, size_t begin, size_t end);

/* Yours to write: calls the task, on whatever threads and in whatever shares, so that every
 * item of 0 to count - 1 is done exactly once, and returns when all are done. */
typedef void t_parallel_for(
    void *pool, t_task *task, void *context, size_t count);

/* As t_run, shared by the threads on which parallel_for calls its task; it is given `pool`
 * as it is (NULL is allowed), and called once, or again where the task ended before all was
 * done: at most once for each step of the network. When it has then not done all items, the
 * status is T_ERROR_PARALLEL_FOR, and the outputs mean nothing. In the task threads wait for
 * each other, briefly and without sleeping. The outputs are the same, bit for bit. */
int t_run_parallel(const struct t_inputs *inputs,
    const struct t_outputs *outputs, void *workspace,
    t_parallel_for *parallel_for, void *pool);

/* A status in words. */
static inline const char *t_status_text(int status) {
    switch (status) {
    case T_OK:
        return "success";
    case T_ERROR_NULL_POINTER:
        return "a pointer is null";
    case T_ERROR_MISALIGNED_WORKSPACE:
        return "the workspace is not aligned";
    case T_ERROR_PARALLEL_FOR:
        return "parallel_for returned before all items were done";
    default:
        return "unknown status";
    }
}

#ifdef __cplusplus
}
#endif

#endif
