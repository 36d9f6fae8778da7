#include "check.h"

#include "frontend/frontend.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Uniform in [-2, 2), and every eighth four times as large: both sides of the corners of all
 * activations are met. */
static float next_input(uint64_t *state) {
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    float number = (float)(*state >> 40) * 0x1p-22f - 2.0f;
    return (*state >> 32) % 8 == 0 ? 4 * number : number;
}

bool input_is_of_bytes(const Graph *graph, int index) {
    return graph->inputs[index].value->type.element == ELEMENT_U8;
}

size_t input_bytes(const Graph *graph, int index) {
    const TensorType *type = &graph->inputs[index].value->type;
    return (size_t)(tensor_elements(type) * element_type_bytes(type->element));
}

float **make_inputs(const Graph *graph, uint64_t seed, Arena *arena) {
    float **inputs = (float **)(void *)jit_inputs_create(graph->input_count, arena);
    for (int i = 0; i < graph->input_count; i++) {
        size_t bytes = input_bytes(graph, i);
        inputs[i] = guarded_allocate(bytes);
        if (input_is_of_bytes(graph, i))
            for (size_t k = 0; k < bytes; k++)
                ((unsigned char *)inputs[i])[k] = (unsigned char)(int)(64 * next_input(&seed));
        else
            for (size_t k = 0; k < bytes / sizeof(float); k++)
                inputs[i][k] = next_input(&seed);
    }
    return inputs;
}

float **change_inputs(
    const Oracle *oracle, float (*change)(float number, size_t place), Arena *arena) {
    const Graph *graph = oracle->graph;
    float **inputs = ARENA_ARRAY(arena, float *, graph->input_count + 1);
    for (int i = 0; i < graph->input_count; i++) {
        int64_t count = tensor_elements(&graph->inputs[i].value->type);
        inputs[i] = ARENA_ARRAY(arena, float, count);
        if (input_is_of_bytes(graph, i)) {
            memcpy(inputs[i], oracle->inputs[i], input_bytes(graph, i));
            continue;
        }
        for (int64_t k = 0; k < count; k++)
            inputs[i][k] = change(oracle->inputs[i][k], (size_t)k);
    }
    return inputs;
}

float **make_outputs(const Graph *graph, Arena *arena) {
    float **outputs = ARENA_ARRAY(arena, float *, graph->output_count + 1);
    for (int i = 0; i < graph->output_count; i++)
        outputs[i] = ARENA_ARRAY(arena, float, tensor_elements(&graph->outputs[i].value->type));
    return outputs;
}

const char *interpret(const Graph *graph, const float *const *inputs, float *const *outputs,
    InterpretObserver *observer, Arena *arena) {
    Diagnostics *diagnostics = diagnostics_create();
    const char *fault = NULL;
    if (!graph_interpret(graph, inputs, outputs, observer, NULL, diagnostics))
        fault = arena_format(arena, "interpreter: %s", diagnostics_copy(diagnostics, arena));
    diagnostics_destroy(diagnostics);
    return fault;
}

static const char *find_no_number(const Oracle *oracle, Arena *arena) {
    for (int i = 0; i < oracle->graph->output_count; i++) {
        int64_t count = tensor_elements(&oracle->graph->outputs[i].value->type);
        for (int64_t k = 0; k < count; k++)
            if (!isfinite(oracle->expected[i][k]))
                return arena_format(arena, "no number: output %d of the graph itself", i);
    }
    return NULL;
}

static const char *check_text(const Graph *graph, Arena *arena) {
    Diagnostics *diagnostics = diagnostics_create();
    const char *fault = NULL;
    if (!graph_verify(graph, diagnostics))
        fault = arena_format(arena, "verifier: %s", diagnostics_copy(diagnostics, arena));
    diagnostics_destroy(diagnostics);
    return fault != NULL ? fault : check_round_trip(graph, arena);
}

static const char *answer(Oracle *oracle, Graph *graph, Arena *arena) {
    weights_randomize(graph, oracle->seed);
    oracle->inputs = (const float **)make_inputs(graph, oracle->seed, arena);
    oracle->expected = make_outputs(graph, arena);
    const char *fault = interpret(graph, oracle->inputs, oracle->expected, NULL, arena);
    if (fault == NULL)
        fault = find_no_number(oracle, arena);
    if (fault == NULL)
        oracle->special = special_oracle(oracle, arena, &fault);
    return fault;
}

Oracle *oracle_create(Graph *graph, uint64_t seed, Arena *arena, const char **fault) {
    Oracle *oracle = ARENA_NEW(arena, Oracle);
    *oracle = (Oracle){.graph = graph, .seed = seed};
    *fault = check_text(graph, arena);
    if (*fault == NULL)
        *fault = answer(oracle, graph, arena);
    if (*fault == NULL)
        return oracle;
    oracle_destroy(oracle);
    return NULL;
}

