#include "driver/precision.h"

#include "driver/accuracy.h"
#include "driver/calibration.h"
#include "ir/formula.h"

#include <stdio.h>
#include <string.h>

/* Of layers that read floats, those with more pixels use their weights so often that halving them
 * gains less than widening them costs. */
enum { MOST_PIXELS = 12 };

/* Of the largest |value|. Answers of a network of int8 that serves differ by up to a third on
 * inputs that calibration has not seen (docs/precision.md); what is further off says nothing. */
static const double tolerances[] = {
    [PRECISION_FP32] = 0, [PRECISION_INT8] = 0.5, [PRECISION_BF16] = 0.1, [PRECISION_FP16] = 0.02};

static const char *const names[] = {[PRECISION_FP32] = "fp32",
    [PRECISION_INT8] = "int8",
    [PRECISION_BF16] = "bf16",
    [PRECISION_FP16] = "fp16"};

const char *precision_name(Precision precision) {
    return names[precision];
}

double precision_tolerance(Precision precision) {
    return tolerances[precision];
}

bool precision_parse(Session *session, const char *name, Precision *precision) {
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(names[i], name) != 0)
            continue;
        *precision = (Precision)i;
        return true;
    }
    diagnostics_error(session->diagnostics, NULL,
        "'%s' is no value for --precision: give fp32, fp16, int8 or bf16", name);
    return false;
}

/* Where taking a number of fp16 from memory costs more than computing with it as a float: weights
 * are read once for several pixels, values for each vector of weights. */
static bool widens_weights(const ModelOptions *options) {
    if (model_levels(options) != NULL) /* of x86-64 the lowest has no such numbers */
        return false;
    const Target *target = model_target(options);
    return target != NULL && target->architecture == ARCHITECTURE_X86_64;
}

const char *precision_pass(const ModelOptions *options) {
    if (options->precision == PRECISION_FP32)
        return NULL;
    Arena *arena = options->session->arena;
    const char *more = options->precision_options;
    if (options->precision == PRECISION_BF16) {
        const Target *target = model_target(options);
        return arena_format(arena, "bfloat16{values=%s,most-pixels=%d%s%s}",
            target != NULL && target->bf16 == BF16_FAST ? "true" : "false", MOST_PIXELS,
            more != NULL ? "," : "", more != NULL ? more : "");
    }
    if (options->precision == PRECISION_FP16)
        return arena_format(arena, "float16{%s=true%s%s}",
            widens_weights(options) ? "weights" : "values", more != NULL ? "," : "",
            more != NULL ? more : "");
    const char *before = options->equalize ? "equalize," : "";
    return more == NULL ? arena_format(arena, "%squantize", before)
                        : arena_format(arena, "%squantize{%s}", before, more);
}

bool precision_has_target(const ModelOptions *options, const Target *target) {
    Session *session = options->session;
    const char *owners = NULL;
    if (options->precision == PRECISION_BF16 && target->bf16 == BF16_NONE)
        owners = arena_format(session->arena,
            "%s have it, and `--target native` where this machine does",
            target_names_with_bf16(session->arena));
    if (options->precision == PRECISION_FP16 && !target_stores_f16(target))
        owners =
            arena_format(session->arena, "64-bit ARM and x86-64-v3 have it, and %s compute with it",
                target_names_with_f16(session->arena));
    if (owners == NULL)
        return true;
    diagnostics_error(session->diagnostics, owners, "there is no code for %s on '%s'",
        precision_name(options->precision), options->target);
    return false;
}

static bool has_precision(const Target *target, Precision precision) {
    switch (precision) {
    case PRECISION_FP32:
        break;
    case PRECISION_FP16:
        return target_stores_f16(target);
    case PRECISION_INT8:
        return target->bytes != BYTES_NONE;
    case PRECISION_BF16:
        return target->bf16 != BF16_NONE;
    }
    return true;
}

