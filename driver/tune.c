/* Choices are measured in the whole network, where caches are as they will be: it is compiled in
 * several forms, which take turns, and the steps of each are timed.
 *
 * 1. Tiles: in form i every layer has the i-th of its candidates. A layer shape takes the one with
 *    which the steps that it is in took least.
 * 2. Chains: with these tiles, once as the model joins layers, once with none joined and once with
 *    all that can be. Two neighbours are joined where the chain that has them took less than its
 *    layers apart. */
#include "driver/tune.h"
#include "backends/schedule/shape.h"
#include "backends/schedule/tail.h"
#include "backends/schedule/tuning.h"
#include "backends/schedule/tuning_candidates.h"
#include "driver/samples.h"
#include "driver/tensors.h"
#include "ir/clock.h"
#include "ir/progress.h"

#include <stdlib.h>
#include <string.h>

enum {
    MOST_VARIANTS = 8,
    MOST_LAYERS_PER_STEP = 16,
    MOST_RUNS = 1 << 12,
    UNTIMED_RUNS = 2,
    PERCENTILE = 10 /* of a step's times: what others do to the machine is above it */
};

/* A choice other than the model's must be faster by so much. */
static const double least_gain = 0.02;

/* The network in one form. */
typedef struct TuneVariant {
    Program *program;
    LoadedModel *loaded;
    Tensors tensors;
    Samples *samples; /* of each step */
    double *seconds;  /* of each step */
    int step_count;
} TuneVariant;

typedef struct Tuner {
    const ModelOptions *model;
    const CompiledModel *compiled;
    Compilation untuned; /* with the choices of the model alone */
    const TuneOptions *options;
    Session *session;
    TuneVariant variants[MOST_VARIANTS];
    int count, tried, changed_tiles;
} Tuner;

/* ---- forms ---- */

static void close_variants(Tuner *tuner) {
    for (int i = 0; i < tuner->count; i++) {
        jit_unload(tuner->variants[i].loaded);
        tensors_free(&tuner->variants[i].tensors);
        program_destroy(tuner->variants[i].program);
    }
    tuner->count = 0;
}

static bool open_variant(Tuner *tuner, Tuning *tuning, LowerChains chains) {
    Session *session = tuner->session;
    TuneVariant *variant = &tuner->variants[tuner->count++];
    *variant = (TuneVariant){0};
    progress_set(tuner->count);
    ModelOptions options = *tuner->model;
    options.chains = chains;
    const Graph *graph = tuner->compiled->model.graph;
    variant->program = model_lower(&options, graph, tuner->compiled->target, tuning);
    if (variant->program == NULL)
        return false;
    program_set_loops(variant->program, LOOP_PER_STEP);
    ProgramSummary summary = program_summary(variant->program);
    variant->step_count = summary.step_count;
    variant->loaded = jit_load(variant->program, session->diagnostics);
    if (variant->loaded == NULL ||
        !tensors_create(graph, summary.workspace_bytes, session, &variant->tensors))
        return false;
    tensors_randomize_inputs(&variant->tensors, 1);
    variant->samples = ARENA_ARRAY(session->arena, Samples, variant->step_count + 1);
    variant->seconds = ARENA_ARRAY(session->arena, double, variant->step_count + 1);
    for (int i = 0; i < variant->step_count; i++)
        variant->samples[i] = samples_create(session->arena, MOST_RUNS);
    tuner->tried++;
    return true;
}

/* ---- timing ---- */

typedef struct VariantClock {
    Samples *samples; /* NULL: warming up */
    int step;
    double last;
} VariantClock;

static void timed_variant_step(void *context, riffle_task *task, void *data, size_t count) {
    VariantClock *clock = context;
    task(data, 0, count);
    double now = seconds_now();
    if (clock->samples != NULL)
        samples_add(&clock->samples[clock->step++], now - clock->last);
    clock->last = now;
}

static bool run_variant(const Tuner *tuner, TuneVariant *variant, bool warm_up) {
    VariantClock clock = {.samples = warm_up ? NULL : variant->samples, .last = seconds_now()};
    Tensors *tensors = &variant->tensors;
    int status = jit_run_parallel(variant->loaded, tensors->inputs, tensors->outputs,
        tensors->workspace, timed_variant_step, &clock);
    return jit_succeeded(status, tuner->session->diagnostics);
}

