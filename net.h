/* net: a neural network, compiled by riffle to libnet.a.
 *
 * Inside it computes with fp32.
 *
 * Inputs:
 *   input_: float32 [1, 3, 240, 320] (batch, channels, height, width: NCHW), 230400 numbers
 *
 * Outputs:
 *   scores: float32 [1, 4420, 2] (batch, channels, height), 8840 numbers
 *   boxes: float32 [1, 4420, 4] (batch, channels, height), 17680 numbers
 *
 * Every tensor is a dense array of float, its last dimension fastest, aligned as float is.
 * No two of the arrays and the workspace may overlap. The inputs are not changed.
 *
 * Nothing is allocated, no state is kept, no lock is taken and nothing is written but the
 * outputs and the workspace: any number of threads may call at once, each with outputs and
 * a workspace of its own. The same inputs give the same bits every time.
 *
 * Use:
 *     static _Alignas(NET_WORKSPACE_ALIGNMENT) unsigned char
 *         workspace[NET_WORKSPACE_BYTES];
 *     struct net_inputs inputs = {input_};
 *     struct net_outputs outputs = {scores, boxes};
 *     int status = net_run(&inputs, &outputs, workspace);
 */
#ifndef RIFFLE_NET_H
#define RIFFLE_NET_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Raised when calls of older programs would no longer work. */
#define NET_ABI_VERSION 1

/* The workspace: scratch memory of a call, without meaning before and after. */
#define NET_WORKSPACE_BYTES 844864
#define NET_WORKSPACE_ALIGNMENT 64

/* The calling thread's stack, and that of each thread of a parallel loop, must have so much left. */
#define NET_STACK_BYTES 50936

#define NET_INPUT_INPUT__ELEMENTS 230400
#define NET_INPUT_INPUT__BATCH 1
#define NET_INPUT_INPUT__CHANNELS 3
#define NET_INPUT_INPUT__HEIGHT 240
#define NET_INPUT_INPUT__WIDTH 320
#define NET_OUTPUT_SCORES_ELEMENTS 8840
#define NET_OUTPUT_SCORES_BATCH 1
#define NET_OUTPUT_SCORES_CHANNELS 4420
#define NET_OUTPUT_SCORES_HEIGHT 2
#define NET_OUTPUT_BOXES_ELEMENTS 17680
#define NET_OUTPUT_BOXES_BATCH 1
#define NET_OUTPUT_BOXES_CHANNELS 4420
#define NET_OUTPUT_BOXES_HEIGHT 4

enum net_status {
    NET_OK = 0, /* success */
    NET_ERROR_NULL_POINTER = 1, /* a pointer is null */
    NET_ERROR_MISALIGNED_WORKSPACE = 2, /* the workspace is not aligned */
    NET_ERROR_PARALLEL_FOR = 4 /* parallel_for returned before all items were done */
};

struct net_inputs {
    const float *input_; /* NET_INPUT_INPUT__ELEMENTS */
};

struct net_outputs {
    float *scores; /* NET_OUTPUT_SCORES_ELEMENTS */
    float *boxes; /* NET_OUTPUT_BOXES_ELEMENTS */
};

/* Computes the outputs from the inputs on the calling thread. Returns a net_status; when
 * that is not NET_OK, nothing was written. */
int net_run(const struct net_inputs *inputs, const struct net_outputs *outputs,
    void *workspace);

/* A task does the items begin to end - 1 of a loop; different items may run at once. */
typedef void net_task(void *context, size_t begin, size_t end);

/* Yours to write: calls the task, on whatever threads and in whatever shares, so that every
 * item of 0 to count - 1 is done exactly once, and returns when all are done. */
typedef void net_parallel_for(
    void *pool, net_task *task, void *context, size_t count);

/* As net_run, shared by the threads on which parallel_for calls its task; it is given `pool`
 * as it is (NULL is allowed), and called once, or again where the task ended before all was
 * done: at most once for each step of the network. When it has then not done all items, the
 * status is NET_ERROR_PARALLEL_FOR, and the outputs mean nothing. In the task threads wait for
 * each other, briefly and without sleeping. The outputs are the same, bit for bit. */
int net_run_parallel(const struct net_inputs *inputs,
    const struct net_outputs *outputs, void *workspace,
    net_parallel_for *parallel_for, void *pool);

/* A status in words. */
static inline const char *net_status_text(int status) {
    switch (status) {
    case NET_OK:
        return "success";
    case NET_ERROR_NULL_POINTER:
        return "a pointer is null";
    case NET_ERROR_MISALIGNED_WORKSPACE:
        return "the workspace is not aligned";
    case NET_ERROR_PARALLEL_FOR:
        return "parallel_for returned before all items were done";
    default:
        return "unknown status";
    }
}

#ifdef __cplusplus
}
#endif

#endif
