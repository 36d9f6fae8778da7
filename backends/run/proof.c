#include "backends/run/proof.h"
#include "ir/interpret_pairs.h"
#include <inttypes.h>
#include <math.h>

/* ---- drawing ---- */

enum { STREAM_WEIGHTS = 1 << 20, STREAM_INPUTS = 1 << 21 }; /* behind the index of a tensor */

/* From -1 to 1. */
static double draw_unit(uint64_t seed, uint64_t stream, uint64_t index) {
    return (double)(residue_draw(~seed, stream, index) >> 8) * 0x1p-52 - 1;
}

/* The size of the tensor's numbers, or some. */
static double typical_size(const float *data, int64_t count) {
    double squares = 0;
    for (int64_t i = 0; i < count; i++)
        squares += (double)data[i] * (double)data[i];
    double size = sqrt(squares / (double)count);
    return size > 0 && isfinite(size) ? size : 1;
}

/* Near the weight, so that the network decides as it does; but of no weight equal to another's, as
 * then the doubles would be equal where the residues are not, and of a channel that training has
 * left dead (its weights are 1e-20, say) not all near to zero, as then no relu could be decided. */
static double near_weight(float weight, double size, double unit) {
    bool small = fabs((double)weight) < 0x1p-10 * size;
    return small ? 0x1p-10 * size * unit : (double)weight * (1 + 0x1p-7 * unit);
}

static void draw_weights(Proof *proof) {
    const WeightNumbers *numbers = &proof->numbers;
    proof->weights = ARENA_ARRAY(proof->draw_arena, Pair, numbers->count + 1);
    for (int i = 0; i < numbers->weight_count; i++) {
        const Weight *weight = numbers->weights[i];
        uint64_t stream = STREAM_WEIGHTS + (uint64_t)i;
        int64_t count = tensor_elements(&weight->type);
        double size = typical_size(weight->data, count);
        for (int64_t k = 0; k < count; k++)
            proof->weights[numbers->first[i] + k] = (Pair){
                residue_draw(proof->seed, stream, (uint64_t)k),
                near_weight(weight->data[k], size, draw_unit(proof->seed, stream, (uint64_t)k))};
    }
    proof->packed = ARENA_ARRAY(proof->draw_arena, Pair, proof->origins.cells + 1);
    packed_pairs(proof->program, &proof->origins, proof->weights, proof->packed);
}

static int64_t cells_of_number(const Proof *proof) {
    return (int64_t)sizeof(float) / proof->origins.cell_bytes;
}

/* As the program has them in memory, and as the graph has. */
static void draw_inputs(Proof *proof, const Pair **dense) {
    const Graph *graph = proof->graph;
    proof->inputs = ARENA_ARRAY(proof->draw_arena, const Pair *, graph->input_count + 1);
    for (int i = 0; i < graph->input_count; i++) {
        int64_t count = tensor_elements(&graph->inputs[i].value->type);
        int64_t step = cells_of_number(proof);
        uint64_t stream = STREAM_INPUTS + (uint64_t)i;
        Pair *numbers = ARENA_ARRAY(proof->draw_arena, Pair, count + 1);
        Pair *cells = ARENA_ARRAY(proof->draw_arena, Pair, count * step + 1);
        for (int64_t k = 0; k < count; k++) {
            numbers[k] = (Pair){residue_draw(proof->seed, stream, (uint64_t)k),
                1.7 * draw_unit(proof->seed, stream, (uint64_t)k)};
            for (int64_t rest = 1; rest < step; rest++)
                cells[k * step + rest] = (Pair){PAIR_REST, NAN};
            cells[k * step] = numbers[k];
        }
        dense[i] = numbers;
        proof->inputs[i] = cells;
    }
}

static Pair **make_outputs(const Graph *graph, int64_t cells_of_number, Arena *arena) {
    Pair **outputs = ARENA_ARRAY(arena, Pair *, graph->output_count + 1);
    for (int i = 0; i < graph->output_count; i++)
        outputs[i] = ARENA_ARRAY(
            arena, Pair, tensor_elements(&graph->outputs[i].value->type) * cells_of_number + 1);
    return outputs;
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
    proof->expected = make_outputs(proof->graph, 1, proof->draw_arena);
    const PairWeights weights = {find_weight, proof};
    graph_interpret_pairs(proof->graph, dense, proof->expected, &weights);
}

