/* prove_kernels SPEC --mutants COUNT [--first SEED] [--list] [options of riffle compile]
 *
 * Compiles the network up to its kernels and proves them (backends/run/proof.h). Then changes one
 * thing in a kernel or beside it, so many times from a seed, and proves it again. Whether a
 * change changes an answer says the interpreter of kernels, on the bits of floats. Prints for each
 * kind "KIND: N of M found, K changed nothing"; with --list, what was not found, or changes no
 * answer. */
#include "backends/program/program.h"
#include "driver/model.h"
#include "mutate_program.h"
#include "tests/random/check.h"
#include "tests/random/interpret_program.h"

#include <stdlib.h>
#include <string.h>

typedef struct Options {
    ModelOptions model;
    int64_t mutants, seed;
    bool lists;
} Options;

typedef struct Trial {
    const Options *options;
    Session *session;
    const CompiledModel *compiled;
    Program *program;
    KernelFile *kernels;
    Proof *proofs[PROOF_DRAWS];
    Oracle oracle; /* what the program gives as it is, to the bit */
    int64_t steps; /* that a run without mutants took */
    uint64_t seed; /* of what is drawn */
} Trial;

typedef struct Tally {
    int64_t changing, found, same, found_same;
} Tally;

static Program *lower_again(void *context, const Graph *graph) {
    const Trial *trial = context;
    return model_lower(&trial->options->model, graph, trial->compiled->target, NULL);
}

/* ---- one mutant ---- */

static bool has_fault(const Trial *trial) {
    for (int i = 0; i < trial->kernels->count; i++)
        if (kernel_fault(trial->kernels->kernels[i]) != NULL)
            return true;
    return false;
}

static bool changes_answer(const Trial *trial) {
    static const Exactness bits = {.tolerance = 0};
    static const InterpretedRun runs[] = {{.order = KERNEL_FORWARD}, {.one_by_one = true}};
    bool changes = has_fault(trial);
    for (int i = 0; i < 2 && !changes; i++) {
        Arena *arena = arena_create();
        InterpretedRun run = runs[i];
        run.steps = 2 * trial->steps + 1000;
        changes =
            interpret_program(&trial->oracle, &(InterpretedProgram){trial->program, trial->kernels},
                &run, bits, arena) != NULL;
        arena_destroy(arena);
    }
    return changes;
}

/* As riffle verify --exact finds it: by its three draws, each in another order. */
static bool is_found(Trial *trial) {
    if (has_fault(trial))
        return true;
    for (int draw = 0; draw < PROOF_DRAWS; draw++) {
        Arena *arena = arena_create();
        ExactOrder order = (ExactOrder)(draw % EXACT_ORDER_COUNT);
        ProofResult result = proof_run(
            trial->proofs[draw], trial->kernels->kernels, order, 2 * trial->steps + 1000, arena);
        arena_destroy(arena);
        if (result.verdict != PROOF_EQUAL)
            return true;
    }
    return false;
}

/* False where there is nothing of that kind to change. */
static bool try_mutant(Trial *trial, MutantKind kind, uint64_t number, Tally *tally) {
    Arena *arena = trial->session->arena;
    Mutant mutant =
        program_mutate(trial->program, trial->proofs, trial->kernels->kernels, kind, number, arena);
    if (mutant.what == NULL)
        return false;
    bool found = is_found(trial), changes = changes_answer(trial);
    tally->changing += changes;
    tally->found += changes && found;
    tally->same += !changes;
    tally->found_same += !changes && found;
    if (trial->options->lists && !(changes && found))
        printf("%s: %s (%s)\n",
            changes ? "missed"
            : found ? "found, but no bit changed"
                    : "nothing changed",
            mutant.what, mutant.where);
    mutant_undo(&mutant, trial->program, trial->proofs);
    return true;
}

/* ---- all of them ---- */

static uint64_t next_random(uint64_t *state) {
    (*state)++;
    return residue_draw(1, 77, *state);
}

static void try_mutants(Trial *trial) {
    uint64_t state = (uint64_t)trial->options->seed << 32;
    Tally tallies[MUTANT_KIND_COUNT] = {0};
    int64_t tried = 0;
    for (int64_t i = trial->options->seed; tried < trial->options->mutants; i++) {
        int64_t kind = i % MUTANT_KIND_COUNT;
        tried += try_mutant(trial, (MutantKind)kind, next_random(&state), &tallies[kind]);
    }
    for (int i = 0; i < MUTANT_KIND_COUNT; i++)
        printf("%s: %lld of %lld found, %lld changed nothing\n", mutant_names[i],
            (long long)tallies[i].found, (long long)tallies[i].changing,
            (long long)tallies[i].same);
}

