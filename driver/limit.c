#include "driver/limit.h"
#include "ir/clock.h"

enum { MOST_TURN_SAMPLES = 1 << 16 };

bool limit_create(const Target *target, const Runner *runner, riffle_pool *pool, int threads,
    int64_t macs, Session *session, Limit *limit) {
    *limit = (Limit){.pool = pool, .threads = threads};
    limit->probe = peak_probe_create(target, runner, session->diagnostics);
    if (limit->probe == NULL)
        return false;
    /* Every thread gets as many: the limit is that of a machine with nobody idle. */
    int64_t of_item = peak_probe_multiply_adds(limit->probe);
    int64_t items = (macs / of_item + threads) / threads * threads;
    limit->items = (size_t)items;
    limit->scale = (double)macs / ((double)items * (double)of_item);
    limit->samples = samples_create(session->arena, MOST_TURN_SAMPLES);
    return true;
}

void limit_destroy(Limit *limit) {
    peak_probe_destroy(limit->probe);
}

static void run_items(void *context, size_t begin, size_t end) {
    const Limit *limit = context;
    for (size_t i = begin; i < end; i++)
        peak_probe_run(limit->probe);
}

/* Both kinds of moments in one go each. */
static bool measure_elsewhere(Limit *limit, double seconds) {
    Samples *samples = &limit->samples;
    int64_t room = samples->capacity - samples->count;
    if (room == 0)
        return true;
    int64_t taken = peak_probe_time_elsewhere(
        limit->probe, (int64_t)limit->items, room, seconds / 2, samples->seconds + samples->count);
    samples->count += taken;
    return taken > 0;
}

bool limit_measure(Limit *limit, double seconds) {
    double best = peak_gflops(limit->probe, limit->threads, seconds / 2);
    limit->best_gflops = best > limit->best_gflops ? best : limit->best_gflops;
    if (best == 0)
        return false;
    if (peak_probe_is_elsewhere(limit->probe))
        return measure_elsewhere(limit, seconds / 2);
    double start = seconds_now(), now = start;
    do {
        double before = now;
        if (limit->pool != NULL)
            riffle_pool_parallel_for(limit->pool, run_items, limit, limit->items);
        else
            run_items(limit, 0, limit->items);
        now = seconds_now();
        if (limit->samples.count < limit->samples.capacity)
            samples_add(&limit->samples, now - before);
    } while (now - start < seconds / 2);
    return true;
}

double limit_percentile(Limit *limit, int percent) {
    samples_sort(&limit->samples);
    return limit->scale * samples_percentile(&limit->samples, percent);
}