void oracle_destroy(Oracle *oracle) {
    for (const Oracle *at = oracle; at != NULL; at = at->special)
        for (int i = 0; at->inputs != NULL && i < at->graph->input_count; i++)
            guarded_free((void *)(uintptr_t)at->inputs[i]);
}

/* ---- comparing ---- */

bool fault_alike(const char *a, const char *b) {
    size_t length = strcspn(a, ":");
    return strcspn(b, ":") == length && strncmp(a, b, length) == 0;
}

const char *diagnostics_copy(const Diagnostics *diagnostics, Arena *arena) {
    char *text = diagnostics_text(diagnostics);
    const char *copy = arena_copy_string(arena, text);
    free(text);
    return copy;
}

static const char *class_of(float number) {
    return isnan(number)      ? "NaN"
           : isfinite(number) ? "a number"
           : number > 0       ? "infinity"
                              : "minus infinity";
}

typedef struct Difference {
    double largest, difference; /* of what are numbers on both sides */
    int64_t other_class;        /* where one has another class; -1: nowhere */
} Difference;

static Difference find_difference(
    const Oracle *oracle, int output, const float *numbers, Exactness exactness) {
    bool infinite = oracle->among != NULL && strstr(oracle->among, "infinit") != NULL;
    Difference found = {.other_class = -1};
    int64_t count = tensor_elements(&oracle->graph->outputs[output].value->type);
    for (int64_t k = 0; k < count && found.other_class < 0; k++) {
        float expected = oracle->expected[output][k];
        if (oracle->bounds != NULL && isnan(oracle->bounds[output][k]))
            continue;
        if (strcmp(class_of(numbers[k]), class_of(expected)) != 0) {
            bool allowed = isnan(numbers[k])
                               ? exactness.nan_spreads
                               : isnan(expected) && infinite && exactness.nan_vanishes;
            if (!allowed)
                found.other_class = k;
        } else if (isfinite(expected) && oracle->bounds == NULL) {
            found.largest = fmax(found.largest, fabs((double)expected));
            found.difference = fmax(found.difference, fabs((double)numbers[k] - (double)expected));
        }
    }
    return found;
}

/* A number a few units in the last place away, up or down by its place. */
static float nudged(float number, size_t place) {
    float factor = place * 2654435761u >> 31 & 1 ? 1 + 0x1p-21f : 1 - 0x1p-21f;
    float near = number * factor;
    return isfinite(near) ? near : number;
}

/* How far an output moves when each input moves by a few units in the last place: what a layer
 * that magnifies, such as a batch_norm with a small variance, makes of rounding before it. */
static double movement(const Oracle *oracle, int output, Arena *arena) {
    const Graph *graph = oracle->graph;
    float **inputs = change_inputs(oracle, nudged, arena);
    float **outputs = make_outputs(graph, arena);
    if (interpret(graph, (const float *const *)inputs, outputs, NULL, arena) != NULL)
        return 0;
    double moved = 0;
    int64_t count = tensor_elements(&graph->outputs[output].value->type);
    for (int64_t k = 0; k < count; k++)
        if (isfinite(oracle->expected[output][k]) && isfinite(outputs[output][k]))
            moved =
                fmax(moved, fabs((double)outputs[output][k] - (double)oracle->expected[output][k]));
    return moved;
}

static const char *inputs_of(const Oracle *oracle, Arena *arena) {
    return oracle->among == NULL ? ""
                                 : arena_format(arena, ", with %s in the inputs", oracle->among);
}

const char *compare_outputs(
    const Oracle *oracle, float *const *outputs, Exactness exactness, Arena *arena) {
    double small = exactness.tolerance == 0 ? 0 : 1e-6; /* sums that are zero but for rounding */
    for (int i = 0; i < oracle->graph->output_count; i++) {
        const char *name = oracle->graph->outputs[i].name;
        Difference found = find_difference(oracle, i, outputs[i], exactness);
        int64_t k = found.other_class;
        if (k >= 0)
            return arena_format(arena, "class: number %lld of output '%s' is %s, not %s%s",
                (long long)k, name, class_of(outputs[i][k]), class_of(oracle->expected[i][k]),
                inputs_of(oracle, arena));
        double allowed = small + exactness.tolerance * found.largest;
        if (found.difference > allowed && exactness.tolerance > 0)
            allowed += movement(oracle, i, arena);
        if (found.difference > allowed)
            return arena_format(arena, "difference: output '%s' differs by %g, its largest is %g%s",
                name, found.difference, found.largest, inputs_of(oracle, arena));
    }
    return NULL;
}
