/* What the machine allows: nothing but multiply-adds, as many as a network has, timed in turns with
 * the network and in the same way, so that what others take of a shared machine is taken from both.
 */
#ifndef RIFFLE_DRIVER_LIMIT_H
#define RIFFLE_DRIVER_LIMIT_H

#include "backends/backends.h"
#include "driver/driver.h"
#include "driver/samples.h"
#include "runtime/riffle_runtime.h"

typedef struct Limit {
    PeakProbe *probe;
    riffle_pool *pool; /* the network's; NULL for one thread */
    int threads;
    size_t items; /* runs of the probe in one sample */
    double scale; /* multiply-adds of the network over those of a sample */
    Samples samples;
    double best_gflops; /* of any short moment */
} Limit;

/* False after reporting. `runner`: of the machine, or NULL for this one. */
bool limit_create(const Target *target, const Runner *runner, riffle_pool *pool, int threads,
    int64_t macs, Session *session, Limit *limit);
void limit_destroy(Limit *limit); /* a zeroed one is allowed */

/* A turn: half of the time for short moments, half for samples, at least one. False after
 * reporting. */
bool limit_measure(Limit *limit, double seconds);
/* Of all samples so far: seconds for the network's multiply-adds. */
double limit_percentile(Limit *limit, int percent);

#endif
