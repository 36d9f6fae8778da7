#include "driver/accuracy.h"

#include "driver/calibration.h"
#include "driver/tensors.h"
#include "ir/progress.h"

#include <math.h>
#include <string.h>

enum {
    EVALUATED_RANDOM_INPUTS = 8,
    FIRST_RANDOM_SEED = 1001 /* calibration takes other numbers */
};

/* ---- inputs, and what is expected ---- */

static size_t input_bytes(const Graph *graph, int input) {
    const TensorType *type = &graph->inputs[input].value->type;
    return (size_t)(tensor_elements(type) * element_type_bytes(type->element));
}

static float **outputs_create(const Graph *graph, Arena *arena) {
    float **outputs = ARENA_ARRAY(arena, float *, graph->output_count);
    for (int i = 0; i < graph->output_count; i++)
        outputs[i] = ARENA_ARRAY(arena, float, tensor_elements(&graph->outputs[i].value->type));
    return outputs;
}

static bool add_run(Evaluation *evaluation, const Tensors *tensors, Session *session) {
    const Graph *reference = evaluation->reference;
    const float **inputs = jit_inputs_create(reference->input_count, session->arena);
    for (int i = 0; i < reference->input_count; i++) {
        size_t bytes = input_bytes(reference, i);
        inputs[i] =
            memcpy(ARENA_ARRAY(session->arena, float, (bytes + sizeof(float) - 1) / sizeof(float)),
                tensors->inputs[i], bytes);
    }
    float **outputs = outputs_create(reference, session->arena);
    progress_set((int64_t)evaluation->count + 1);
    evaluation->inputs[evaluation->count] = inputs;
    evaluation->expected[evaluation->count++] = outputs;
    return graph_interpret(reference, inputs, outputs, NULL, NULL, session->diagnostics);
}

bool evaluation_create(const Graph *reference, const FileList *files, bool random, Session *session,
    Evaluation *evaluation) {
    size_t most = files->count + (random ? EVALUATED_RANDOM_INPUTS : 0);
    *evaluation = (Evaluation){.reference = reference,
        .inputs = ARENA_ARRAY(session->arena, const float **, most + 1),
        .expected = ARENA_ARRAY(session->arena, float **, most + 1)};
    Tensors tensors = {0};
    int work = progress_begin("interpreting in fp32, input", (int64_t)most);
    bool done = tensors_create(reference, 0, session, &tensors);
    for (size_t i = 0; done && i < files->count; i++)
        done = calibration_read(&tensors, files->paths[i], session) &&
               add_run(evaluation, &tensors, session);
    for (uint64_t i = 0; done && random && i < EVALUATED_RANDOM_INPUTS; i++) {
        tensors_randomize_inputs(&tensors, FIRST_RANDOM_SEED + i);
        done = add_run(evaluation, &tensors, session);
    }
    progress_end(work);
    tensors_free(&tensors);
    return done;
}

/* ---- comparing ---- */

static int64_t first_class(const float *numbers, int64_t count) {
    int64_t best = 0;
    for (int64_t i = 1; i < count; i++)
        if (numbers[i] > numbers[best])
            best = i;
    return best;
}

static void compare_classes(
    const TensorType *type, const float *expected, const float *actual, Accuracy *accuracy) {
    int64_t batch = type->dims[0], count = tensor_elements(type) / batch;
    for (int64_t n = 0; n < batch; n++) {
        accuracy->images++;
        accuracy->same +=
            first_class(expected + n * count, count) == first_class(actual + n * count, count);
    }
}

static void compare_numbers(
    const float *expected, const float *actual, int64_t count, OutputAccuracy *accuracy) {
    for (int64_t i = 0; i < count; i++) {
        double value = (double)expected[i], difference = fabs(value - (double)actual[i]);
        if (isnan(difference))
            difference = expected[i] == actual[i] ? 0 : INFINITY; /* 0: both overflow */
        accuracy->largest_value = fmax(accuracy->largest_value, fabs(value));
        accuracy->largest_difference = fmax(accuracy->largest_difference, difference);
        accuracy->signal += value * value;
        accuracy->noise += difference * difference;
    }
}

bool evaluation_measure(
    const Evaluation *evaluation, const Graph *graph, Session *session, Accuracy *accuracy) {
    Arena *scratch = arena_create();
    float **actual = outputs_create(graph, scratch);
    *accuracy =
        (Accuracy){.outputs = ARENA_ARRAY(session->arena, OutputAccuracy, graph->output_count),
            .output_count = graph->output_count};
    bool done = true;
    for (size_t run = 0; done && run < evaluation->count; run++) {
        float **expected = evaluation->expected[run];
        done = graph_interpret(
            graph, evaluation->inputs[run], actual, NULL, NULL, session->diagnostics);
        if (done)
            compare_classes(&graph->outputs[0].value->type, expected[0], actual[0], accuracy);
        for (int i = 0; done && i < graph->output_count; i++)
            compare_numbers(expected[i], actual[i], tensor_elements(&graph->outputs[i].value->type),
                &accuracy->outputs[i]);
    }
    arena_destroy(scratch);
    return done;
}

/* ---- in one number ---- */

static double quotient(double part, double whole) {
    double result = part == 0 ? 0 : whole > 0 ? part / whole : INFINITY;
    return isnan(result) ? INFINITY : result;
}

double accuracy_error(const Accuracy *accuracy) {
    double worst = 0;
    for (int i = 0; i < accuracy->output_count; i++) {
        const OutputAccuracy *output = &accuracy->outputs[i];
        worst = fmax(worst, quotient(output->largest_difference, output->largest_value));
    }
    return worst;
}

double accuracy_snr(const Accuracy *accuracy) {
    double worst = 0;
    for (int i = 0; i < accuracy->output_count; i++)
        worst = fmax(worst, quotient(accuracy->outputs[i].noise, accuracy->outputs[i].signal));
    return worst > 0 ? -10 * log10(worst) : INFINITY;
}

double accuracy_agreement(const Accuracy *accuracy) {
    return accuracy->images > 0 ? (double)accuracy->same / (double)accuracy->images : 1;
}
