#include "driver/ablate.h"
#include "driver/samples.h"
#include "driver/tensors.h"
#include "ir/clock.h"
#include "ir/progress.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Answers of two variants may differ by rounding only. */
static const double largest_allowed_difference = 1e-3;

bool ablation_unit_parse(Session *session, const char *text, AblationUnit *unit) {
    *unit = text != NULL && strcmp(text, "steps") == 0 ? ABLATE_STEPS : ABLATE_PASSES;
    if (text == NULL || *unit == ABLATE_STEPS || strcmp(text, "passes") == 0)
        return true;
    diagnostics_error(session->diagnostics, "give passes, which is the default, or steps",
        "'%s' is nothing that --ablate can leave out", text);
    return false;
}

/* What all variants share. */
typedef struct Laboratory {
    const ModelOptions *options;
    const AblateOptions *ablate;
    Session *session;
    const Target *target;
    Tuning *tuning;     /* that of --tuning, or NULL */
    const Graph *graph; /* as written, with weights */
    const Pipeline *pipeline;
    riffle_pool *pool; /* NULL for one thread */
} Laboratory;

/* Code that runs, and the arena, errors and buffers that it needs. */
typedef struct Candidate {
    Session session;
    Graph *graph;
    Program *program;
    LoadedModel *loaded;
    Tensors tensors;
    Samples samples;
} Candidate;

/* ---- making ---- */

static bool is_left_out(const Laboratory *laboratory, size_t step, size_t left_out) {
    const PipelineStep *steps = laboratory->pipeline->steps;
    if (left_out == SIZE_MAX)
        return false;
    return laboratory->ablate->unit == ABLATE_STEPS ? step == left_out
                                                    : steps[step].pass == steps[left_out].pass;
}

/* The pipeline without what is left out; SIZE_MAX leaves nothing out. */
static Pipeline shorter_pipeline(const Laboratory *laboratory, size_t left_out, Arena *arena) {
    const Pipeline *whole = laboratory->pipeline;
    Pipeline shorter = {.steps = ARENA_ARRAY(arena, PipelineStep, whole->count)};
    for (size_t i = 0; i < whole->count; i++) {
        if (!is_left_out(laboratory, i, left_out))
            shorter.steps[shorter.count++] = whole->steps[i];
    }
    return shorter;
}

/* Makes the program, no machine code yet. False: the errors are in the candidate's session. */
static bool candidate_lower(const Laboratory *laboratory, size_t left_out, Candidate *candidate) {
    *candidate = (Candidate){.session = session_begin()};
    Arena *arena = candidate->session.arena;
    Diagnostics *diagnostics = candidate->session.diagnostics;
    candidate->graph = graph_copy(laboratory->graph, arena);
    Pipeline pipeline = shorter_pipeline(laboratory, left_out, arena);
    PipelineOptions options = {.verify_each = laboratory->options->verify_each};
    if (!pipeline_execute(&pipeline, candidate->graph, &options, diagnostics))
        return false;
    ModelOptions model = *laboratory->options;
    model.session = &candidate->session;
    candidate->program =
        model_lower(&model, candidate->graph, laboratory->target, laboratory->tuning);
    return candidate->program != NULL;
}

static bool candidate_load(Candidate *candidate) {
    Session *session = &candidate->session;
    candidate->loaded = jit_load(candidate->program, session->diagnostics);
    if (candidate->loaded == NULL)
        return false;
    int64_t workspace = program_summary(candidate->program).workspace_bytes;
    if (!tensors_create(candidate->graph, workspace, session, &candidate->tensors))
        return false;
    tensors_randomize_inputs(&candidate->tensors, 1);
    candidate->samples = samples_create(session->arena, MOST_SAMPLES);
    return true;
}

static void candidate_close(Candidate *candidate) {
    tensors_free(&candidate->tensors);
    jit_unload(candidate->loaded);
    program_destroy(candidate->program);
    diagnostics_destroy(candidate->session.diagnostics);
    arena_destroy(candidate->session.arena);
    *candidate = (Candidate){0};
}

/* ---- what can be counted ---- */

static void count(Candidate *candidate, Variant *variant) {
    variant->code_bytes = jit_code_bytes(candidate->loaded);
    ProgramSummary summary = program_summary(candidate->program);
    variant->bytes_moved = summary.bytes_moved;
    variant->workspace_bytes = summary.workspace_bytes;
    variant->kernel_count = summary.kernel_count;
    variant->step_count = summary.step_count;
}

