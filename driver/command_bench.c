/* riffle bench: time per run beside the time that the machine's multiply-add units would need. The
 * limit is measured in turns with the runs: a machine shared with others changes. */
#include "backends/backends.h"
#include "backends/output/json_writer.h"
#include "driver/ablate.h"
#include "driver/limit.h"
#include "driver/profile.h"
#include "driver/samples.h"
#include "driver/tensors.h"
#include "ir/clock.h"
#include "ir/progress.h"

#include <stdio.h>

enum {
    OPTION_RUNS = 1000,
    OPTION_SECONDS,
    OPTION_THREADS,
    OPTION_JSON,
    OPTION_ABLATE,
    OPTION_PROFILE
};

typedef struct BenchOptions {
    ModelOptions model;
    Session *session;
    int64_t runs, threads;
    double seconds;
    bool json, profile;
    AblationUnit ablate; /* ABLATE_NOTHING: the time of the network */
} BenchOptions;

typedef struct Measurement {
    Samples runs;
    Limit limit;
} Measurement;

static error_t check_runner(const BenchOptions *options) {
    if (model_runner(&options->model) != NULL && options->ablate != ABLATE_NOTHING) {
        diagnostics_error(options->session->diagnostics, NULL,
            "--ablate measures on this machine, and not with --runner");
        return EINVAL;
    }
    return 0;
}

