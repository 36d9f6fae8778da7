/* The machine's multiply-add limit: a kernel of nothing but independent multiply-adds in registers,
 * made and loaded like any other program. */
#include "backends/probe.h"
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

enum { CHAINS = 12, ROUNDS = 1 << 14, MOST_THREADS = 64, MOST_LANES = 64 };

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

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

typedef struct PeakThread {
    const LoadedModel *model;
    double seconds;
    double best; /* seconds of the fastest run */
} PeakThread;

static void *measure(void *context) {
    PeakThread *thread = context;
    float input[1 + CHAINS] = {0.5f}, output[CHAINS * MOST_LANES];
    _Alignas(64) char workspace[64];
    const float *inputs[1] = {input};
    float *outputs[1] = {output};
    double start = now(), last = start;
    thread->best = 1e9;
    do {
        jit_run(thread->model, inputs, outputs, workspace);
        double time = now();
        if (time - last < thread->best)
            thread->best = time - last;
        last = time;
    } while (last - start < thread->seconds);
    return NULL;
}

double peak_gflops(const Target *target, int threads, double seconds, Diagnostics *diagnostics) {
    Arena *arena = arena_create();
    Program *program = probe_program(arena, target, peak_kernel(arena, target));
    LoadedModel *model = jit_load(program, diagnostics);
    double sum = 0;
    if (model) {
        PeakThread measured[MOST_THREADS];
        pthread_t ids[MOST_THREADS];
        threads = threads < 1 ? 1 : threads > MOST_THREADS ? MOST_THREADS : threads;
        int started = 0;
        for (int i = 0; i < threads; i++)
            measured[i] = (PeakThread){model, seconds, 1e9};
        for (int i = 1; i < threads; i++)
            if (pthread_create(&ids[started], NULL, measure, &measured[i]) == 0)
                started++;
            else
                measured[i].best = 1e9;
        measure(&measured[0]);
        for (int i = 0; i < started; i++)
            pthread_join(ids[i], NULL);
        double flops = 2.0 * CHAINS * ROUNDS * target->lanes;
        for (int i = 0; i < threads; i++)
            sum += measured[i].best < 1e8 ? flops / measured[i].best * 1e-9 : 0;
    }
    jit_unload(model);
    program_destroy(program);
    arena_destroy(arena);
    return sum;
}
