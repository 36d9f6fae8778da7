/* interpret_kernels SPEC [--mutations COUNT [--list]] [options of riffle compile]
 *
 * Compiles the network up to its kernels, prints them, reads them back, runs them step by step with
 * the interpreter of kernels and compares what comes out with the interpreter of graphs: all items
 * of a step at once, and one by one, the last first; for a GPU the threads of a block forward,
 * backward and in turns. No code is made: any processor or GPU will do as target.
 *
 * With --mutations, changes one thing in a kernel, so many times, and prints "N of M mutations
 * noticed": by the rules of kernels, by what the interpreter refuses, or by another answer. Then it
 * drops each barrier in turn, and prints "N of M barriers missed". With --list, what is not noticed
 * comes before. */
#include "backends/program/program.h"
#include "driver/model.h"
#include "mutate_kernel.h"
#include "tests/random/check.h"
#include "tests/random/interpret_program.h"

#include <stdlib.h>
#include <string.h>

static const int64_t most_steps = 2000000000;
/* Sums of fp16 are rounded in the order of the kernels. */
static Exactness exactness_of(const Oracle *oracle) {
    bool rounds = strcmp(graph_precision(oracle->graph), "fp16") == 0;
    return (Exactness){.tolerance = rounds ? 5e-3 : 1e-4};
}

typedef struct Options {
    ModelOptions model;
    int64_t mutations;
    bool lists; /* those that are not noticed */
} Options;

typedef struct Trial {
    const Oracle *oracle;
    InterpretedProgram interpreted;
    int64_t steps; /* that a run without mutations took */
} Trial;

/* ---- mutations ---- */

static bool is_noticed(const Trial *trial, Kernel *kernel, int64_t steps) {
    Arena *arena = arena_create();
    InterpretedRun run = {.steps = 2 * steps + 1000};
    bool noticed =
        kernel_fault(kernel) != NULL || interpret_program(trial->oracle, &trial->interpreted, &run,
                                            exactness_of(trial->oracle), arena) != NULL;
    arena_destroy(arena);
    return noticed;
}

static uint64_t next_random(uint64_t *state) {
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 20;
}

/* The line in which two texts differ, as both have it. */
static void print_difference(const char *before, const char *after) {
    size_t line = 0;
    for (size_t i = 0; before[i] != '\0' && before[i] == after[i]; i++)
        line = before[i] == '\n' ? i + 1 : line;
    before += line + strspn(before + line, " ");
    after += line + strspn(after + line, " ");
    printf(
        "%.*s  ->  %.*s\n", (int)strcspn(before, "\n"), before, (int)strcspn(after, "\n"), after);
}

/* Undoes it, too. */
static void print_survivor(const Kernel *kernel, const Mutation *mutation) {
    Text before = {0}, after = {0};
    kernel_print(kernel, &after);
    mutation_undo(mutation);
    kernel_print(kernel, &before);
    printf("%s: %s: ", kernel->name, mutation->what);
    print_difference(before.data, after.data);
    text_free(&before);
    text_free(&after);
}

typedef struct Tally {
    int64_t tried, noticed;
} Tally;

/* Undoes it, too. */
static void try_mutation(
    Trial *trial, Kernel *kernel, const Mutation *mutation, bool lists, Tally *tally) {
    if (mutation->statement == NULL)
        return;
    bool noticed = is_noticed(trial, kernel, trial->steps);
    tally->tried++;
    tally->noticed += noticed;
    if (lists && !noticed)
        print_survivor(kernel, mutation);
    mutation_undo(mutation);
}

