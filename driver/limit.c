#include "driver/limit.h"
#include "ir/clock.h"

enum { MOST_TURN_SAMPLES = 1 << 16 };

bool limit_create(const Target *target, riffle_pool *pool, int threads, int64_t macs,
    Session *session, Limit *limit) {
    *limit = (Limit){.pool = pool, .threads = threads};
    limit->probe = peak_probe_create(target, session->diagnostics);
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

void limit_measure(Limit *limit, double seconds) {
    double best = peak_gflops(limit->probe, limit->threads, seconds / 2);
    limit->best_gflops = best > limit->best_gflops ? best : limit->best_gflops;
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
}

double limit_percentile(Limit *limit, int percent) {
    samples_sort(&limit->samples);
    return limit->scale * samples_percentile(&limit->samples, percent);
}
