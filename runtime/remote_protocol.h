/* What riffle and the program of remote_program.c tell each other by files: 64-bit little-endian
 * numbers, then arrays as they are in memory.
 *
 *   request  the numbers of REQUEST_..., the bytes of each input and output; the inputs
 *   answer   the numbers of ANSWER_..., nanoseconds of each sample (with steps, of each step of
 *            it); the outputs; ANSWER_END */
#ifndef RIFFLE_RUNTIME_REMOTE_PROTOCOL_H
#define RIFFLE_RUNTIME_REMOTE_PROTOCOL_H

#include <stdint.h>

enum {
    REQUEST_INPUTS,      /* how many */
    REQUEST_OUTPUTS,     /* how many */
    REQUEST_WORKSPACE,   /* bytes */
    REQUEST_STEPS,       /* 0: whole runs are timed, else the steps of each, so many */
    REQUEST_WARM_UP,     /* runs before the first sample */
    REQUEST_SAMPLES,     /* at most; 0: run once, and take no time */
    REQUEST_RUNS,        /* in a sample */
    REQUEST_NANOSECONDS, /* no more samples after so long, but one */
    REQUEST_MADE_UP,     /* not 0: no inputs follow, all their bytes are 1 */
    REQUEST_THREADS,     /* at least 1 */
    REQUEST_APART, /* not 0: each thread does runs of its own, the same part of those of a sample */
    REQUEST_NUMBERS
};
enum {
    ANSWER_STATUS, /* what the network returned */
    ANSWER_FAULT,  /* FAULT_... */
    ANSWER_ARRAY,  /* which: inputs, then outputs, then the workspace */
    ANSWER_SAMPLES,
    ANSWER_NUMBERS
};
enum { FAULT_NONE, FAULT_GUARD, FAULT_INPUT };
#define ANSWER_END UINT64_C(0x646e652d61736e77)

#endif