static double run_seconds(const TuneVariant *variant) {
    double sum = 0;
    for (int i = 0; i < variant->step_count; i++)
        sum += variant->seconds[i];
    return sum;
}

static bool run_variants(Tuner *tuner) {
    double start = seconds_now();
    for (int run = 0; run < MOST_RUNS + UNTIMED_RUNS; run++) {
        if (run > UNTIMED_RUNS && seconds_now() - start > tuner->options->seconds)
            break;
        for (int i = 0; i < tuner->count; i++)
            if (!run_variant(tuner, &tuner->variants[i], run < UNTIMED_RUNS))
                return false;
    }
    return true;
}

/* All runs of a turn in one go, and timed there; *sum grows by their time. */
static bool run_variant_elsewhere(
    const Tuner *tuner, TuneVariant *variant, double seconds, double *sum) {
    int steps = variant->step_count;
    RunTiming timing = {.warm_up = UNTIMED_RUNS,
        .most = MOST_RUNS / TIMING_ROUNDS,
        .runs = 1,
        .seconds = seconds,
        .steps = steps};
    double *times = ARENA_ARRAY(tuner->session->arena, double, timing.most *steps);
    int64_t taken = jit_time_elsewhere(
        variant->loaded, variant->tensors.inputs, variant->tensors.outputs, &timing, times);
    for (int64_t i = 0; i < taken * steps; i++) {
        samples_add(&variant->samples[i % steps], times[i]);
        *sum += times[i];
    }
    return taken > 0;
}

static bool run_variants_elsewhere(Tuner *tuner) {
    double seconds = tuner->options->seconds / (double)TIMING_ROUNDS / tuner->count, sum = 0;
    for (int round = 0; round < TIMING_ROUNDS && sum < tuner->options->seconds; round++)
        for (int i = 0; i < tuner->count; i++)
            if (!run_variant_elsewhere(tuner, &tuner->variants[i], seconds, &sum))
                return false;
    return true;
}

/* The forms take turns, so that what slows the machine down slows all of them. */
static bool time_variants(Tuner *tuner) {
    bool elsewhere = jit_is_elsewhere(tuner->variants[0].loaded);
    int work = progress_begin("timing all forms in turns", 0);
    bool timed = elsewhere ? run_variants_elsewhere(tuner) : run_variants(tuner);
    progress_end(work);
    if (!timed)
        return false;
    for (int i = 0; i < tuner->count; i++) {
        TuneVariant *variant = &tuner->variants[i];
        for (int j = 0; j < variant->step_count; j++) {
            samples_sort(&variant->samples[j]);
            variant->seconds[j] = samples_percentile(&variant->samples[j], PERCENTILE);
        }
    }
    return true;
}

/* ---- which layers a step has ---- */

static const Node *reader_of(const Node *node) {
    for (const Node *next = node->next; next != NULL; next = next->next)
        if (next->operand_count > 0 && next->operands[0] == node->results[0])
            return next;
    return NULL;
}

/* From the first on; none when the step only moves data. */
static int step_layers(const TuneVariant *variant, int index, const Node **layers) {
    StepSummary step = program_step(variant->program, index);
    int count = 0;
    if (step.node == NULL || step.count.only_moves)
        return 0;
    for (const Node *node = step.node;
        node != NULL && count < step.op_count && count < MOST_LAYERS_PER_STEP;
        node = reader_of(node))
        layers[count++] = node;
    return count;
}

/* ---- tiles ---- */

typedef struct TileQuestion {
    char key[LONGEST_TUNING_KEY];
    int64_t outputs, pixels, taps;
} TileQuestion;

