/* Measuring what this machine can do at most. */
#ifndef RIFFLE_BACKENDS_RUN_PEAK_H
#define RIFFLE_BACKENDS_RUN_PEAK_H

#include "backends/program/options.h"
#include "backends/target/target.h"
#include "ir/diagnostics.h"
#include <stdbool.h>
#include <stdint.h>

/* Code for the target that does nothing but multiply-adds of fp32, here, or where the runner runs
 * it. NULL after reporting. */
typedef struct PeakProbe PeakProbe;
PeakProbe *peak_probe_create(const Target *target, const Runner *runner, Diagnostics *diagnostics);
void peak_probe_destroy(PeakProbe *probe);                /* NULL is allowed */
int64_t peak_probe_multiply_adds(const PeakProbe *probe); /* of a run, lane by lane */
void peak_probe_run(const PeakProbe *probe); /* tens of microseconds; on any threads at once */

bool peak_probe_is_elsewhere(const PeakProbe *probe);
/* There: samples of so many runs each, a multiple of the threads, which share them out; at most
 * `most`, for about `seconds` and at least one, in seconds. Returns how many; 0 after reporting. */
int64_t peak_probe_time_elsewhere(
    const PeakProbe *probe, int64_t runs, int64_t most, double seconds, double *samples);

/* Runs it on `threads` threads for about `seconds`: GFLOP/s of the best run of each, added up.
 * Elsewhere, of all at once; 0 after reporting. */
double peak_gflops(const PeakProbe *probe, int threads, double seconds);

/* Measures what one thread reads from memory, in GB/s (10^9 bytes): the best of several sweeps over
 * an array that no cache holds; here, or where the runner runs it. 0 after reporting that there is
 * no room for it. */
double memory_gbytes(
    const Target *target, const Runner *runner, double seconds, Diagnostics *diagnostics);

#endif
