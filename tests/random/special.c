/* Inputs with NaN, infinities, denormals and the largest numbers, for all that docs/abi.md promises
 * of them.
 *
 * Large numbers overflow in some orders of sums and not in others. Which outputs that can concern
 * is found by a run of the graph with all weights and inputs made positive: none of its numbers is
 * less than any partial sum of its terms. What is too large there becomes NaN, and so does
 * everything that is computed of it. */
#include "ir/formula.h"
#include "ir/reduction.h"
#include "oracle.h"

#include <float.h>
#include <math.h>
#include <string.h>

typedef struct Kind {
    const char *name;
    float numbers[6];
    bool overflows;
} Kind;

static const Kind kinds[] = {
    {"NaN", {NAN, NAN, NAN, -0.0f, 1e-40f, -1e-40f}, false},
    {"infinities", {INFINITY, INFINITY, -INFINITY, -INFINITY, -0.0f, 1e-40f}, false},
    {"large numbers", {FLT_MAX, -FLT_MAX, 1e36f, -1e36f, 1e30f, NAN}, true},
};

/* One number in 16 is replaced: some pixels meet none. */
static void make_special(
    const Graph *graph, float *const *inputs, uint64_t seed, const Kind *kind) {
    enum { NUMBERS = sizeof kind->numbers / sizeof kind->numbers[0] };
    for (int i = 0; i < graph->input_count; i++) {
        int64_t count = tensor_elements(&graph->inputs[i].value->type);
        for (int64_t k = 0; !input_is_of_bytes(graph, i) && k < count; k++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            if ((seed >> 60) == 0)
                inputs[i][k] = kind->numbers[(seed >> 32) % NUMBERS];
        }
    }
}

/* ---- what may overflow ---- */

/* The mean is subtracted. */
static void make_weights_positive(const Graph *graph, const Node *node) {
    for (int i = 0; i < op_info(node->op)->weight_count; i++) {
        Weight *weight = node->weights[i];
        if (weight == NULL)
            continue;
        int64_t count = tensor_elements(&weight->type);
        bool subtracted = strcmp(op_info(node->op)->weights[i].name, "running_mean") == 0;
        const float *before = weight->data;
        float *data = weight_allocate(graph, weight);
        for (int64_t k = 0; k < count; k++)
            data[k] = subtracted ? -fabsf(before[k]) : fabsf(before[k]);
    }
}

static void make_pixels_positive(Node *node) {
    Preprocessing pixels = node_pixels(node);
    for (int i = 0; i < MOST_PIXEL_CHANNELS; i++)
        pixels.mean[i] = -pixels.mean[i];
    node_set_pixels(node, &pixels);
}

/* An activation in a layer would hide an overflow, and the squares of a response norm would make
 * numbers small. */
static void make_positive(Graph *graph) {
    for (Node *node = graph->first; node != NULL; node = node->next) {
        if (node->op == OP_minimum) /* of numbers of either sign */
            node->op = OP_maximum;
        make_weights_positive(graph, node);
        const OpInfo *info = op_info(node->op);
        for (int i = 0; i < info->attribute_count; i++)
            if (info->attributes[i].kind == ATTRIBUTE_FORMULA)
                node->attributes[i].formula = NULL;
        if (node->op == OP_pixels)
            make_pixels_positive(node);
        if (node->op == OP_local_response_norm)
            node_attribute(node, "alpha")->number = 0;
        if (node->op == OP_reduce && node_integer(node, "kind") == REDUCTION_min)
            node_set_integer(node, "kind", REDUCTION_max);
    }
}

static float safe_reduction(const Node *node) {
    const Reduction *reduction = node_reduction(node);
    if (reduction->finish == FINISH_ROOT)
        return 4e18f; /* its square is summed */
    return reduction->finish == FINISH_MEAN ? FLT_MAX / 4 / (float)node_reduced_count(node)
                                            : FLT_MAX / 4;
}

/* Results above it may come of numbers that overflow; a quarter is left for rounding. */
static float safe_limit(const Node *node) {
    switch (node->op) {
    case OP_conv:
    case OP_linear:
    case OP_conv_transpose:
    case OP_resize:
    case OP_batch_norm:
    case OP_bias:
        return FLT_MAX / 4;
    case OP_avg_pool: /* sums before it divides */
    case OP_global_avg_pool: {
        const int64_t *dims = node->operands[0]->type.dims;
        return FLT_MAX / 4 / (float)(dims[2] * dims[3]);
    }
    case OP_reduce:
        return safe_reduction(node);
    default:
        return op_computes_elements(node->op) ? FLT_MAX / 4 : FLT_MAX;
    }
}

/* A number that the response norm cannot square spoils it for its neighbours. */
static bool squares_overflow(const Node *node, const float *numbers, int64_t count) {
    for (int64_t i = 0; i < count && node->op == OP_local_response_norm; i++)
        if (numbers[i] > 1e17f)
            return true;
    return false;
}

/* What other signs could make of the results of an op that says how numbers compare. */
static void enlarge(const Node *node, float *numbers, int64_t count) {
    float largest = node->op == OP_log_softmax ? 100 : 1;
    for (int64_t k = 0; k < count; k++)
        if (node->op == OP_log_softmax && fabsf(numbers[k]) > largest)
            largest = fabsf(numbers[k]);
    if (node->op == OP_arg_max)
        largest = (float)node_reduced_count(node);
    for (int64_t k = 0; k < count; k++)
        if (!isnan(numbers[k]))
            numbers[k] = 2 * largest;
}

static void mark_overflows(void *context, const Node *node, float *const *results) {
    (void)context;
    for (int i = 0; i < node->result_count; i++) {
        int64_t count = tensor_elements(&node->results[i]->type);
        float limit = squares_overflow(node, results[i], count) ? -1 : safe_limit(node);
        if (node->op == OP_softmax || node->op == OP_log_softmax || node->op == OP_arg_max)
            enlarge(node, results[i], count);
        for (int64_t k = 0; k < count; k++) {
            results[i][k] = fabsf(results[i][k]); /* of negate, which other ops add up */
            if (results[i][k] > limit)
                results[i][k] = NAN;
        }
    }
}

/* NaN stays NaN in any order of sums. */
static float positive_number(float number, size_t place) {
    (void)place;
    return isnan(number) ? 0 : fabsf(number);
}

static const char *find_bounds(Oracle *oracle, Arena *arena) {
    Graph *positive = graph_copy(oracle->graph, arena);
    make_positive(positive);
    oracle->bounds = make_outputs(positive, arena);
    return interpret(positive, (const float *const *)change_inputs(oracle, positive_number, arena),
        oracle->bounds, mark_overflows, arena);
}

const Oracle *special_oracle(const Oracle *oracle, Arena *arena, const char **fault) {
    const Kind *kind = &kinds[oracle->seed % (sizeof kinds / sizeof kinds[0])];
    Oracle *special = ARENA_NEW(arena, Oracle);
    *special = (Oracle){.graph = oracle->graph, .seed = oracle->seed, .among = kind->name};
    float **inputs = make_inputs(oracle->graph, oracle->seed, arena);
    make_special(oracle->graph, inputs, oracle->seed, kind);
    special->inputs = (const float **)inputs;
    special->expected = make_outputs(oracle->graph, arena);
    *fault = interpret(oracle->graph, special->inputs, special->expected, NULL, arena);
    if (*fault == NULL && kind->overflows)
        *fault = find_bounds(special, arena);
    return special;
}