/* What the lowering asks of choose_tile; false when the layer has no tiles of channels. */
static bool tile_question(
    const Compilation *compilation, const Node *node, bool alone, TileQuestion *question) {
    bool convolution = node->op == OP_conv && !is_depthwise(node);
    if (!convolution && node->op != OP_linear)
        return false;
    const int64_t *out = node->results[0]->type.dims;
    const int64_t *filter = node_weight(node, "weight")->type.dims;
    int64_t groups = convolution ? node_integer(node, "groups") : 1;
    question->outputs = out[1] / groups - convolution_tail(compilation, node);
    question->taps = convolution ? filter[1] * filter[2] * filter[3] : filter[1];
    question->pixels = !convolution                  ? out[0]
                       : alone && is_pointwise(node) ? out[0] * out[2] * out[3]
                                                     : out[3];
    tuning_tile_key(question->key, question->outputs, question->pixels, question->taps);
    return true;
}

static int candidates(const Tuner *tuner, const TileQuestion *question, TileShape *shapes) {
    return tile_candidates(&tuner->untuned, question->outputs, question->pixels, question->taps,
        shapes, tuner->options->candidates);
}

/* Calls for each layer of the first form that has tiles. */
typedef void ForQuestion(Tuner *tuner, const TileQuestion *question, void *context);

static void for_each_question(Tuner *tuner, ForQuestion *visit, void *context) {
    const TuneVariant *first = &tuner->variants[0];
    for (int i = 0; i < first->step_count; i++) {
        const Node *layers[MOST_LAYERS_PER_STEP];
        int count = step_layers(first, i, layers);
        TileQuestion question;
        for (int j = 0; j < count; j++)
            if (tile_question(&tuner->untuned, layers[j], count == 1, &question))
                visit(tuner, &question, context);
    }
}

typedef struct TuneTrial {
    Tuning *tuning;
    int candidate;
    bool differs; /* from the model's choices */
} TuneTrial;

static void try_candidate(Tuner *tuner, const TileQuestion *question, void *context) {
    TuneTrial *trial = context;
    TileShape shapes[MOST_VARIANTS];
    int count = candidates(tuner, question, shapes);
    TileShape shape = shapes[trial->candidate < count ? trial->candidate : 0];
    trial->differs = trial->differs || trial->candidate < count;
    tuning_set(trial->tuning, TUNING_TILE, question->key, shape.pixels, shape.vectors);
}

/* The seconds of all steps with this question, in each form. */
static void question_seconds(
    const Tuner *tuner, const TileQuestion *question, double seconds[MOST_VARIANTS]) {
    for (int v = 0; v < tuner->count; v++) {
        const TuneVariant *variant = &tuner->variants[v];
        seconds[v] = 0;
        for (int i = 0; i < variant->step_count; i++) {
            const Node *layers[MOST_LAYERS_PER_STEP];
            int count = step_layers(variant, i, layers);
            TileQuestion other;
            bool asks = false;
            for (int j = 0; j < count; j++)
                asks = asks || (tile_question(&tuner->untuned, layers[j], count == 1, &other) &&
                                   strcmp(other.key, question->key) == 0);
            seconds[v] += asks ? variant->seconds[i] : 0;
        }
    }
}

static void take_best(Tuner *tuner, const TileQuestion *question, void *context) {
    Tuning *tuning = context;
    TileShape shapes[MOST_VARIANTS];
    double seconds[MOST_VARIANTS];
    if (tuning_has(tuning, TUNING_TILE, question->key))
        return;
    int count = candidates(tuner, question, shapes), best = 0;
    question_seconds(tuner, question, seconds);
    for (int i = 1; i < count && i < tuner->count; i++)
        if (seconds[i] < seconds[best] && seconds[i] < seconds[0] * (1 - least_gain))
            best = i;
    tuner->changed_tiles += best != 0;
    tuning_set(tuning, TUNING_TILE, question->key, shapes[best].pixels, shapes[best].vectors);
}

static bool tune_tiles(Tuner *tuner, TuneReport *report) {
    Tuning *tuning = report->tuning;
    if (!open_variant(tuner, NULL, CHAINS_BY_COST))
        return false;
    for (int i = 1; i < tuner->options->candidates; i++) {
        TuneTrial trial = {tuning_create(tuning->target, tuner->session->arena), i, false};
        for_each_question(tuner, try_candidate, &trial);
        if (!trial.differs)
            break;
        if (!open_variant(tuner, trial.tuning, CHAINS_BY_COST))
            return false;
    }
    if (!time_variants(tuner))
        return false;
    for_each_question(tuner, take_best, tuning);
    return true;
}

