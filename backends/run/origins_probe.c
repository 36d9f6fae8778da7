/* Programs of a graph with made up weights. */
#include "backends/run/origins_finder.h"
#include <math.h>

static float digit_of(int64_t number, int index) {
    for (int i = 0; i < index; i++)
        number /= DIGIT_BASE;
    return (float)(number % DIGIT_BASE + 1);
}

static float probe_value(Probe probe, int64_t number) {
    switch (probe.kind) {
    case PROBE_NUMBER:
        return digit_of(number, probe.index);
    case PROBE_TAP:
        return number % ORIGIN_TAPS == probe.index ? 1 : 0;
    case PROBE_GROUP:
        return digit_of(number / ORIGIN_TAPS, probe.index);
    case PROBE_ZERO:
        break;
    }
    return 0;
}

bool is_probe_digit(double value) {
    return value >= 1 && value <= DIGIT_BASE && value == nearbyint(value);
}

int count_digits(int64_t count) {
    int digits = 1;
    for (; count > DIGIT_BASE; count = (count + DIGIT_BASE - 1) / DIGIT_BASE)
        digits++;
    return digits;
}

int64_t digit_weight(int index) {
    int64_t weight = 1;
    for (int i = 0; i < index; i++)
        weight *= DIGIT_BASE;
    return weight;
}

void probed_free(Probed *probed) {
    program_destroy(probed->program);
    arena_destroy(probed->arena);
}

Probed lower_probe(const OriginsFinder *finder, Probe probe) {
    Probed probed = {.arena = arena_create()};
    Graph *copy = graph_copy(finder->graph, probed.arena);
    float *values = ARENA_ARRAY(probed.arena, float, finder->numbers->count + 1);
    for (int64_t i = 0; i < finder->numbers->count; i++)
        values[i] = probe_value(probe, i);
    int i = 0;
    for (Weight *weight = copy->first_weight; weight != NULL; weight = weight->next, i++) {
        if (finder->numbers->fixed[i])
            continue;
        weight->data = values + finder->numbers->first[i];
        weight->rests = false;
    }
    probed.program = finder->again->lower(finder->again->context, copy);
    if (probed.program == NULL || probed.program->weights.length == finder->program->weights.length)
        return probed;
    diagnostics_error(
        finder->diagnostics, NULL, "packed weights have another size where the weights are others");
    program_destroy(probed.program);
    probed.program = NULL;
    return probed;
}
