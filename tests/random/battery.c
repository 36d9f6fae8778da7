#include "battery.h"

#include "isolate.h"
#include "jumps.h"
#include "passes/reducer.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { SECONDS = 60, MOST_STEPS = 10, MOST_ATTEMPTS = 4000, OTHER_DRAWS = 2 };

/* What is being tried, in memory that the parent process sees: a crash leaves no other word. */
typedef struct Trying {
    char pipeline[4096], target[64];
    bool tiny_cache;
} Trying;

typedef struct Battery {
    const Graph *graph;
    uint64_t seed, random;
    const BatteryOptions *options;
    const PassRegistry *registry;
    Trying *trying;
    const Oracle *oracle;
    Arena *arena;
} Battery;

static int64_t pick(Battery *battery, int64_t count) {
    uint64_t z = battery->random += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    return (int64_t)((z ^ (z >> 31)) % (uint64_t)count);
}

/* ---- pipelines ---- */

/* The least value that is allowed, or one near it: that is where passes take other ways. */
static void append_option(Battery *battery, const PassOption *option, Text *text) {
    text_format(text, "{%s=", option->name);
    switch (option->kind) {
    case PASS_OPTION_INTEGER:
        text_format(text, "%lld",
            (long long)option->least +
                (option->most > option->least + 8 ? (long long)pick(battery, 8) : 0));
        break;
    case PASS_OPTION_NUMBER:
        text_append_double(text, pick(battery, 2) == 0 ? option->least : option->most);
        break;
    case PASS_OPTION_FLAG:
        text_append(text, pick(battery, 2) == 0 ? "true" : "false");
        break;
    }
    text_append(text, "}");
}

static const char *random_order(Battery *battery) {
    Text text = {0};
    int64_t steps = 1 + pick(battery, MOST_STEPS);
    int64_t passes = (int64_t)pass_registry_count(battery->registry);
    for (int64_t i = 0; i < steps; i++) {
        const Pass *pass = pass_registry_at(battery->registry, (size_t)pick(battery, passes));
        text_format(&text, "%s%s", i > 0 ? "," : "", pass->name);
        bool rounds = strcmp(pass->name, "bfloat16") == 0 ||
                      strcmp(pass->name, "float16") == 0; /* with an option */
        if (pass->option_count > 0 && pick(battery, 4) == 0 && !rounds)
            append_option(battery, &pass->options[pick(battery, pass->option_count)], &text);
    }
    const char *copy = arena_copy_string(battery->arena, text.data);
    text_free(&text);
    return copy;
}

/* ---- one case ---- */

static const char *try_case(
    Battery *battery, const char *pipeline, const Target *target, bool tiny_cache) {
    Check check = {pipeline, battery->registry, target, tiny_cache};
    Trying *trying = battery->trying;
    snprintf(trying->pipeline, sizeof trying->pipeline, "%s", pipeline);
    snprintf(trying->target, sizeof trying->target, "%s", target == NULL ? "" : target->name);
    trying->tiny_cache = tiny_cache;
    return check_graph(battery->oracle, &check, battery->arena);
}

static const char *try_passes(Battery *battery) {
    const char *fault = NULL;
    for (size_t i = 0; i < pass_registry_count(battery->registry) && fault == NULL; i++) {
        const char *name = pass_registry_at(battery->registry, i)->name;
        fault = try_case(battery, arena_format(battery->arena, "%s,%s", name, name), NULL, false);
    }
    for (int level = 0; level < PIPELINE_LEVELS && fault == NULL; level++)
        fault = try_case(battery, pipeline_preset(level), NULL, false);
    for (int i = 0; i < battery->options->orders && fault == NULL; i++)
        fault = try_case(battery, random_order(battery), NULL, false);
    return fault;
}

static const Target *pick_target(Battery *battery) {
    size_t count;
    const Target *targets = target_table(&count);
    size_t first = (size_t)pick(battery, (int64_t)count);
    for (size_t i = 0; i < count; i++) {
        const Target *target = &targets[(first + i) % count];
        bool machine_code = target->triple[0] != '\0'; /* not a target of C alone */
        if (machine_code && target_runs_here(target))
            return target;
    }
    return NULL;
}

/* Passes, and what backends need behind them. */
static const char *pick_pipeline(Battery *battery) {
    if (pick(battery, 3) == 0) /* whatever passes did before */
        return arena_format(battery->arena, "%s,%s", random_order(battery), pipeline_preset(0));
    return pipeline_preset((int)pick(battery, PIPELINE_LEVELS));
}

static const char *try_gpu(Battery *battery) {
    size_t count;
    const Target *gpus = gpu_target_table(&count);
    if (battery->options->gpu_share == 0 || pick(battery, battery->options->gpu_share) != 0)
        return NULL;
    const Target *gpu = &gpus[pick(battery, (int64_t)count)];
    return try_case(battery, pick_pipeline(battery), gpu, false);
}

static const char *try_targets(Battery *battery) {
    const char *fault = NULL;
    for (int i = 0; i < battery->options->compilations && fault == NULL; i++) {
        const Target *target = pick_target(battery);
        if (target == NULL)
            return NULL;
        const char *pipeline = pick_pipeline(battery);
        fault = try_case(battery, pipeline, target, pick(battery, 2) == 0);
    }
    return fault;
}

