/* The machine's multiply-add limit: a kernel of nothing but independent multiply-adds in registers,
 * made and loaded like any other program. */
#include "backends/run/peak.h"
#include "backends/program/summary.h"
#include "backends/run/model.h"
#include "backends/run/probe.h"
#include "backends/target/target.h"
#include "ir/arena.h"
#include "ir/clock.h"
#include "ir/diagnostics.h"
#include "ir/kernel.h"
#include "ir/kernel_lanes.h"
#include <pthread.h>
#include <stdlib.h>

enum { CHAINS = 12, ROUNDS = 1 << 14, MOST_THREADS = 64 };

static Kernel *peak_kernel(Arena *arena, const Target *target) {
    KernelBuilder builder;
    int sums[CHAINS];
    kernel_begin(&builder, arena, 1);
    int input = kernel_parameter(&builder, PARAMETER_READ, "input");
    int output = kernel_parameter(&builder, PARAMETER_WRITE, "output");
    int factor = kernel_register(&builder, target->lanes);
    kernel_broadcast(&builder, factor, input, expression_constant(arena, 0));
    for (int i = 0; i < CHAINS; i++) {
        sums[i] = kernel_register(&builder, target->lanes);
        kernel_broadcast(&builder, sums[i], input, expression_constant(arena, 1 + i));
    }
    kernel_open_range(&builder, "round", 0, ROUNDS, 1);
    for (int i = 0; i < CHAINS; i++)
        kernel_multiply_add(&builder, sums[i], sums[i], factor, factor);
    kernel_close(&builder);
    for (int i = 0; i < CHAINS; i++)
        kernel_store(&builder, sums[i], output, expression_constant(arena, i * target->lanes), 0,
            target->lanes);
    builder.kernel->name = "peak";
    return builder.kernel;
}

/* What its kernel reads and writes. */
typedef struct ProbeArrays {
    float input[1 + CHAINS], output[CHAINS * MOST_LANES];
} ProbeArrays;

static const ProbeArrays probe_arrays = {.input = {0.5f}};

struct PeakProbe {
    Arena *arena;
    Program *program;
    LoadedModel *model;
    int64_t multiply_adds; /* of a run */
};

PeakProbe *peak_probe_create(const Target *target, const Runner *runner, Diagnostics *diagnostics) {
    Arena *arena = arena_create();
    PeakProbe *probe = ARENA_NEW(arena, PeakProbe);
    probe->arena = arena;
    probe->program = probe_program(arena, target, peak_kernel(arena, target),
        sizeof probe_arrays.input, sizeof probe_arrays.output);
    program_set_runner(probe->program, runner);
    probe->multiply_adds = (int64_t)CHAINS * ROUNDS * target->lanes;
    probe->model = jit_load(probe->program, diagnostics);
    if (probe->model != NULL)
        return probe;
    peak_probe_destroy(probe);
    return NULL;
}

void peak_probe_destroy(PeakProbe *probe) {
    if (probe == NULL)
        return;
    jit_unload(probe->model);
    program_destroy(probe->program);
    arena_destroy(probe->arena);
}

int64_t peak_probe_multiply_adds(const PeakProbe *probe) {
    return probe->multiply_adds;
}

void peak_probe_run(const PeakProbe *probe) {
    ProbeArrays arrays = probe_arrays;
    _Alignas(64) char workspace[64];
    const float *inputs[1] = {arrays.input};
    float *outputs[1] = {arrays.output};
    jit_run(probe->model, inputs, outputs, workspace);
}

/* ---- elsewhere ---- */

bool peak_probe_is_elsewhere(const PeakProbe *probe) {
    return jit_is_elsewhere(probe->model);
}

int64_t peak_probe_time_elsewhere(
    const PeakProbe *probe, int64_t runs, int64_t most, double seconds, double *samples) {
    ProbeArrays arrays = probe_arrays;
    const float *inputs[1] = {arrays.input};
    float *outputs[1] = {arrays.output};
    const RunTiming timing = {
        .warm_up = 1, .most = most, .runs = runs, .seconds = seconds, .apart = true};
    return jit_time_elsewhere(probe->model, inputs, outputs, &timing, samples);
}

/* Of the fastest run; 0 after reporting. */
static double peak_gflops_elsewhere(const PeakProbe *probe, int threads, double seconds) {
    enum { MOST_RUNS = 1 << 12 };
    double samples[MOST_RUNS], best = 0;
    int64_t taken = peak_probe_time_elsewhere(probe, threads, MOST_RUNS, seconds, samples);
    for (int64_t i = 0; i < taken; i++)
        best = i == 0 || samples[i] < best ? samples[i] : best;
    return best > 0 ? 2 * threads * (double)probe->multiply_adds / best * 1e-9 : 0;
}

/* ---- on all threads ---- */

typedef struct PeakThread {
    const PeakProbe *probe;
    double seconds;
    double best; /* seconds of the fastest run */
} PeakThread;

static void *measure(void *context) {
    PeakThread *thread = context;
    double start = seconds_now(), last = start;
    thread->best = 1e9;
    do {
        peak_probe_run(thread->probe);
        double time = seconds_now();
        if (time - last < thread->best)
            thread->best = time - last;
        last = time;
    } while (last - start < thread->seconds);
    return NULL;
}

double peak_gflops(const PeakProbe *probe, int threads, double seconds) {
    if (peak_probe_is_elsewhere(probe))
        return peak_gflops_elsewhere(probe, threads, seconds);
    PeakThread measured[MOST_THREADS];
    pthread_t ids[MOST_THREADS];
    threads = threads < 1 ? 1 : threads > MOST_THREADS ? MOST_THREADS : threads;
    int started = 0;
    for (int i = 0; i < threads; i++)
        measured[i] = (PeakThread){probe, seconds, 1e9};
    for (int i = 1; i < threads; i++)
        if (pthread_create(&ids[started], NULL, measure, &measured[i]) == 0)
            started++;
        else
            measured[i].best = 1e9;
    measure(&measured[0]);
    for (int i = 0; i < started; i++)
        pthread_join(ids[i], NULL);
    double operations = 2 * (double)probe->multiply_adds, sum = 0;
    for (int i = 0; i < threads; i++)
        sum += measured[i].best < 1e8 ? operations / measured[i].best * 1e-9 : 0;
    return sum;
}
