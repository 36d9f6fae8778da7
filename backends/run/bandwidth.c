/* What one thread reads from memory: a kernel that adds up a long array. */
#include "backends/program/options.h"
#include "backends/program/summary.h"
#include "backends/run/model.h"
#include "backends/run/peak.h"
#include "backends/run/probe.h"
#include "backends/target/target.h"
#include "ir/arena.h"
#include "ir/clock.h"
#include "ir/diagnostics.h"
#include "ir/kernel.h"
#include "ir/kernel_lanes.h"
#include <stdlib.h>
#include <string.h>

/* 128 MiB are several times the last-level cache that one core gets. */
enum { CHAINS = 8, FLOATS = 1 << 25, LEAST_SWEEPS = 3 };

#define ARRAY_BYTES (FLOATS * sizeof(float))

static Kernel *sweep_kernel(Arena *arena, const Target *target) {
    KernelBuilder builder;
    int sums[CHAINS];
    kernel_begin(&builder, arena, 1);
    int input = kernel_parameter(&builder, PARAMETER_READ, "input");
    int output = kernel_parameter(&builder, PARAMETER_WRITE, "output");
    int value = kernel_register(&builder, target->lanes);
    for (int i = 0; i < CHAINS; i++) {
        sums[i] = kernel_register(&builder, target->lanes);
        kernel_splat(&builder, sums[i], 0);
    }
    const Expression *at =
        kernel_open_range(&builder, "at", 0, FLOATS, (int64_t)CHAINS * target->lanes);
    for (int i = 0; i < CHAINS; i++) {
        kernel_load(&builder, value, input,
            expression_offset(arena, at, (int64_t)i * target->lanes), 0, target->lanes);
        kernel_binary(&builder, INSTRUCTION_add, sums[i], sums[i], value);
    }
    kernel_close(&builder);
    for (int i = 0; i < CHAINS; i++)
        kernel_store(&builder, sums[i], output, expression_constant(arena, i * target->lanes), 0,
            target->lanes);
    builder.kernel->name = "sweep";
    return builder.kernel;
}

static double fastest_sweep(const LoadedModel *model, const float *array, double seconds) {
    float output[CHAINS * MOST_LANES];
    _Alignas(64) char workspace[64];
    const float *inputs[1] = {array};
    float *outputs[1] = {output};
    double start = seconds_now(), last = start, best = 1e9;
    for (int sweep = 0; sweep < LEAST_SWEEPS || last - start < seconds; sweep++) {
        jit_run(model, inputs, outputs, workspace);
        double time = seconds_now();
        best = time - last < best ? time - last : best;
        last = time;
    }
    return best;
}

/* The array is made there. */
static double fastest_sweep_elsewhere(const LoadedModel *model, double seconds) {
    enum { MOST_SWEEPS = 256 };
    float output[CHAINS * MOST_LANES];
    float *outputs[1] = {output};
    double samples[MOST_SWEEPS], best = 0;
    const RunTiming timing = {
        .warm_up = 1, .most = MOST_SWEEPS, .runs = 1, .seconds = seconds, .made_up = true};
    int64_t taken = jit_time_elsewhere(model, NULL, outputs, &timing, samples);
    for (int64_t i = 0; i < taken; i++)
        best = i == 0 || samples[i] < best ? samples[i] : best;
    return best;
}

/* Pages that were never written would all be the same one. */
static float *written_array(Diagnostics *diagnostics) {
    float *array = aligned_alloc(64, ARRAY_BYTES);
    if (array == NULL)
        diagnostics_error(diagnostics, NULL,
            "not enough memory to measure its bandwidth: %zu bytes", ARRAY_BYTES);
    else
        memset(array, 1, ARRAY_BYTES);
    return array;
}

static double fastest_sweep_here(
    const LoadedModel *model, double seconds, Diagnostics *diagnostics) {
    float *array = written_array(diagnostics);
    double fastest = array == NULL ? 0 : fastest_sweep(model, array, seconds);
    free(array);
    return fastest;
}

double memory_gbytes(
    const Target *target, const Runner *runner, double seconds, Diagnostics *diagnostics) {
    Arena *arena = arena_create();
    Program *program = probe_program(arena, target, sweep_kernel(arena, target), ARRAY_BYTES,
        CHAINS * MOST_LANES * sizeof(float));
    program_set_runner(program, runner);
    LoadedModel *model = jit_load(program, diagnostics);
    double fastest = 0;
    if (model != NULL)
        fastest = jit_is_elsewhere(model) ? fastest_sweep_elsewhere(model, seconds)
                                          : fastest_sweep_here(model, seconds, diagnostics);
    jit_unload(model);
    program_destroy(program);
    arena_destroy(arena);
    return fastest > 0 ? (double)ARRAY_BYTES / fastest * 1e-9 : 0;
}