static const char *battery_in_child(void *context, Arena *arena) {
    Battery *battery = context;
    const char *fault = NULL;
    battery->arena = arena;
    Oracle *oracle = oracle_create(graph_copy(battery->graph, arena), battery->seed, arena, &fault);
    if (oracle == NULL)
        return fault;
    battery->oracle = oracle;
    fault = try_passes(battery);
    if (fault == NULL)
        fault = try_targets(battery);
    if (fault == NULL)
        fault = try_gpu(battery);
    oracle_destroy(oracle);
    return fault;
}

static const PassRegistry *registry_or_table(const PassRegistry *registry, Arena *arena) {
    return registry != NULL ? registry : pass_registry_create(arena);
}

/* ---- again ---- */

typedef struct Retry {
    const Failure *failure;
    const Graph *graph;
    const PassRegistry *registry;
} Retry;

static const char *retry_in_child(void *context, Arena *arena) {
    const Retry *retry = context;
    const Failure *failure = retry->failure;
    const char *fault = NULL;
    Diagnostics *diagnostics = diagnostics_create();
    Check check = {failure->pipeline, retry->registry, NULL, failure->tiny_cache};
    if (failure->target[0] != '\0') {
        check.target = target_find(failure->target, arena, diagnostics);
        if (check.target == NULL)
            return arena_format(arena, "target: %s", diagnostics_copy(diagnostics, arena));
    }
    diagnostics_destroy(diagnostics);
    Oracle *oracle = oracle_create(graph_copy(retry->graph, arena), failure->seed, arena, &fault);
    if (oracle != NULL)
        fault = check_graph(oracle, &check, arena);
    oracle_destroy(oracle);
    return fault;
}

static const char *retry(
    const Failure *failure, const Graph *graph, const PassRegistry *registry, Arena *arena) {
    Retry retry = {failure, graph, registry};
    return isolated(retry_in_child, &retry, SECONDS, arena);
}

/* Whether it is a difference of a graph that jumps which is not there with other numbers: one of
 * them lay so near to a jump that rounding decided. What is wrong is so with most numbers. */
static bool is_tie(const Failure *failure, const Graph *graph, const PassRegistry *registry,
    const char *fault, Arena *arena) {
    if (strstr(fault, "difference: ") == NULL || !graph_jumps(graph))
        return false;
    for (uint64_t other = 1; other <= OTHER_DRAWS; other++) {
        Failure drawn = *failure;
        drawn.seed = failure->seed + other;
        if (retry(&drawn, graph, registry, arena) != NULL)
            return false;
    }
    return true;
}

const char *failure_retry(
    const Failure *failure, const Graph *graph, const PassRegistry *registry, Arena *arena) {
    const char *fault = retry(failure, graph, registry, arena);
    return fault == NULL || is_tie(failure, graph, registry, fault, arena) ? NULL : fault;
}

const Failure *battery_run(
    const Graph *graph, uint64_t seed, const BatteryOptions *options, Arena *arena) {
    Trying *trying =
        mmap(NULL, sizeof *trying, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (trying == MAP_FAILED)
        abort();
    Battery battery = {.graph = graph,
        .seed = seed,
        .random = seed,
        .options = options,
        .registry = registry_or_table(options->registry, arena),
        .trying = trying};
    const char *fault = isolated(battery_in_child, &battery, SECONDS, arena);
    Failure *failure = NULL;
    if (fault != NULL) {
        failure = ARENA_NEW(arena, Failure);
        *failure = (Failure){.seed = seed,
            .pipeline = arena_copy_string(arena, trying->pipeline),
            .target = arena_copy_string(arena, trying->target),
            .tiny_cache = trying->tiny_cache,
            .fault = fault};
        if (is_tie(failure, graph, options->registry, fault, arena))
            failure = NULL;
    }
    munmap(trying, sizeof *trying);
    return failure;
}

typedef struct Smaller {
    const Failure *failure;
    const PassRegistry *registry;
} Smaller;

/* Another fault than the one that is looked for is none: it would lead away. */
static ReducerVerdict fails_alike(void *context, Graph *graph, const char *pipeline) {
    const Smaller *smaller = context;
    Arena *arena = arena_create();
    Failure failure = *smaller->failure;
    failure.pipeline = pipeline;
    const char *fault = failure_retry(&failure, graph, smaller->registry, arena);
    bool alike = fault != NULL && fault_alike(fault, smaller->failure->fault);
    arena_destroy(arena);
    return alike ? VERDICT_YES : VERDICT_NO;
}

Graph *failure_reduce(
    Failure *failure, const Graph *graph, const PassRegistry *registry, Arena *arena) {
    Smaller smaller = {failure, registry};
    ReducedGraph reduction =
        graph_reduce(graph, failure->pipeline, fails_alike, &smaller, MOST_ATTEMPTS, arena);
    failure->pipeline = reduction.pipeline;
    const char *fault = failure_retry(failure, reduction.graph, registry, arena);
    if (fault != NULL)
        failure->fault = fault;
    return reduction.graph;
}