static error_t parse_option(int key, char *argument, struct argp_state *state) {
    BenchOptions *options = state->input;
    Session *session = options->session;
    switch (key) {
    case ARGP_KEY_INIT:
        model_options_init(state, &options->model, 6);
        return 0;
    case OPTION_RUNS:
        return option_integer(session, "--runs", argument, 1, MOST_SAMPLES, &options->runs)
                   ? 0
                   : EINVAL;
    case OPTION_SECONDS:
        return option_number(session, "--seconds", argument, 0.01, 3600, &options->seconds)
                   ? 0
                   : EINVAL;
    case OPTION_THREADS:
        return option_integer(session, "--threads", argument, 1, 1024, &options->threads) ? 0
                                                                                          : EINVAL;
    case OPTION_JSON:
        options->json = true;
        return 0;
    case OPTION_PROFILE:
        options->profile = true;
        return 0;
    case OPTION_ABLATE:
        return ablation_unit_parse(session, argument, &options->ablate) ? 0 : EINVAL;
    case ARGP_KEY_END:
        if (options->profile && options->ablate != ABLATE_NOTHING) {
            diagnostics_error(
                session->diagnostics, NULL, "--profile and --ablate exclude each other");
            return EINVAL;
        }
        return check_runner(options);
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option options_table[] = {
    {"runs", OPTION_RUNS, "N", 0, "Time this many runs (default: as many as --seconds allow)", 0},
    {"seconds", OPTION_SECONDS, "N", 0, "Time runs for about this long (default 3)", 0},
    {"threads", OPTION_THREADS, "N", 0, "Share each run out to this many threads (default 1)", 0},
    {"ablate", OPTION_ABLATE, "passes|steps", OPTION_ARG_OPTIONAL,
        "Compile the network also with each pass of the pipeline left out in turn (or each single "
        "step), and print what that costs; --seconds is then for each of them",
        0},
    {"profile", OPTION_PROFILE, NULL, 0,
        "Print where the time goes: for each step, and each kind of op, its time, GFLOP/s and "
        "bytes beside what the machine can do",
        0},
    {"json", OPTION_JSON, NULL, 0, "Print JSON", 0}, {0}};

static const struct argp_child children[] = {{&spec_argp, 0, NULL, 0}, {&weights_argp, 0, NULL, 0},
    {&passes_argp, 0, NULL, 0}, {&target_argp, 0, NULL, 0}, {&backend_argp, 0, NULL, 0},
    {&runner_argp, 0, NULL, 0}, {0}};

static const struct argp argp = {.options = options_table,
    .parser = parse_option,
    .args_doc = "SPEC",
    .doc = "Measures the time of the compiled network on this machine, with inputs made up from a "
           "seed. Without weights, random ones are used.\v"
           "The limit is the time of a program of nothing but as many multiply-adds of fp32 as the "
           "network has, in turns with its runs and in the same way: a 5th percentile. The ratio "
           "is that of the 5th percentiles, 1 is perfect. 'best' is the time at the best rate of "
           "any short moment, which is stricter where others share the machine.\n"
           "\n"
           "Examples:\n"
           "  riffle bench examples/shufflenet_v2.rfl\n"
           "  riffle bench net.rfl --weights net.safetensors --threads 4 --json\n"
           "  riffle bench examples/shufflenet_v2.rfl --profile\n"
           "  riffle bench examples/shufflenet_v2.rfl --ablate\n",
    .children = children};

/* Samples until there are `end`, or for so long. */
static bool time_round(const LoadedModel *loaded, Tensors *tensors, riffle_pool *pool, int64_t end,
    double seconds, Samples *runs, Session *session) {
    double start = seconds_now(), now = start;
    while (runs->count < end && (now - start < seconds || runs->count == 0)) {
        double before = now;
        if (!tensors_run(tensors, loaded, pool, session))
            return false;
        now = seconds_now();
        samples_add(runs, now - before);
    }
    return true;
}

static bool time_round_elsewhere(
    const LoadedModel *loaded, Tensors *tensors, int64_t end, double seconds, Samples *runs) {
    RunTiming timing = {
        .warm_up = WARM_UP_RUNS, .most = end - runs->count, .runs = 1, .seconds = seconds};
    if (timing.most > MOST_SAMPLES_ELSEWHERE)
        timing.most = MOST_SAMPLES_ELSEWHERE;
    if (timing.most == 0)
        return true;
    int64_t taken = jit_time_elsewhere(
        loaded, tensors->inputs, tensors->outputs, &timing, runs->seconds + runs->count);
    runs->count += taken;
    return taken > 0;
}

static bool time_runs(const BenchOptions *options, const LoadedModel *loaded, Tensors *tensors,
    riffle_pool *pool, Measurement *measurement) {
    Session *session = options->session;
    int64_t most = options->runs > 0 ? options->runs : MOST_SAMPLES;
    double turn = options->seconds / (double)TIMING_ROUNDS;
    measurement->runs = samples_create(session->arena, most);
    Samples *runs = &measurement->runs;
    bool elsewhere = jit_is_elsewhere(loaded);
    for (int i = 0; i < WARM_UP_RUNS && !elsewhere; i++) {
        if (!tensors_run(tensors, loaded, pool, session))
            return false;
    }
    for (int round = 0; round < TIMING_ROUNDS && runs->count < most; round++) {
        progress_set(round + 1);
        if (!limit_measure(&measurement->limit, turn / 2))
            return false;
        int64_t end = options->runs > 0 ? most * (round + 1) / TIMING_ROUNDS : most;
        double seconds = options->runs > 0 ? (double)LONGEST_TURN_SECONDS : turn;
        if (!(elsewhere ? time_round_elsewhere(loaded, tensors, end, seconds, runs)
                        : time_round(loaded, tensors, pool, end, seconds, runs, session)))
            return false;
    }
    return true;
}

typedef struct BenchReport {
    const char *name, *target, *runner; /* runner: NULL for this machine */
    int64_t threads, runs, macs;
    double median_ms, minimum_ms, p5_ms, p95_ms;
    double limit_ms, limit_median_ms, best_limit_ms; /* best: at peak_gflops */
    double gflops, peak_gflops, ratio_to_limit, ratio_of_medians, ratio_to_best_limit;
} BenchReport;

static BenchReport make_report(
    const BenchOptions *options, const CompiledModel *compiled, Measurement *measurement) {
    Samples *runs = &measurement->runs;
    samples_sort(runs);
    BenchReport report = {.name = compiled->model.graph->name,
        .target = compiled->target->name,
        .runner = options->model.runner.command,
        .threads = options->threads,
        .runs = runs->count,
        .macs = graph_macs(compiled->as_written),
        .median_ms = 1e3 * samples_percentile(runs, 50),
        .minimum_ms = 1e3 * runs->seconds[0],
        .p5_ms = 1e3 * samples_percentile(runs, 5),
        .p95_ms = 1e3 * samples_percentile(runs, 95),
        .limit_ms = 1e3 * limit_percentile(&measurement->limit, 5),
        .limit_median_ms = 1e3 * limit_percentile(&measurement->limit, 50),
        .peak_gflops = measurement->limit.best_gflops};
    double operations = 2 * (double)report.macs;
    report.best_limit_ms = operations / (report.peak_gflops * 1e6);
    report.gflops = operations / (report.median_ms * 1e6);
    report.ratio_to_limit = share_of(report.p5_ms, report.limit_ms);
    report.ratio_of_medians = share_of(report.median_ms, report.limit_median_ms);
    report.ratio_to_best_limit = share_of(report.p5_ms, report.best_limit_ms);
    return report;
}

static void print_json(const BenchReport *report, Text *text) {
    JsonWriter writer = {.out = text};
    json_write_object(&writer, NULL, JSON_LINES);
    json_write_string(&writer, "name", report->name);
    json_write_string(&writer, "target", report->target);
    if (report->runner != NULL)
        json_write_string(&writer, "runner", report->runner);
    json_write_integer(&writer, "threads", report->threads);
    json_write_integer(&writer, "runs", report->runs);
    json_write_integer(&writer, "macs", report->macs);
    json_write_number(&writer, "median_ms", report->median_ms);
    json_write_number(&writer, "min_ms", report->minimum_ms);
    json_write_number(&writer, "p5_ms", report->p5_ms);
    json_write_number(&writer, "p95_ms", report->p95_ms);
    json_write_number(&writer, "gflops", report->gflops);
    json_write_number(&writer, "peak_gflops", report->peak_gflops);
    json_write_number(&writer, "limit_ms", report->limit_ms);
    json_write_number(&writer, "limit_median_ms", report->limit_median_ms);
    json_write_number(&writer, "best_limit_ms", report->best_limit_ms);
    json_write_number(&writer, "ratio_to_limit", report->ratio_to_limit);
    json_write_number(&writer, "ratio_of_medians", report->ratio_of_medians);
    json_write_number(&writer, "ratio_to_best_limit", report->ratio_to_best_limit);
    json_write_object_end(&writer);
    json_write_end(&writer);
}

static void print_report(const BenchReport *report, Text *text) {
    text_format(text, "%s for %s, %lld thread%s, %lld runs\n", report->name, report->target,
        (long long)report->threads, report->threads == 1 ? "" : "s", (long long)report->runs);
    if (report->runner != NULL)
        text_format(text, "  run by          '%s', and timed there\n", report->runner);
    text_format(text, "  median          %9.4f ms\n", report->median_ms);
    text_format(text, "  minimum         %9.4f ms\n", report->minimum_ms);
    text_format(text, "  5th percentile  %9.4f ms\n", report->p5_ms);
    text_format(text, "  spread          %9.1f %%   (5th to 95th percentile, of the median)\n",
        100 * (report->p95_ms - report->p5_ms) / report->median_ms);
    text_format(text, "  speed           %9.1f GFLOP/s in the median, of %.1f at best\n",
        report->gflops, report->peak_gflops);
    text_format(text,
        "  limit           %9.4f ms for %.1f M MACs alone, in turns with the runs; median %.4f ms; "
        "at best %.4f ms\n",
        report->limit_ms, (double)report->macs / 1e6, report->limit_median_ms,
        report->best_limit_ms);
    text_format(text,
        "  ratio to limit  %9.2f      (5th percentiles; medians %.2f; 5th percentile to best "
        "%.2f)\n",
        report->ratio_to_limit, report->ratio_of_medians, report->ratio_to_best_limit);
}

static bool measure(const BenchOptions *options, const CompiledModel *compiled,
    const LoadedModel *loaded, Tensors *tensors, riffle_pool *pool) {
    Session *session = options->session;
    int64_t workspace = program_summary(compiled->program).workspace_bytes;
    if (!tensors_create(compiled->model.graph, workspace, session, tensors))
        return false;
    tensors_randomize_inputs(tensors, 1);
    ProfileOptions profiling = {options->seconds, options->runs, (int)options->threads,
        model_runner(&options->model), options->json};
    if (options->profile)
        return profile(compiled, loaded, tensors, pool, &profiling, session) &&
               tensors_check_guards(tensors, session);
    Measurement measurement = {0};
    int work = progress_begin("timing, round", TIMING_ROUNDS);
    bool timed =
        limit_create(compiled->target, model_runner(&options->model), pool, (int)options->threads,
            graph_macs(compiled->as_written), session, &measurement.limit) &&
        time_runs(options, loaded, tensors, pool, &measurement);
    limit_destroy(&measurement.limit);
    progress_end(work);
    if (!timed)
        return false;
    BenchReport report = make_report(options, compiled, &measurement);
    Text text = {0};
    if (options->json)
        print_json(&report, &text);
    else
        print_report(&report, &text);
    fputs(text.data, stdout);
    text_free(&text);
    return tensors_check_guards(tensors, session);
}

static bool bench(const BenchOptions *options, CompiledModel *compiled) {
    Session *session = options->session;
    if (!model_compile(&options->model, true, compiled))
        return false;
    if (options->profile)
        program_set_loops(compiled->program, LOOP_PER_STEP);
    LoadedModel *loaded = jit_load(compiled->program, session->diagnostics);
    if (loaded == NULL)
        return false;
    riffle_pool *pool;
    Tensors tensors = {0};
    bool done = model_pool(&options->model, options->threads, &pool) &&
                measure(options, compiled, loaded, &tensors, pool);
    tensors_free(&tensors);
    riffle_pool_destroy(pool);
    jit_unload(loaded);
    return done;
}

int command_bench(int argc, char **argv) {
    Session session = session_begin();
    BenchOptions options = {.session = &session, .threads = 1, .seconds = 3};
    options.model = model_options(&session, "native");
    if (!command_line_parse(&argp, argc, argv, &options, &session))
        return session_finish(&session, EXIT_USAGE);
    options.model.runner.threads = (int)options.threads;
    if (options.model.weights_file == NULL && !options.model.random_weights)
        options.model.random_weights = true;
    CompiledModel compiled = {0};
    AblateOptions ablation = {
        options.ablate, options.seconds, options.runs, (int)options.threads, options.json};
    bool done = options.ablate != ABLATE_NOTHING ? ablate(&options.model, &ablation)
                                                 : bench(&options, &compiled);
    compiled_model_close(&compiled);
    return session_finish(&session, done ? EXIT_DONE : EXIT_FAILED);
}
