#include "driver/precision.h"

#include "driver/calibration.h"
#include "ir/formula.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Of layers that read floats, those with more pixels use their weights so often that halving them
 * gains less than widening them costs. */
enum { MOST_PIXELS = 12 };

/* Of the largest |value|. Answers of a network of int8 that serves differ by up to a third on
 * inputs that calibration has not seen (docs/precision.md); what is further off says nothing. */
static const double tolerances[] = {
    [PRECISION_FP32] = 0, [PRECISION_INT8] = 0.5, [PRECISION_BF16] = 0.1};

static const char *const names[] = {
    [PRECISION_FP32] = "fp32", [PRECISION_INT8] = "int8", [PRECISION_BF16] = "bf16"};

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
        "'%s' is no value for --precision: give fp32, int8 or bf16", name);
    return false;
}

const char *precision_pass(const ModelOptions *options) {
    if (options->precision == PRECISION_FP32)
        return NULL;
    const Target *target = model_target(options);
    if (options->precision == PRECISION_BF16)
        return arena_format(options->session->arena, "bfloat16{values=%s,most-pixels=%d},dead-code",
            target != NULL && target->bf16 == BF16_FAST ? "true" : "false", MOST_PIXELS);
    return arena_format(options->session->arena, "quantize{largest-weight=%d},dead-code",
        target_largest_weight(target));
}

bool precision_has_target(const ModelOptions *options, const Target *target) {
    Session *session = options->session;
    if (options->precision != PRECISION_BF16 || target->bf16 != BF16_NONE)
        return true;
    diagnostics_error(session->diagnostics,
        arena_format(session->arena, "%s have it, and `--target native` where this machine does",
            target_names_with_bf16(session->arena)),
        "there is no code for bf16 on '%s'", options->target);
    return false;
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

bool precision_apply(const ModelOptions *options, Graph *graph) {
    if (options->precision == PRECISION_FP32)
        return true;
    if (options->precision == PRECISION_INT8 && !find_ranges(options, graph))
        return false;
    PipelineOptions pipeline = {.registry = options->registry, .verify_each = options->verify_each};
    return pipeline_run(graph, precision_pass(options), &pipeline, options->session->diagnostics);
}

/* ---- what it costs ---- */

static int64_t first_class(const float *numbers, int64_t count) {
    int64_t best = 0;
    for (int64_t i = 1; i < count; i++)
        if (numbers[i] > numbers[best])
            best = i;
    return best;
}

typedef struct Agreement {
    int64_t inputs, same;
    double largest_value, largest_difference; /* difference: infinite where one holds NaN */
} Agreement;

static void compare_outputs(
    const GraphOutput *output, const float *expected, const float *actual, Agreement *agreement) {
    int64_t batch = output->value->type.dims[0];
    int64_t count = tensor_elements(&output->value->type) / batch;
    for (int64_t n = 0; n < batch; n++) {
        agreement->inputs++;
        agreement->same +=
            first_class(expected + n * count, count) == first_class(actual + n * count, count);
    }
    for (int64_t i = 0; i < batch * count; i++) {
        double difference = fabs((double)expected[i] - (double)actual[i]);
        if (isnan(difference))
            difference = expected[i] == actual[i] ? 0 : INFINITY; /* 0: both overflow */
        agreement->largest_value = fmax(agreement->largest_value, fabs((double)expected[i]));
        agreement->largest_difference = fmax(agreement->largest_difference, difference);
    }
}

static bool is_near(
    Precision precision, const Agreement *agreement, double tolerance, Session *session) {
    if (agreement->largest_difference <= tolerance * agreement->largest_value)
        return true;
    diagnostics_error(session->diagnostics,
        "calibrate with inputs like those that are evaluated, or allow more with --tolerance",
        "the answers of %s differ from those of fp32 by more than %g of the largest |value|",
        precision_name(precision), tolerance);
    return false;
}

bool precision_compare(Precision precision, const Graph *reference, const Graph *graph,
    const FileList *files, double tolerance, Session *session) {
    Tensors expected = {0}, actual = {0};
    Agreement agreement = {0};
    bool done = tensors_create(reference, 0, session, &expected) &&
                tensors_create(graph, 0, session, &actual);
    for (size_t i = 0; done && i < files->count; i++) {
        done = calibration_read(&expected, files->paths[i], session);
        for (int j = 0; done && j < graph->input_count; j++)
            memcpy(tensors_input(&actual, j), expected.inputs[j], expected.buffers[j].bytes);
        done =
            done &&
            graph_interpret(
                reference, expected.inputs, expected.outputs, NULL, NULL, session->diagnostics) &&
            graph_interpret(graph, actual.inputs, actual.outputs, NULL, NULL, session->diagnostics);
        if (done)
            compare_outputs(
                &reference->outputs[0], expected.outputs[0], actual.outputs[0], &agreement);
    }
    if (done)
        printf("%s and fp32 on %lld inputs: the same first class on %lld; largest difference %.3g, "
               "where the largest |value| is %.3g\n",
            precision_name(precision), (long long)agreement.inputs, (long long)agreement.same,
            agreement.largest_difference, agreement.largest_value);
    done = done && is_near(precision, &agreement, tolerance, session);
    tensors_free(&expected);
    tensors_free(&actual);
    return done;
}