/* The last of the levels that has it; NULL: none has. */
static const char *level_with(const ModelOptions *options, const TargetLevels *levels) {
    Session *session = options->session;
    const char *found = NULL;
    for (int i = 0; i < target_levels_count(levels); i++)
        if (has_precision(target_levels_target(levels, i, session->arena, session->diagnostics),
                options->precision))
            found = levels->levels[i].target;
    return found;
}

bool precision_has_levels(const ModelOptions *options, const TargetLevels *levels) {
    Session *session = options->session;
    const char *with = level_with(options, levels);
    for (int i = 0; i < target_levels_count(levels); i++) {
        const Target *target =
            target_levels_target(levels, i, session->arena, session->diagnostics);
        if (has_precision(target, options->precision))
            continue;
        diagnostics_error(session->diagnostics,
            with != NULL ? arena_format(session->arena, "give a level that has it: --%s %s",
                               options->processor != NULL ? "cpu" : "target", with)
                         : arena_format(session->arena, "give a processor: --target %s",
                               options->precision == PRECISION_BF16 ? "znver4" : "cortex-a76"),
            "there is no code for %s on '%s', which '%s' is for, too",
            precision_name(options->precision), levels->levels[i].target, levels->name);
        return false;
    }
    return true;
}

/* A model that was quantised elsewhere says itself what its values range over. */
static bool find_ranges(const ModelOptions *options, Graph *graph) {
    if (options->calibration.count > 0 || options->random_calibration)
        return calibrate(options, graph);
    if (graph_uses_element(graph, OP_fake_quantize))
        return true;
    diagnostics_error(options->session->diagnostics,
        "give --calibration FILE for some typical inputs; --calibration random makes up "
        "numbers, which is good for measuring time, not for answers",
        "--precision int8 needs inputs to find the range of each channel");
    return false;
}

bool precision_prepare(const ModelOptions *options, Graph *graph) {
    return options->precision != PRECISION_INT8 || find_ranges(options, graph);
}

bool precision_reduce(
    const ModelOptions *options, const NameMap *kept, Graph *graph, int64_t *rewrites) {
    PassReport reports[2] = {{0}}; /* equalize comes first, if at all */
    PipelineOptions pipeline = {.registry = options->registry,
        .verify_each = options->verify_each,
        .reports = reports,
        .report_capacity = 2,
        .kept = kept};
    bool done =
        pipeline_run(graph, precision_pass(options), &pipeline, options->session->diagnostics);
    *rewrites = pipeline.report_count > 0 ? reports[pipeline.report_count - 1].rewrites : 0;
    pipeline.kept = NULL;
    return done && pipeline_run(graph, PRECISION_CLEANUP, &pipeline, options->session->diagnostics);
}

bool precision_apply(const ModelOptions *options, const NameMap *kept, Graph *graph) {
    int64_t rewrites;
    return options->precision == PRECISION_FP32 ||
           (precision_prepare(options, graph) && precision_reduce(options, kept, graph, &rewrites));
}

/* ---- what it costs ---- */

static bool is_near(
    Precision precision, const OutputAccuracy *accuracy, double tolerance, Session *session) {
    if (accuracy->largest_difference <= tolerance * accuracy->largest_value)
        return true;
    diagnostics_error(session->diagnostics,
        "calibrate with inputs like those that are evaluated, or allow more with --tolerance",
        "the answers of %s differ from those of fp32 by more than %g of the largest |value|",
        precision_name(precision), tolerance);
    return false;
}

bool precision_compare(Precision precision, const Graph *reference, const Graph *graph,
    const FileList *files, double tolerance, Session *session) {
    Evaluation evaluation;
    Accuracy accuracy;
    if (!evaluation_create(reference, files, false, session, &evaluation) ||
        !evaluation_measure(&evaluation, graph, session, &accuracy))
        return false;
    const OutputAccuracy *first = &accuracy.outputs[0];
    printf("%s and fp32 on %lld inputs: the same first class on %lld; largest difference %.3g, "
           "where the largest |value| is %.3g\n",
        precision_name(precision), (long long)accuracy.images, (long long)accuracy.same,
        first->largest_difference, first->largest_value);
    return is_near(precision, first, tolerance, session);
}