static bool same_program(const Program *a, const Program *b) {
    Text x = {0}, y = {0};
    program_print(a, &x);
    program_print(b, &y);
    bool same = text_equal(&x, &y) && program_weights_equal(a, b);
    text_free(&x);
    text_free(&y);
    return same;
}

/* ---- what must be measured ---- */

static bool run_once(const Laboratory *laboratory, Candidate *candidate, double *seconds) {
    double start = seconds_now();
    bool done =
        tensors_run(&candidate->tensors, candidate->loaded, laboratory->pool, &candidate->session);
    *seconds = seconds_now() - start;
    return done;
}

/* Runs of both take turns, so that whatever else the machine does hits them alike. */
static bool time_both(const Laboratory *laboratory, Candidate *full, Candidate *other) {
    Candidate *both[] = {full, other};
    int64_t most = laboratory->ablate->runs > 0 ? laboratory->ablate->runs : MOST_SAMPLES;
    full->samples.count = 0;
    double end = seconds_now() + laboratory->ablate->seconds, seconds;
    for (int64_t i = -WARM_UP_RUNS; i < most; i++) {
        for (int k = 0; k < 2; k++) {
            Candidate *candidate = both[(i & 1) ^ k]; /* nobody is always the first */
            if (!run_once(laboratory, candidate, &seconds))
                return false;
            if (i >= 0)
                samples_add(&candidate->samples, seconds);
        }
        if (i >= 0 && laboratory->ablate->runs == 0 && seconds_now() > end)
            break;
    }
    return true;
}

static double largest_difference(const Candidate *full, const Candidate *other) {
    double worst = 0;
    for (int i = 0; i < full->graph->output_count; i++) {
        const float *x = full->tensors.outputs[i], *y = other->tensors.outputs[i];
        int64_t elements = tensor_elements(&full->graph->outputs[i].value->type);
        double largest = 0, difference = 0;
        for (int64_t k = 0; k < elements; k++) {
            largest = fmax(largest, fabs((double)x[k]));
            difference = fmax(difference, fabs((double)x[k] - (double)y[k]));
        }
        worst = fmax(worst, difference > 0 ? difference / largest : 0);
    }
    return worst;
}

static bool measure(
    const Laboratory *laboratory, Candidate *full, Candidate *other, Variant *variant) {
    if (!candidate_load(other) || !time_both(laboratory, full, other))
        return false;
    count(other, variant);
    samples_sort(&full->samples);
    samples_sort(&other->samples);
    variant->median_ms = 1e3 * samples_percentile(&other->samples, 50);
    variant->p5_ms = 1e3 * samples_percentile(&other->samples, 5);
    variant->full_median_ms = 1e3 * samples_percentile(&full->samples, 50);
    variant->full_p5_ms = 1e3 * samples_percentile(&full->samples, 5);
    variant->difference = largest_difference(full, other);
    if (variant->difference <= largest_allowed_difference)
        return true;
    diagnostics_error(other->session.diagnostics, "'riffle opt --bisect' finds the fault",
        "the network computes something else without '%s': the largest difference is %.3g of the "
        "largest output",
        variant->without, variant->difference);
    return false;
}

/* ---- all variants ---- */

/* The first error, without the place that the others of its kind share. */
static const char *first_error(const Laboratory *laboratory, const Candidate *candidate) {
    char *lines = diagnostics_text(candidate->session.diagnostics);
    static const char word[] = "error: ";
    const char *message = strstr(lines, word);
    message = message == NULL ? "" : message + strlen(word);
    message = arena_copy_bytes(laboratory->session->arena, message, strcspn(message, "\n"));
    free(lines);
    return message;
}

/* Errors of a candidate go to the user, in the words of the session that prints. */
static void pass_on_errors(const Laboratory *laboratory, const Candidate *candidate) {
    diagnostics_take(laboratory->session->diagnostics, candidate->session.diagnostics);
    diagnostics_error(
        laboratory->session->diagnostics, NULL, "the pipeline could not be taken apart");
}

static const char *variant_name(const Laboratory *laboratory, size_t step) {
    const PipelineStep *at = &laboratory->pipeline->steps[step];
    if (laboratory->ablate->unit == ABLATE_PASSES)
        return at->pass->name;
    Text name = {0};
    pipeline_step_name(at, &name);
    const char *copy = arena_copy_string(laboratory->session->arena, name.data);
    text_free(&name);
    return copy;
}

