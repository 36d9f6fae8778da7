/* A clock that only goes forward. */
#ifndef RIFFLE_IR_CLOCK_H
#define RIFFLE_IR_CLOCK_H

#include <time.h>

static inline double seconds_now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

#endif
