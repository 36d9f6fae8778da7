/* Comparing two graphs by what they compute: how passes are tested. */
#include "passes/passes.h"

#include <assert.h>
#include <math.h>

/* splitmix64 */
static uint64_t next_bits(uint64_t *state) {
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* Near enough to a Gaussian of unit variance: the sum of twelve numbers uniform in [0, 1), less
 * six. */
static float next_normal(uint64_t *state) {
    double sum = -6;
    for (int i = 0; i < 12; i++)
        sum += (double)(next_bits(state) >> 11) * 0x1p-53;
    return (float)sum;
}

static const float **random_inputs(const Graph *graph, uint64_t seed, Arena *arena) {
    const float **inputs = ARENA_ARRAY(arena, const float *, graph->input_count + 1);
    for (int i = 0; i < graph->input_count; i++) {
        int64_t count = tensor_elements(&graph->inputs[i].value->type);
        float *data = ARENA_ARRAY(arena, float, count);
        for (int64_t k = 0; k < count; k++)
            data[k] = next_normal(&seed);
        inputs[i] = data;
    }
    return inputs;
}

static float **make_outputs(const Graph *graph, Arena *arena) {
    float **outputs = ARENA_ARRAY(arena, float *, graph->output_count + 1);
    for (int i = 0; i < graph->output_count; i++)
        outputs[i] = ARENA_ARRAY(arena, float, tensor_elements(&graph->outputs[i].value->type));
    return outputs;
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

double graph_difference(
    const Graph *before, const Graph *after, uint64_t seed, Diagnostics *diagnostics) {
    assert(
        before->input_count == after->input_count && before->output_count == after->output_count);
    Arena *arena = arena_create();
    const float **inputs = random_inputs(before, seed, arena);
    float **expected = make_outputs(before, arena), **actual = make_outputs(after, arena);
    double worst = NAN;
    if (graph_interpret(before, inputs, expected, NULL, NULL, diagnostics) &&
        graph_interpret(after, inputs, actual, NULL, NULL, diagnostics)) {
        worst = 0;
        for (int i = 0; i < before->output_count && !isnan(worst); i++) {
            int64_t count = tensor_elements(&before->outputs[i].value->type);
            double difference = relative_difference(expected[i], actual[i], count);
            worst = isnan(difference) ? NAN : fmax(worst, difference);
        }
    }
    arena_destroy(arena);
    return worst;
}