/* Until so many draws are sure. */
static bool prove_unchanged(Trial *trial) {
    Session *session = trial->session;
    int sure = 0;
    for (uint64_t seed = 1; seed < 8 && sure < PROOF_DRAWS; seed++) {
        Proof *proof = trial->proofs[sure];
        proof_draw(proof, seed);
        ProofResult result =
            proof_run(proof, trial->kernels->kernels, EXACT_AT_ONCE, INT64_MAX, session->arena);
        if (result.verdict == PROOF_FAULT) {
            diagnostics_error(session->diagnostics, NULL, "%s", result.fault);
            return false;
        }
        trial->steps = result.steps;
        sure += result.verdict == PROOF_EQUAL;
    }
    if (sure < PROOF_DRAWS)
        diagnostics_error(session->diagnostics, NULL, "too few draws are sure");
    return sure == PROOF_DRAWS;
}

/* What the kernels give becomes what is expected of them. */
static bool note_answer(Trial *trial, const Graph *graph) {
    Arena *arena = trial->session->arena;
    InterpretedRun run = {.steps = 2 * trial->steps + 1000};
    float **inputs = make_inputs(graph, 1, arena);
    trial->oracle = (Oracle){.graph = graph,
        .inputs = (const float **)(void *)inputs,
        .expected = make_outputs(graph, arena)};
    const char *fault = interpret_program_outputs(&trial->oracle,
        &(InterpretedProgram){trial->program, trial->kernels}, &run, trial->oracle.expected, arena);
    if (fault != NULL)
        diagnostics_error(trial->session->diagnostics, NULL, "%s", fault);
    return fault == NULL;
}

static bool prove_all(const Options *options, CompiledModel *compiled, Session *session) {
    if (!model_compile(&options->model, false, compiled))
        return false;
    const Graph *graph = compiled->model.graph;
    Trial trial = {
        .options = options, .session = session, .compiled = compiled, .program = compiled->program};
    trial.kernels = kernels_read_back(trial.program, session->arena, session->diagnostics);
    const LowerAgain again = {lower_again, &trial};
    bool good = trial.kernels != NULL;
    for (int i = 0; i < PROOF_DRAWS && good; i++) {
        trial.proofs[i] =
            proof_begin(graph, trial.program, &again, session->arena, session->diagnostics);
        good = trial.proofs[i] != NULL;
    }
    good = good && prove_unchanged(&trial) && note_answer(&trial, graph);
    if (good)
        try_mutants(&trial);
    for (int i = 0; i < PROOF_DRAWS; i++)
        proof_close(trial.proofs[i]);
    for (int i = 0; trial.oracle.inputs != NULL && i < graph->input_count; i++)
        guarded_free((void *)(uintptr_t)trial.oracle.inputs[i]);
    return good;
}

/* ---- the command line ---- */

static error_t parse_option(int key, char *argument, struct argp_state *state) {
    Options *options = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        model_options_init(state, &options->model, 4);
        return 0;
    case 'm':
        options->mutants = atoll(argument);
        return 0;
    case 'f':
        options->seed = atoll(argument);
        return 0;
    case 'l':
        options->lists = true;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

int main(int argc, char **argv) {
    static const struct argp_option table[] = {
        {"mutants", 'm', "COUNT", 0, "Change one thing, so many times", 0},
        {"first", 'f', "SEED", 0, "Which changes, and of which kind the first is", 0},
        {"list", 'l', NULL, 0, "Print the changes that are not found, or change nothing", 0}, {0}};
    static const struct argp_child children[] = {{&spec_argp, 0, NULL, 0},
        {&weights_argp, 0, NULL, 0}, {&passes_argp, 0, NULL, 0}, {&target_argp, 0, NULL, 0}, {0}};
    static const struct argp argp = {table, parse_option, "SPEC", NULL, children, NULL, NULL};
    Session session = session_begin();
    Options options = {.model = model_options(&session, "x86-64-v3")};
    CompiledModel compiled = {0};
    bool good = command_line_parse(&argp, argc, argv, &options, &session) &&
                prove_all(&options, &compiled, &session);
    compiled_model_close(&compiled);
    return session_finish(&session, good ? EXIT_DONE : EXIT_FAILED);
}