/* ---- chains ---- */

enum { BY_COST, NEVER, ALWAYS };

/* The seconds that the layers take in another form; negative when some of them share a step there
 * with others. */
static double layers_seconds(const TuneVariant *variant, const Node *const *layers, int count) {
    double seconds = 0;
    for (int i = 0; i < variant->step_count; i++) {
        const Node *others[MOST_LAYERS_PER_STEP];
        int other_count = step_layers(variant, i, others), common = 0;
        for (int j = 0; j < other_count; j++)
            for (int k = 0; k < count; k++)
                common += others[j] == layers[k];
        if (common > 0 && common < other_count)
            return -1;
        seconds += common > 0 ? variant->seconds[i] : 0;
    }
    return seconds;
}

static void set_links(Tuning *tuning, const Node *const *layers, int count, bool joined) {
    char key[LONGEST_TUNING_KEY];
    for (int i = 0; i + 1 < count; i++) {
        tuning_link_key(key, layers[i], layers[i + 1]);
        tuning_set(tuning, TUNING_LINK, key, joined, 0);
    }
}

/* The chains of one form: joined where they take less time than their layers in another. */
static void take_chains(const Tuner *tuner, Tuning *tuning, int form, int other, bool by_default) {
    const TuneVariant *variant = &tuner->variants[form];
    for (int i = 0; i < variant->step_count; i++) {
        const Node *layers[MOST_LAYERS_PER_STEP];
        int count = step_layers(variant, i, layers);
        if (count < 2)
            continue;
        double apart = layers_seconds(&tuner->variants[other], layers, count);
        if (apart < 0)
            continue;
        double joined = variant->seconds[i];
        bool join =
            by_default ? joined * (1 - least_gain) <= apart : joined < apart * (1 - least_gain);
        if (join || by_default)
            set_links(tuning, layers, count, join);
    }
}

static bool tune_chains(Tuner *tuner, TuneReport *report) {
    Tuning *tuning = report->tuning;
    if (!open_variant(tuner, tuning, CHAINS_BY_COST) ||
        !open_variant(tuner, tuning, CHAINS_NEVER) || !open_variant(tuner, tuning, CHAINS_ALWAYS) ||
        !time_variants(tuner))
        return false;
    take_chains(tuner, tuning, ALWAYS, BY_COST, false);
    take_chains(tuner, tuning, BY_COST, NEVER, true);
    return true;
}

/* ---- all ---- */

static bool compare(Tuner *tuner, TuneReport *report) {
    if (!open_variant(tuner, NULL, CHAINS_BY_COST) ||
        !open_variant(tuner, report->tuning, CHAINS_BY_COST) || !time_variants(tuner))
        return false;
    report->model_seconds = run_seconds(&tuner->variants[0]);
    report->tuned_seconds = run_seconds(&tuner->variants[1]);
    return true;
}

typedef bool FormComparison(Tuner *tuner, TuneReport *report);

static bool do_comparison(
    const char *what, int forms, FormComparison *comparison, Tuner *tuner, TuneReport *report) {
    int work = progress_begin(what, forms);
    bool done = comparison(tuner, report);
    close_variants(tuner);
    progress_end(work);
    return done;
}

bool tune(const ModelOptions *model, const CompiledModel *compiled, const TuneOptions *options,
    TuneReport *report) {
    Tuner tuner = {.model = model,
        .compiled = compiled,
        .untuned = {.target = compiled->target},
        .options = options,
        .session = model->session};
    report->tuning = tuning_create(compiled->target->name, model->session->arena);
    bool done =
        do_comparison("comparing tiles, form", options->candidates, tune_tiles, &tuner, report) &&
        do_comparison("comparing chains, form", 3, tune_chains, &tuner, report) &&
        do_comparison("comparing with the model, form", 2, compare, &tuner, report);
    report->tried = tuner.tried;
    report->changed_tiles = tuner.changed_tiles;
    return done;
}
