#include "driver/verify_exact.h"
#include "driver/progress.h"
#include "ir/clock.h"
#include "ir/pair_degree.h"
#include "ir/progress.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

enum { MOST_DRAWS_AGAIN = 5 };
static const int64_t most_steps = INT64_MAX;

typedef struct ExactLowering {
    const ModelOptions *options;
    const CompiledModel *compiled;
    int level; /* of several targets */
} ExactLowering;

static Program *lower_again(void *context, const Graph *graph) {
    const ExactLowering *lowering = context;
    return model_lower(
        lowering->options, graph, lowering->compiled->target, lowering->compiled->tuning);
}

static const char *order_name(ExactOrder order) {
    static const char *const names[] = {[EXACT_AT_ONCE] = "items in one call",
        [EXACT_BACKWARD] = "items one by one, backward",
        [EXACT_SHUFFLED] = "items one by one, shuffled"};
    return names[order];
}

/* One draw that all are sure of, or none after so many. */
static bool prove_once(Proof *proof, int64_t draw, int64_t count, uint64_t *seed, int64_t *compared,
    Session *session) {
    ExactOrder order = (ExactOrder)(draw % EXACT_ORDER_COUNT);
    double start = seconds_now();
    for (int again = 0; again <= MOST_DRAWS_AGAIN; again++) {
        proof_draw(proof, (*seed)++);
        ProofResult result =
            proof_run(proof, proof->program->kernels, order, most_steps, session->arena);
        if (result.verdict == PROOF_UNSURE)
            continue;
        *compared += result.compared;
        if (result.verdict == PROOF_EQUAL) {
            progress_hide();
            printf("draw %" PRId64 " of %" PRId64 ", %s: %" PRId64 " residues are equal (%.1f s)\n",
                draw + 1, count, order_name(order), result.compared, seconds_now() - start);
            return true;
        }
        diagnostics_error(session->diagnostics,
            "this is no rounding but a fault of riffle: please report it", "%s (%s)", result.fault,
            order_name(order));
        return false;
    }
    diagnostics_error(session->diagnostics, "try another --seed",
        "numbers that the network compares were too near to each other in each of %d draws",
        MOST_DRAWS_AGAIN + 1);
    return false;
}

/* Of one draw, where what is compared lies. */
static void print_chance(const Proof *proof) {
    double degree = graph_degree(proof->graph);
    if (proof->numbers.has_fixed)
        printf("layers of bytes round to whole numbers: what is wrong in them is found where it "
               "makes a byte of a draw another\n");
    else if (degree > 0)
        printf("a number that is wrong, of degree %g at most, is equal by a chance of 2^%.1f at "
               "most in each draw\n",
            degree, log2(degree) - 61);
    else
        printf(
            "a number that is wrong is equal by a chance of about 2^-61 in each draw; no bound is "
            "known where there are quotients, roots or functions\n");
}

static bool prove(Proof *proof, int64_t count, int64_t seed, Session *session) {
    uint64_t next_seed = (uint64_t)seed;
    int64_t compared = 0, done = 0;
    int work = progress_begin("proving, draw", count);
    for (bool equal = true; equal && done < count; done += equal) {
        progress_set(done + 1);
        equal = prove_once(proof, done, count, &next_seed, &compared, session);
    }
    progress_end(work);
    if (done < count)
        return false;
    printf("the kernels compute what the network says: %" PRId64
           " residues modulo 2^61 - 1 of %" PRId64 " draw%s are equal\n",
        compared, count, count == 1 ? "" : "s");
    print_chance(proof);
    return true;
}

static void print_origins(const Proof *proof, double seconds) {
    const PackedOrigins *origins = &proof->origins;
    printf("%" PRId64 " packed numbers are weights of the network, and %" PRId64
           " sums of some (%.1f s)\n",
        origins->weights, origins->sums, seconds);
}

static bool prove_program(const Graph *graph, const Program *program, const LowerAgain *again,
    int64_t count, int64_t seed, Session *session) {
    double start = seconds_now();
    int work = progress_begin("finding the weights in packed numbers", 0);
    Proof *proof = proof_begin(graph, program, again, session->arena, session->diagnostics);
    progress_end(work);
    if (proof == NULL)
        return false;
    print_origins(proof, seconds_now() - start);
    bool good = prove(proof, count, seed, session);
    proof_close(proof);
    return good;
}

/* ---- several targets ---- */

static Program *lower_level_again(void *context, const Graph *graph) {
    const ExactLowering *lowering = context;
    return model_lower_level(lowering->options, graph, lowering->compiled->levels, lowering->level);
}

/* The level alone, and that it is what the library has. */
static bool prove_level(ExactLowering *lowering, const Graph *graph, int64_t count, int64_t seed) {
    Session *session = lowering->options->session;
    const LowerAgain again = {lower_level_again, lowering};
    Program *alone = lower_level_again(lowering, graph);
    if (alone != NULL)
        printf("%s:\n", program_target(alone)->name);
    const Program *library = lowering->compiled->program;
    bool joined = library->levels != NULL; /* not where each layer is an output */
    bool good =
        alone != NULL &&
        (!joined || program_is_level(alone, library, lowering->level, session->diagnostics)) &&
        prove_program(graph, alone, &again, count, seed, session);
    program_destroy(alone);
    return good;
}

static bool prove_levels(ExactLowering *lowering, const Graph *graph, int64_t count, int64_t seed) {
    Session *session = lowering->options->session;
    int levels = program_level_count(
        graph, lowering->compiled->levels, session->arena, session->diagnostics);
    bool good = true;
    for (int i = 0; i < levels && good; i++) {
        lowering->level = i;
        good = prove_level(lowering, graph, count, seed);
    }
    return good;
}

bool verify_exact(const ModelOptions *options, const Graph *graph, const CompiledModel *compiled,
    int64_t count, int64_t seed) {
    ExactLowering lowering = {options, compiled, 0};
    if (compiled->levels != NULL)
        return prove_levels(&lowering, graph, count, seed);
    const LowerAgain again = {lower_again, &lowering};
    return prove_program(graph, compiled->program, &again, count, seed, options->session);
}