static bool try_variant(
    const Laboratory *laboratory, Candidate *full, size_t left_out, Variant *variant) {
    variant->without = variant_name(laboratory, left_out);
    Candidate other;
    bool lowered = candidate_lower(laboratory, left_out, &other);
    bool good = true;
    if (!lowered) {
        variant->state = VARIANT_REQUIRED;
        variant->reason = first_error(laboratory, &other);
    } else if (same_program(full->program, other.program)) {
        variant->state = VARIANT_SAME;
    } else {
        variant->state = VARIANT_MEASURED;
        good = measure(laboratory, full, &other, variant);
        if (!good)
            pass_on_errors(laboratory, &other);
    }
    candidate_close(&other);
    return good;
}

/* Whether no step before it would leave out the same. */
static bool is_first(const Laboratory *laboratory, size_t step) {
    for (size_t i = 0; i < step; i++) {
        if (is_left_out(laboratory, i, step))
            return false;
    }
    return true;
}

/* The whole pipeline's own times: those beside all variants. */
static void summarize_full(Ablation *ablation) {
    Variant *full = &ablation->full;
    int measured = 0;
    for (int i = 0; i < ablation->variant_count; i++) {
        const Variant *variant = &ablation->variants[i];
        if (variant->state != VARIANT_MEASURED)
            continue;
        measured++;
        full->median_ms += variant->full_median_ms;
        full->p5_ms += variant->full_p5_ms;
    }
    full->median_ms = measured > 0 ? full->median_ms / measured : NAN;
    full->p5_ms = measured > 0 ? full->p5_ms / measured : NAN;
}

static bool try_all(const Laboratory *laboratory, Candidate *full, Ablation *ablation) {
    if (!candidate_lower(laboratory, SIZE_MAX, full) || !candidate_load(full)) {
        pass_on_errors(laboratory, full);
        return false;
    }
    count(full, &ablation->full);
    size_t steps = laboratory->pipeline->count;
    ablation->variants = ARENA_ARRAY(laboratory->session->arena, Variant, steps);
    int work = progress_begin("leaving out pass", (int64_t)steps);
    bool done = true;
    for (size_t i = 0; done && i < steps; i++) {
        progress_set((int64_t)i + 1);
        if (is_first(laboratory, i))
            done = try_variant(laboratory, full, i, &ablation->variants[ablation->variant_count++]);
    }
    progress_end(work);
    if (done)
        summarize_full(ablation);
    return done;
}

/* The target, the network and the pipeline. */
static bool prepare(Laboratory *laboratory, Model *model) {
    const ModelOptions *options = laboratory->options;
    Session *session = laboratory->session;
    if (!backend_available(options))
        return false;
    laboratory->target = model_target(options);
    if (laboratory->target == NULL ||
        !model_tuning(options, laboratory->target, &laboratory->tuning))
        return false;
    if (!target_runs_here(laboratory->target)) {
        diagnostics_error(session->diagnostics, "'--target native' always runs here",
            "code for '%s' does not run on this machine", options->target);
        return false;
    }
    laboratory->pipeline = pipeline_parse(
        model_pipeline(options), options->registry, session->arena, session->diagnostics);
    if (laboratory->pipeline == NULL || !model_read(options, model) ||
        !model_load_weights(options, model))
        return false;
    laboratory->graph = model->graph;
    return true;
}

bool ablate(const ModelOptions *options, const AblateOptions *ablate_options) {
    Laboratory laboratory = {
        .options = options, .ablate = ablate_options, .session = options->session};
    Model model = {0};
    Candidate full = {0};
    bool done = prepare(&laboratory, &model);
    if (done && ablate_options->threads > 1) {
        laboratory.pool = riffle_pool_create(ablate_options->threads);
        done = laboratory.pool != NULL;
        if (!done)
            diagnostics_error(options->session->diagnostics, NULL, "cannot start %d threads",
                ablate_options->threads);
    }
    Ablation ablation = {.pipeline = model_pipeline(options)};
    if (done) {
        ablation.network = model.graph->name;
        ablation.target = laboratory.target->name;
        done = try_all(&laboratory, &full, &ablation);
        if (done)
            ablation_print(&ablation, ablate_options);
        candidate_close(&full);
    }
    riffle_pool_destroy(laboratory.pool);
    model_close(&model);
    return done;
}