static void try_mutations(Trial *trial, const Options *options, Arena *arena) {
    Tally tally = {0}, barriers = {0};
    uint64_t state = 1;
    for (int64_t i = 0; i < options->mutations; i++) {
        uint64_t which = next_random(&state) % (uint64_t)trial->interpreted.kernels->count;
        Kernel *kernel = trial->interpreted.kernels->kernels[which];
        Mutation mutation = kernel_mutate(kernel, next_random(&state), arena);
        try_mutation(trial, kernel, &mutation, options->lists, &tally);
    }
    printf("%lld of %lld mutations noticed\n", (long long)tally.noticed, (long long)tally.tried);
    for (int which = 0; which < trial->interpreted.kernels->count; which++) {
        Kernel *kernel = trial->interpreted.kernels->kernels[which];
        int64_t tried = -1;
        for (int64_t i = 0; tried != barriers.tried; i++) {
            tried = barriers.tried;
            Mutation mutation = kernel_drop_barrier(kernel, i, arena);
            try_mutation(trial, kernel, &mutation, options->lists, &barriers);
        }
    }
    if (barriers.tried > 0)
        printf("%lld of %lld barriers missed\n", (long long)barriers.noticed,
            (long long)barriers.tried);
}

/* ---- from the spec to the kernels ---- */

/* A kernel for a processor has no threads whose order could matter. */
static bool run_trials(const Options *options, Trial *trial, Session *session) {
    static const InterpretedRun runs[] = {{.order = KERNEL_FORWARD},
        {.order = KERNEL_BACKWARD, .one_by_one = true}, {.order = KERNEL_IN_TURNS}};
    bool threads = trial->interpreted.program->target->gpu != NULL;
    for (int i = 0; i < (threads ? 3 : 2); i++) {
        InterpretedRun run = runs[i];
        run.steps = most_steps;
        const char *fault = interpret_program(
            trial->oracle, &trial->interpreted, &run, exactness_of(trial->oracle), session->arena);
        if (fault != NULL) {
            diagnostics_error(session->diagnostics, NULL, "%s (%s)", fault,
                interpreted_run_name(&run, threads, session->arena));
            return false;
        }
        trial->steps = run.steps;
    }
    if (options->mutations > 0)
        try_mutations(trial, options, session->arena);
    return true;
}

/* The graph behind the passes is the oracle: what they do is not tested here. */
static bool interpret_all(Options *options, Model *model, Session *session) {
    Arena *arena = session->arena;
    const Target *target = model_target(&options->model);
    if (target == NULL || !model_read(&options->model, model) ||
        !model_load_weights(&options->model, model) || !model_run_passes(&options->model, model))
        return false;
    Program *program = model_lower(&options->model, model->graph, target, NULL);
    KernelFile *kernels =
        program == NULL ? NULL : kernels_read_back(program, arena, session->diagnostics);
    float **inputs = make_inputs(model->graph, 1, arena);
    Oracle oracle = {.graph = model->graph,
        .inputs = (const float **)(void *)inputs,
        .expected = make_outputs(model->graph, arena)};
    const char *fault = interpret(model->graph, oracle.inputs, oracle.expected, NULL, arena);
    if (fault != NULL)
        diagnostics_error(session->diagnostics, NULL, "%s", fault);
    Trial trial = {.oracle = &oracle, .interpreted = {program, kernels}};
    bool good = fault == NULL && kernels != NULL && run_trials(options, &trial, session);
    for (int i = 0; i < model->graph->input_count; i++)
        guarded_free(inputs[i]);
    program_destroy(program);
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
        options->mutations = atoll(argument);
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
        {"mutations", 'm', "COUNT", 0, "Change one thing, so many times", 0},
        {"list", 'l', NULL, 0, "Print the changes that are not noticed", 0}, {0}};
    static const struct argp_child children[] = {{&spec_argp, 0, NULL, 0},
        {&weights_argp, 0, NULL, 0}, {&passes_argp, 0, NULL, 0}, {&target_argp, 0, NULL, 0}, {0}};
    static const struct argp argp = {table, parse_option, "SPEC", NULL, children, NULL, NULL};
    Session session = session_begin();
    Options options = {.model = model_options(&session, "x86-64-v3")};
    Model model = {0};
    bool good = command_line_parse(&argp, argc, argv, &options, &session) &&
                interpret_all(&options, &model, &session);
    model_close(&model);
    return session_finish(&session, good ? EXIT_DONE : EXIT_FAILED);
}
