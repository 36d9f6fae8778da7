/* Times that were measured, for the page of `riffle report`: what `riffle bench --profile --json`
 * wrote. */
#ifndef RIFFLE_DRIVER_REPORT_PROFILE_H
#define RIFFLE_DRIVER_REPORT_PROFILE_H

#include "backends/backends.h"
#include "driver/driver.h"

typedef struct MeasuredStep {
    double us, p5_us; /* median and 5th percentile, in microseconds */
} MeasuredStep;

typedef struct MeasuredTimes {
    int64_t threads, runs;
    double median_ms, peak_gflops, memory_gbytes_per_second;
    MeasuredStep *steps; /* as many as the program has */
} MeasuredTimes;

/* Reads the file. False after reporting that it is no profile, or one of another network, target or
 * of other steps. */
bool measured_times_read(MeasuredTimes *times, const char *path, const char *network,
    const Program *program, Session *session);

#endif
