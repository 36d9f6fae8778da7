#include "backends/run/proof.h"
#include "ir/interpret_pairs.h"
#include "ir/pair_graph.h"
#include <math.h>
#include <string.h>

/* ---- drawing ---- */

static void draw_weight(const Proof *proof, int index, Pair *pairs) {
    const Weight *weight = proof->numbers.weights[index];
    if (!proof->numbers.fixed[index]) {
        pairs_draw_weight(weight, index, proof->seed, pairs);
        return;
    }
    for (int64_t i = 0, count = tensor_elements(&weight->type); i < count; i++)
        pairs[i] = pair_of_constant((double)weight->data[i]);
}

static void draw_weights(Proof *proof) {
    const WeightNumbers *numbers = &proof->numbers;
    proof->weights = ARENA_ARRAY(proof->draw_arena, Pair, numbers->count + 1);
    for (int i = 0; i < numbers->weight_count; i++)
        draw_weight(proof, i, proof->weights + numbers->first[i]);
    proof->packed = ARENA_ARRAY(proof->draw_arena, Pair, proof->origins.cells + 1);
    packed_pairs(proof->program, &proof->origins, proof->weights, proof->packed);
}

/* How many cells a number of a tensor has that the caller gives or takes. */
static int64_t cells_of_number(const Proof *proof, const TensorType *type, BufferKind kind) {
    return element_type_bytes(type->element) / proof->cell_bytes[kind];
}

/* As the program has them in memory, and as the graph has. */
static void draw_inputs(Proof *proof, const Pair **dense) {
    const Graph *graph = proof->graph;
    proof->inputs = ARENA_ARRAY(proof->draw_arena, const Pair *, graph->input_count + 1);
    for (int i = 0; i < graph->input_count; i++) {
        const TensorType *type = &graph->inputs[i].value->type;
        int64_t count = tensor_elements(type), step = cells_of_number(proof, type, BUFFER_INPUT);
        Pair *numbers = ARENA_ARRAY(proof->draw_arena, Pair, count + 1);
        Pair *cells = ARENA_ARRAY(proof->draw_arena, Pair, count * step + 1);
        pairs_draw_input(type, i, proof->seed, proof->numbers.has_fixed, numbers);
        for (int64_t k = 0; k < count; k++) {
            for (int64_t rest = 1; rest < step; rest++)
                cells[k * step + rest] = (Pair){PAIR_REST, NAN};
            cells[k * step] = numbers[k];
        }
        dense[i] = numbers;
        proof->inputs[i] = cells;
    }
}

static const Pair *find_weight(void *context, const Weight *weight) {
    const Proof *proof = context;
    int i = 0;
    while (proof->numbers.weights[i] != weight)
        i++;
    return proof->weights + proof->numbers.first[i];
}

void proof_draw(Proof *proof, uint64_t seed) {
    if (proof->draw_arena != NULL)
        arena_destroy(proof->draw_arena);
    proof->draw_arena = arena_create();
    proof->seed = seed;
    draw_weights(proof);
    const Pair **dense =
        ARENA_ARRAY(proof->draw_arena, const Pair *, proof->graph->input_count + 1);
    draw_inputs(proof, dense);
    proof->expected = pairs_make_outputs(proof->graph, 0, proof->draw_arena);
    const PairWeights weights = {find_weight, proof};
    graph_interpret_pairs(proof->graph, dense, proof->expected, &weights);
}

/* ---- running ---- */

ProofResult proof_run(const Proof *proof, Kernel *const *kernels, ExactOrder order,
    int64_t most_steps, Arena *arena) {
    Arena *scratch = arena_create();
    int bytes = proof->cell_bytes[BUFFER_OUTPUT];
    Pair **outputs = pairs_make_outputs(proof->graph, bytes, scratch);
    ProofResult result = {.verdict = PROOF_EQUAL};
    ExactRun run = {.kernels = kernels,
        .weights = proof->packed,
        .inputs = proof->inputs,
        .outputs = outputs,
        .order = order,
        .seed = proof->seed,
        .steps_left = most_steps};
    memcpy(run.cell_bytes, proof->cell_bytes, sizeof run.cell_bytes);
    result.fault = program_run_pairs(proof->program, &run, arena);
    result.steps = most_steps - run.steps_left;
    if (result.fault == NULL) {
        PairComparison comparison =
            pairs_compare(proof->graph, proof->expected, outputs, bytes, arena);
        result.compared = comparison.compared;
        result.fault = comparison.fault;
        result.verdict = comparison.unsure > 0 ? PROOF_UNSURE : PROOF_EQUAL;
    }
    if (result.fault != NULL)
        result.verdict = PROOF_FAULT;
    arena_destroy(scratch);
    return result;
}

/* ---- from beginning to end ---- */

Proof *proof_begin(const Graph *graph, const Program *program, const LowerAgain *again,
    Arena *arena, Diagnostics *diagnostics) {
    Proof *proof = ARENA_NEW(arena, Proof);
    *proof = (Proof){.graph = graph, .program = program, .arena = arena};
    proof->numbers = weight_numbers_of(graph, arena);
    program_cell_bytes(program, proof->cell_bytes);
    return packed_origins_find(
               graph, program, again, &proof->numbers, &proof->origins, arena, diagnostics)
               ? proof
               : NULL;
}

void proof_close(Proof *proof) {
    if (proof != NULL && proof->draw_arena != NULL)
        arena_destroy(proof->draw_arena);
}
