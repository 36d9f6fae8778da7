/* Steps are timed inside whole runs: the network hands each of them to a parallel_for, as it does
 * for threads, and this one looks at the clock afterwards. So the caches are for every step as they
 * are in any run. */
#include "driver/profile.h"
#include "ir/clock.h"
#include "ir/progress.h"

#include <stdio.h>

enum { MOST_PROFILED_RUNS = 1 << 12 };

typedef struct StepClock {
    riffle_pool *pool;
    Samples *steps; /* of each step */
    int step_count;
    int step;    /* that runs */
    double last; /* when the one before it ended */
} StepClock;

static void timed_step(void *context, riffle_task *task, void *data, size_t count) {
    StepClock *clock = context;
    if (clock->pool != NULL)
        riffle_pool_parallel_for(clock->pool, task, data, count);
    else
        task(data, 0, count);
    double now = seconds_now();
    samples_add(&clock->steps[clock->step++], now - clock->last);
    clock->last = now;
}

static bool profiled_run(
    Tensors *tensors, const LoadedModel *loaded, StepClock *clock, Session *session) {
    clock->step = 0;
    clock->last = seconds_now();
    int status = jit_run_parallel(
        loaded, tensors->inputs, tensors->outputs, tensors->workspace, timed_step, clock);
    return jit_succeeded(status, session->diagnostics);
}

/* One run that is looked into, one that is not. */
static bool run_twice(Tensors *tensors, const LoadedModel *loaded, StepClock *clock,
    Samples *whole_runs, Session *session) {
    if (!profiled_run(tensors, loaded, clock, session))
        return false;
    double start = seconds_now();
    if (!tensors_run(tensors, loaded, clock->pool, session))
        return false;
    samples_add(whole_runs, seconds_now() - start);
    return true;
}

/* Until there are `end` runs, or for so long. */
static bool time_round(Tensors *tensors, const LoadedModel *loaded, StepClock *clock, int64_t end,
    double seconds, Samples *runs, Session *session) {
    double start = seconds_now();
    while (runs->count < end && (runs->count == 0 || seconds_now() - start < seconds))
        if (!run_twice(tensors, loaded, clock, runs, session))
            return false;
    return true;
}

/* The same in one go each: first as many as there is time for in half of it, then so many that
 * nobody looks into. */
static bool time_round_elsewhere(Tensors *tensors, const LoadedModel *loaded,
    const StepClock *clock, int64_t end, double seconds, Samples *runs, Session *session) {
    RunTiming timing = {.warm_up = WARM_UP_RUNS,
        .most = end - runs->count,
        .runs = 1,
        .seconds = seconds / 2,
        .steps = clock->step_count};
    if (timing.most <= 0)
        return true;
    double *times = ARENA_ARRAY(session->arena, double, timing.most *timing.steps + 1);
    int64_t taken = jit_time_elsewhere(loaded, tensors->inputs, tensors->outputs, &timing, times);
    for (int64_t i = 0; i < taken * timing.steps; i++)
        samples_add(&clock->steps[i % timing.steps], times[i]);
    timing.steps = 0;
    timing.most = taken;
    timing.seconds = LONGEST_TURN_SECONDS;
    if (taken > 0)
        taken = jit_time_elsewhere(
            loaded, tensors->inputs, tensors->outputs, &timing, runs->seconds + runs->count);
    runs->count += taken;
    return taken > 0;
}

static bool time_steps(const PeakProbe *probe, const LoadedModel *loaded, Tensors *tensors,
    StepClock *clock, Samples *runs, const ProfileOptions *options, Session *session,
    double *peak) {
    double turn = options->seconds / (double)TIMING_ROUNDS;
    double seconds = options->runs > 0 ? (double)LONGEST_TURN_SECONDS : turn;
    for (int round = 0; round < TIMING_ROUNDS && runs->count < runs->capacity; round++) {
        progress_set(round + 1);
        double measured = peak_gflops(probe, options->threads, turn / 4);
        *peak = measured > *peak ? measured : *peak;
        int64_t end = runs->capacity * (round + 1) / TIMING_ROUNDS;
        if (!(jit_is_elsewhere(loaded)
                    ? time_round_elsewhere(tensors, loaded, clock, end, seconds, runs, session)
                    : time_round(tensors, loaded, clock, end, seconds, runs, session)))
            return false;
    }
    return *peak > 0;
}

