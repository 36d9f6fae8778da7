/* Times of many runs, and what is said of them. */
#ifndef RIFFLE_DRIVER_SAMPLES_H
#define RIFFLE_DRIVER_SAMPLES_H

#include "ir/arena.h"
#include <stdint.h>

enum {
    MOST_SAMPLES = 1 << 20,
    MOST_SAMPLES_ELSEWHERE = 1 << 16, /* of one turn: they come back by a file */
    LONGEST_TURN_SECONDS =
        1000000000,    /* longer than anybody waits: as many runs as there are to be */
    WARM_UP_RUNS = 3,  /* before the first that counts */
    TIMING_ROUNDS = 10 /* each after a turn of what the runs are compared with */
};

typedef struct Samples {
    double *seconds;
    int64_t count, capacity;
} Samples;

Samples samples_create(Arena *arena, int64_t capacity); /* at most MOST_SAMPLES */
void samples_add(Samples *samples, double seconds);     /* there must be room */
void samples_sort(Samples *samples);                    /* before the next one */
/* 0 where there is no whole. */
double share_of(double part, double whole);
double samples_percentile(const Samples *samples, int percent);

#endif
