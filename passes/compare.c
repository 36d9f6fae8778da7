/* Comparing two graphs by what they compute: how passes are tested. */
#include "passes/passes.h"
#include "passes/random_numbers.h"

#include <assert.h>
#include <math.h>

static const float **random_inputs(const Graph *graph, uint64_t seed, Arena *arena) {
    const float **inputs = ARENA_ARRAY(arena, const float *, graph->input_count + 1);
    for (int i = 0; i < graph->input_count; i++) {
        int64_t count = tensor_elements(&graph->inputs[i].value->type);
        float *data = ARENA_ARRAY(arena, float, count);
        inputs[i] = data;
        if (graph->inputs[i].value->type.element == ELEMENT_U8) {
            unsigned char *bytes = (unsigned char *)data;
            for (int64_t k = 0; k < count; k++)
                bytes[k] = (unsigned char)random_bits(&seed);
            continue;
        }
        for (int64_t k = 0; k < count; k++)
            data[k] = random_normal(&seed);
    }
    return inputs;
}

bool answers_agree(double difference) {
    return difference <= 1e-4; /* false for NaN */
}

bool graph_same_interface(const Graph *a, const Graph *b) {
    if (a->input_count != b->input_count || a->output_count != b->output_count)
        return false;
    for (int i = 0; i < a->input_count; i++)
        if (!tensor_type_equal(&a->inputs[i].value->type, &b->inputs[i].value->type) ||
            a->inputs[i].layout != b->inputs[i].layout)
            return false;
    for (int i = 0; i < a->output_count; i++)
        if (!tensor_type_equal(&a->outputs[i].value->type, &b->outputs[i].value->type) ||
            a->outputs[i].layout != b->outputs[i].layout)
            return false;
    return true;
}

GraphAnswers *graph_answers(
    const Graph *graph, uint64_t seed, Arena *arena, Diagnostics *diagnostics) {
    GraphAnswers *answers = ARENA_NEW(arena, GraphAnswers);
    answers->count = graph->output_count;
    answers->sizes = ARENA_ARRAY(arena, int64_t, answers->count + 1);
    answers->outputs = ARENA_ARRAY(arena, float *, answers->count + 1);
    for (int i = 0; i < answers->count; i++) {
        answers->sizes[i] = tensor_elements(&graph->outputs[i].value->type);
        answers->outputs[i] = ARENA_ARRAY(arena, float, answers->sizes[i]);
    }
    Arena *scratch = arena_create();
    const float **inputs = random_inputs(graph, seed, scratch);
    bool succeeded = graph_interpret(graph, inputs, answers->outputs, NULL, NULL, diagnostics);
    arena_destroy(scratch);
    return succeeded ? answers : NULL;
}

static double relative_difference(const float *a, const float *b, int64_t count) {
    double largest = 0, difference = 0;
    for (int64_t i = 0; i < count; i++) {
        if (!isfinite(a[i]) || !isfinite(b[i]))
            return NAN;
        largest = fmax(largest, fabs((double)a[i]));
        difference = fmax(difference, fabs((double)a[i] - (double)b[i]));
    }
    return difference == 0 ? 0 : difference / largest; /* infinite when all of a is 0 */
}

double answers_difference(const GraphAnswers *expected, const GraphAnswers *actual) {
    assert(expected->count == actual->count);
    double worst = 0;
    for (int i = 0; i < expected->count && !isnan(worst); i++) {
        assert(expected->sizes[i] == actual->sizes[i]);
        double difference =
            relative_difference(expected->outputs[i], actual->outputs[i], expected->sizes[i]);
        worst = isnan(difference) ? NAN : fmax(worst, difference);
    }
    return worst;
}

double graph_difference(
    const Graph *before, const Graph *after, uint64_t seed, Diagnostics *diagnostics) {
    assert(graph_same_interface(before, after));
    Arena *arena = arena_create();
    const GraphAnswers *expected = graph_answers(before, seed, arena, diagnostics);
    const GraphAnswers *actual = graph_answers(after, seed, arena, diagnostics);
    double worst = expected != NULL && actual != NULL ? answers_difference(expected, actual) : NAN;
    arena_destroy(arena);
    return worst;
}
