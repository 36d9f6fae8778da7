/* What one thread reads from memory: a kernel that adds up a long array. */
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

double memory_gbytes(const Target *target, double seconds, Diagnostics *diagnostics) {
    size_t bytes = FLOATS * sizeof(float);
    float *array = aligned_alloc(64, bytes);
    if (array == NULL) {
        diagnostics_error(
            diagnostics, NULL, "not enough memory to measure its bandwidth: %zu bytes", bytes);
        return 0;
    }
    memset(array, 1, bytes); /* pages that were never written would all be the same one */
    Arena *arena = arena_create();
    Program *program = probe_program(arena, target, sweep_kernel(arena, target),
        FLOATS * sizeof(float), CHAINS * MOST_LANES * sizeof(float));
    LoadedModel *model = jit_load(program, diagnostics);
    double rate = 0;
    if (model)
        rate = (double)bytes / fastest_sweep(model, array, seconds) * 1e-9;
    jit_unload(model);
    program_destroy(program);
    arena_destroy(arena);
    free(array);
    return rate;
}