static StepKind kind_of(const StepSummary *step) {
    if (step->count.only_moves || step->node == NULL)
        return STEP_LAYOUT;
    if (step->op_count > 1)
        return STEP_CHAIN;
    switch (step->node->op) {
    case OP_quantized_conv:
    case OP_conv: {
        const int64_t *filter = node_weight(step->node, "weight")->type.dims;
        int64_t groups = node_integer(step->node, "groups");
        if (groups > 1 && filter[0] == groups && filter[1] == 1)
            return STEP_DEPTHWISE;
        return filter[2] * filter[3] == 1 ? STEP_POINTWISE : STEP_CONVOLUTION;
    }
    case OP_linear:
    case OP_quantized_linear:
        return STEP_LINEAR;
    case OP_max_pool:
    case OP_avg_pool:
    case OP_global_avg_pool:
        return STEP_POOLING;
    default:
        return op_moves_channels(step->node->op) ? STEP_LAYOUT : STEP_ELEMENTWISE;
    }
}

static void fill_profile(
    Profile *profile, const CompiledModel *compiled, const StepClock *clock, Arena *arena) {
    profile->steps = ARENA_ARRAY(arena, ProfiledStep, profile->step_count + 1);
    for (int i = 0; i < profile->step_count; i++) {
        ProfiledStep *step = &profile->steps[i];
        samples_sort(&clock->steps[i]);
        step->step = program_step(compiled->program, i);
        step->kind = kind_of(&step->step);
        step->median_seconds = samples_percentile(&clock->steps[i], 50);
        step->p5_seconds = samples_percentile(&clock->steps[i], 5);
    }
}

bool profile(const CompiledModel *compiled, const LoadedModel *loaded, Tensors *tensors,
    riffle_pool *pool, const ProfileOptions *options, Session *session) {
    Profile profile = {.network = compiled->model.graph->name,
        .target = compiled->target->name,
        .runner = options->runner == NULL ? NULL : options->runner->command,
        .threads = options->threads,
        .step_count = program_summary(compiled->program).step_count};
    int64_t most = options->runs > 0 ? options->runs : MOST_PROFILED_RUNS;
    most = most < MOST_PROFILED_RUNS ? most : MOST_PROFILED_RUNS;
    StepClock clock = {.pool = pool, .step_count = profile.step_count};
    clock.steps = ARENA_ARRAY(session->arena, Samples, profile.step_count + 1);
    for (int i = 0; i < profile.step_count; i++)
        clock.steps[i] = samples_create(session->arena, most);
    Samples runs = samples_create(session->arena, most);
    for (int i = 0; i < WARM_UP_RUNS && !jit_is_elsewhere(loaded); i++)
        if (!tensors_run(tensors, loaded, pool, session))
            return false;
    profile.memory_gbytes = memory_gbytes(
        compiled->target, options->runner, options->seconds / 4, session->diagnostics);
    if (profile.memory_gbytes <= 0)
        return false;
    PeakProbe *probe = peak_probe_create(compiled->target, options->runner, session->diagnostics);
    int work = progress_begin("timing, round", TIMING_ROUNDS);
    bool timed = probe != NULL && time_steps(probe, loaded, tensors, &clock, &runs, options,
                                      session, &profile.peak_gflops);
    peak_probe_destroy(probe);
    progress_end(work);
    if (!timed)
        return false;
    samples_sort(&runs);
    profile.runs = runs.count;
    profile.run_median_seconds = samples_percentile(&runs, 50);
    fill_profile(&profile, compiled, &clock, session->arena);
    Text text = {0};
    if (options->json)
        profile_print_json(&profile, &text);
    else
        profile_print(&profile, &text);
    fwrite(text.data, 1, text.length, stdout);
    text_free(&text);
    return true;
}
