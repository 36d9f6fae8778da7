#include "driver/samples.h"

#include <assert.h>
#include <stdlib.h>

Samples samples_create(Arena *arena, int64_t capacity) {
    assert(capacity > 0 && capacity <= MOST_SAMPLES);
    return (Samples){.seconds = ARENA_ARRAY(arena, double, capacity), .capacity = capacity};
}

void samples_add(Samples *samples, double seconds) {
    assert(samples->count < samples->capacity);
    samples->seconds[samples->count++] = seconds;
}

static int compare_doubles(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void samples_sort(Samples *samples) {
    qsort(samples->seconds, (size_t)samples->count, sizeof(double), compare_doubles);
}

double samples_percentile(const Samples *samples, int percent) {
    return samples->seconds[(samples->count - 1) * percent / 100];
}

double share_of(double part, double whole) {
    return whole > 0 ? part / whole : 0;
}
