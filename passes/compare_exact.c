/* Whether passes keep what a graph computes, without tolerance: weights and inputs are pairs (see
 * ir/pair.h), passes take those of weights along (ir/weight_numbers.h), and the residues of all
 * outputs must stay as they were. */
#include "ir/interpret_pairs.h"
#include "ir/pair_degree.h"
#include "ir/pair_graph.h"
#include "ir/weight_numbers.h"
#include "passes/passes.h"

#include <math.h>

enum { MOST_DRAWS = 6 };

struct GraphProof {
    uint64_t seed;
    double degree; /* of the graph that it begins with */
    const Pair **inputs;
    Pair **expected;
};

static const Pair *pairs_of(void *context, const Weight *weight) {
    (void)context;
    return weight->pairs;
}

static void interpret(const Graph *graph, const Pair *const *inputs, Pair *const *outputs) {
    const PairWeights weights = {pairs_of, NULL};
    graph_interpret_pairs(graph, inputs, outputs, &weights);
}

/* ---- drawing ---- */

/* The weight's number becomes what was drawn near it, so that passes compute of both the same. */
static void draw_weight(Graph *graph, Weight *weight, const float *near, int index, uint64_t seed) {
    Weight original = *weight;
    original.data = near;
    Pair *pairs = weight_allocate_numbers(graph, weight, NUMBERS_PAIR);
    pairs_draw_weight(&original, index, seed, pairs);
    float *data = weight_allocate(graph, weight);
    for (int64_t i = 0, count = tensor_elements(&weight->type); i < count; i++) {
        data[i] = (float)pairs[i].number;
        pairs[i].number = (double)data[i];
    }
}

static void draw(GraphProof *proof, Graph *graph, const float *const *near, Arena *arena) {
    int index = 0;
    for (Weight *weight = graph->first_weight; weight != NULL; weight = weight->next, index++)
        draw_weight(graph, weight, near[index], index, proof->seed);
    proof->inputs = ARENA_ARRAY(arena, const Pair *, graph->input_count + 1);
    for (int i = 0; i < graph->input_count; i++) {
        const TensorType *type = &graph->inputs[i].value->type;
        Pair *pairs = ARENA_ARRAY(arena, Pair, tensor_elements(type) + 1);
        pairs_draw_input(type, i, proof->seed, false, pairs);
        proof->inputs[i] = pairs;
    }
    proof->expected = pairs_make_outputs(graph, 0, arena);
    interpret(graph, proof->inputs, proof->expected);
}

static bool is_sure(const GraphProof *proof, const Graph *graph, Arena *arena) {
    PairComparison own = pairs_compare(graph, proof->expected, proof->expected, 0, arena);
    return own.unsure == 0 && own.wrong == 0;
}

static const float **weight_data(const Graph *graph, Arena *arena) {
    int count = 0;
    for (const Weight *weight = graph->first_weight; weight != NULL; weight = weight->next)
        count++;
    const float **data = ARENA_ARRAY(arena, const float *, count + 1);
    count = 0;
    for (const Weight *weight = graph->first_weight; weight != NULL; weight = weight->next)
        data[count++] = weight->data;
    return data;
}

GraphProof *graph_proof_begin(Graph *graph, uint64_t seed, Arena *arena, Diagnostics *diagnostics) {
    GraphProof *proof = ARENA_NEW(arena, GraphProof);
    const float **near = weight_data(graph, arena);
    graph->has_pairs = true;
    proof->degree = graph_degree(graph);
    for (uint64_t i = 0; i < MOST_DRAWS; i++) {
        proof->seed = seed * MOST_DRAWS + i;
        draw(proof, graph, near, arena);
        if (is_sure(proof, graph, arena))
            return proof;
    }
    diagnostics_error(diagnostics, "try another --check-seed",
        "numbers that the network compares were too near to each other in each of %d draws",
        MOST_DRAWS);
    return NULL;
}

/* ---- comparing ---- */

/* A float that a pass has computed is near the number that the pair has, which is not rounded. */
static const char *faulty_float(const Weight *weight, Arena *arena) {
    int64_t count = tensor_elements(&weight->type);
    double largest = 0;
    for (int64_t i = 0; i < count; i++)
        largest = fmax(largest, fabs(weight->pairs[i].number));
    for (int64_t i = 0; i < count; i++) {
        double number = weight->pairs[i].number, data = (double)weight->data[i];
        if (number != data && !(fabs(number - data) <= 1e-4 * largest))
            return arena_format(arena, "number %lld of the weight '%s' is %g, and should be %g",
                (long long)i, weight->path, data, number);
    }
    return NULL;
}

/* The first weight of a node whose numbers a proof cannot follow, or NULL. */
static const Weight *weight_without_pairs(const Graph *graph) {
    for (const Node *node = graph->first; node != NULL; node = node->next)
        for (int i = 0; i < MAX_OP_WEIGHTS; i++)
            if (node->weights[i] != NULL && node->weights[i]->pairs == NULL)
                return node->weights[i];
    return NULL;
}

static const char *find_faulty_float(const Graph *graph, Arena *arena) {
    const char *fault = NULL;
    for (const Node *node = graph->first; node != NULL && fault == NULL; node = node->next)
        for (int i = 0; i < MAX_OP_WEIGHTS && fault == NULL; i++)
            if (node->weights[i] != NULL)
                fault = faulty_float(node->weights[i], arena);
    return fault;
}

GraphProofResult graph_proof_compare(const GraphProof *proof, const Graph *graph, Arena *arena) {
    const Weight *unknown = weight_without_pairs(graph);
    if (unknown != NULL)
        return (GraphProofResult){.verdict = GRAPH_PROOF_UNKNOWN, .what = unknown->path};
    GraphProofResult result = {0};
    Arena *scratch = arena_create();
    Pair **outputs = pairs_make_outputs(graph, 0, scratch);
    interpret(graph, proof->inputs, outputs);
    PairComparison comparison = pairs_compare(graph, proof->expected, outputs, 0, arena);
    arena_destroy(scratch);
    result.compared = comparison.compared;
    result.what = comparison.fault != NULL ? comparison.fault : find_faulty_float(graph, arena);
    result.verdict = result.what != NULL     ? GRAPH_PROOF_FAULT
                     : comparison.unsure > 0 ? GRAPH_PROOF_UNSURE
                                             : GRAPH_PROOF_EQUAL;
    double largest =
        larger_degree(proof->degree, graph_degree(graph)); /* of both: a difference has no more */
    result.chance = log2(2 * largest) - 61;                /* see weight_degree */
    return result;
}