/* ---- comparing ---- */

/* "number 5 (image 0, channel 1, row 2, column 3)" */
static const char *place_of(const TensorType *type, int64_t index, Arena *arena) {
    Text text = {0};
    text_format(&text, "number %" PRId64 " (", index);
    int64_t stride = tensor_elements(type);
    for (int i = 0; i < type->rank; i++) {
        stride /= type->dims[i];
        text_format(&text, "%s%" PRId64, i > 0 ? ", " : "", index / stride % type->dims[i]);
    }
    text_append(&text, ")");
    const char *place = arena_copy_string(arena, text.data);
    text_free(&text);
    return place;
}

static void compare(const Proof *proof, Pair *const *outputs, ProofResult *result, Arena *arena) {
    int64_t wrong = 0, unwritten = 0, step = cells_of_number(proof);
    const char *first = NULL;
    for (int i = 0; i < proof->graph->output_count; i++) {
        const GraphOutput *output = &proof->graph->outputs[i];
        int64_t count = tensor_elements(&output->value->type);
        result->compared += count;
        for (int64_t k = 0; k < count; k++) {
            Pair expected = proof->expected[i][k], actual = outputs[i][k * step];
            bool unknown = (actual.residue & PAIR_UNKNOWN) != 0;
            if (!unknown && (pair_is_marked(expected) || pair_is_marked(actual))) {
                result->verdict = PROOF_UNSURE;
                continue;
            }
            if (!unknown && expected.residue == actual.residue)
                continue;
            wrong++;
            unwritten += unknown;
            if (first == NULL)
                first = arena_format(arena, "%s of output '%s' %s",
                    place_of(&output->value->type, k, arena), output->name,
                    unknown ? "depends on memory that nobody wrote"
                            : arena_format(arena, "is another: near %g, not %g", actual.number,
                                  expected.number));
        }
    }
    if (wrong == 0)
        return;
    result->verdict = PROOF_FAULT;
    result->fault =
        wrong == 1 ? first
                   : arena_format(arena, "%s, and so are or do %" PRId64 " more", first, wrong - 1);
}

ProofResult proof_run(const Proof *proof, Kernel *const *kernels, ExactOrder order,
    int64_t most_steps, Arena *arena) {
    Arena *scratch = arena_create();
    Pair **outputs = make_outputs(proof->graph, cells_of_number(proof), scratch);
    ProofResult result = {.verdict = PROOF_EQUAL};
    ExactRun run = {.kernels = kernels,
        .weights = proof->packed,
        .cell_bytes = proof->origins.cell_bytes,
        .inputs = proof->inputs,
        .outputs = outputs,
        .order = order,
        .seed = proof->seed,
        .steps_left = most_steps};
    result.fault = program_run_pairs(proof->program, &run, arena);
    result.steps = most_steps - run.steps_left;
    if (result.fault != NULL)
        result.verdict = PROOF_FAULT;
    else
        compare(proof, outputs, &result, arena);
    arena_destroy(scratch);
    return result;
}

/* ---- from beginning to end ---- */

static bool can_be_proved(const Graph *graph, const Program *program, Diagnostics *diagnostics) {
    const Node *node;
    if (!graph_has_pairs(graph, &node)) {
        diagnostics_report(diagnostics, SEVERITY_ERROR, node->where,
            "layers of bytes are compared without --exact", "'%s' cannot be computed exactly",
            op_info(node->op)->name);
        return false;
    }
    return program_has_pairs(program, diagnostics);
}

Proof *proof_begin(const Graph *graph, const Program *program, const LowerAgain *again,
    Arena *arena, Diagnostics *diagnostics) {
    if (!can_be_proved(graph, program, diagnostics))
        return NULL;
    Proof *proof = ARENA_NEW(arena, Proof);
    *proof = (Proof){.graph = graph, .program = program, .arena = arena};
    proof->numbers = weight_numbers_of(graph, arena);
    return packed_origins_find(
               graph, program, again, &proof->numbers, &proof->origins, arena, diagnostics)
               ? proof
               : NULL;
}

void proof_close(Proof *proof) {
    if (proof != NULL && proof->draw_arena != NULL)
        arena_destroy(proof->draw_arena);
}
