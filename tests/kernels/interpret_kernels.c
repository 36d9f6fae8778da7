/* interpret_kernels SPEC [--mutations COUNT] [options of riffle compile]
 *
 * Compiles the network up to its kernels, prints them, reads them back, runs them step by step with
 * the interpreter of kernels and compares what comes out with the interpreter of graphs: all items
 * of a step at once, and one by one, the last first. No code is made: any processor will do as
 * target.
 *
 * With --mutations, changes one thing in a kernel, so many times, and prints "N of M mutations
 * noticed": by the rules of kernels, by an access outside of a buffer, or by another answer. */
#include "backends/program/program.h"
#include "driver/model.h"
#include "ir/kernel_interpret.h"
#include "ir/kernel_parse.h"
#include "mutate_kernel.h"
#include "tests/random/check.h"
#include "tests/random/oracle.h"

#include <stdlib.h>
#include <string.h>

static const int64_t most_steps = 400000000;
static const double tolerance = 1e-4;

typedef struct Options {
    ModelOptions model;
    int64_t mutations;
} Options;

typedef struct Trial {
    const Oracle *oracle;
    const Program *program;
    KernelFile *kernels;
    unsigned char *workspace;
    float **outputs;
    int64_t steps; /* that a run without mutations took */
    bool one_by_one;
    Arena *arena; /* of the run; may be emptied behind it */
} Trial;

/* ---- one run ---- */

static KernelBuffer buffer_of(const Trial *trial, const Argument *argument, LaneType element) {
    const Program *program = trial->program;
    const Buffer *buffer = &program->buffers[argument->buffer];
    KernelBuffer place = {.offset = argument->offset * lane_bytes(element),
        .readable = buffer->bytes,
        .writable = buffer->bytes};
    switch (buffer->kind) {
    case BUFFER_WORKSPACE: /* vectors may read on behind the buffer, but not write */
        place.begin = trial->workspace + buffer->offset;
        place.readable = program->workspace_bytes - buffer->offset;
        break;
    case BUFFER_INPUT:
        place.begin = (unsigned char *)(uintptr_t)trial->oracle->inputs[buffer->index];
        place.writable = 0;
        break;
    case BUFFER_OUTPUT:
        place.begin = (unsigned char *)trial->outputs[buffer->index];
        break;
    case BUFFER_WEIGHTS:
        place.begin = (unsigned char *)program->weights.data;
        place.readable = (int64_t)program->weights.length;
        place.writable = 0;
        break;
    }
    return place;
}

static bool run_step(const Trial *trial, const Step *step, KernelRun *run) {
    const Kernel *kernel = trial->kernels->kernels[step->kernel];
    KernelBuffer buffers[MAX_KERNEL_PARAMETERS];
    for (int i = 0; i < kernel->parameter_count; i++)
        buffers[i] = buffer_of(trial, &step->arguments[i], kernel->parameters[i].element);
    if (!trial->one_by_one)
        return kernel_interpret(kernel, buffers, 0, kernel->extent, run, trial->arena);
    for (int64_t item = kernel->extent; item-- > 0;)
        if (!kernel_interpret(kernel, buffers, item, item + 1, run, trial->arena))
            return false;
    return true;
}

/* NULL, or what is wrong. */
static const char *run_program(Trial *trial, int64_t steps, Arena *arena) {
    const Graph *graph = trial->oracle->graph;
    KernelRun run = {.steps_left = steps};
    trial->arena = arena;
    for (int i = 0; i < graph->output_count; i++)
        memset(trial->outputs[i], 0xff,
            (size_t)tensor_elements(&graph->outputs[i].value->type) * sizeof(float));
    memset(trial->workspace, 0xff, (size_t)trial->program->workspace_bytes); /* NaN */
    for (int i = 0; i < trial->program->step_count; i++)
        if (!run_step(trial, &trial->program->steps[i], &run))
            return arena_format(arena, "step %d: %s", i, run.fault);
    trial->steps = steps - run.steps_left;
    return compare_outputs(
        trial->oracle, trial->outputs, (Exactness){.tolerance = tolerance}, arena);
}

/* ---- mutations ---- */

static bool is_noticed(Trial *trial, Kernel *kernel, int64_t steps) {
    Arena *arena = arena_create();
    bool noticed =
        kernel_fault(kernel) != NULL || run_program(trial, 2 * steps + 1000, arena) != NULL;
    arena_destroy(arena);
    return noticed;
}

static uint64_t next_random(uint64_t *state) {
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 20;
}

static void try_mutations(Trial *trial, int64_t count, Arena *arena) {
    int64_t steps = trial->steps, tried = 0, noticed = 0;
    uint64_t state = 1;
    trial->one_by_one = false;
    for (int64_t i = 0; i < count; i++) {
        uint64_t which = next_random(&state) % (uint64_t)trial->kernels->count;
        Kernel *kernel = trial->kernels->kernels[which];
        Mutation mutation = kernel_mutate(kernel, next_random(&state), arena);
        if (mutation.statement == NULL)
            continue;
        tried++;
        noticed += is_noticed(trial, kernel, steps);
        mutation_undo(&mutation);
    }
    printf("%lld of %lld mutations noticed\n", (long long)noticed, (long long)tried);
}

/* ---- from the spec to the kernels ---- */

static KernelFile *read_back(const Program *program, Session *session) {
    Text *text = ARENA_NEW(session->arena, Text);
    program_print(program, text);
    SourceFile *file = ARENA_NEW(session->arena, SourceFile);
    *file = (SourceFile){
        "kernels.rkir", arena_copy_bytes(session->arena, text->data, text->length), text->length};
    text_free(text);
    KernelFile *kernels = kernels_parse(file, session->arena, session->diagnostics);
    if (kernels != NULL && kernels->count != program->kernel_count) {
        diagnostics_error(session->diagnostics, NULL, "not as many kernels as were printed");
        return NULL;
    }
    return kernels;
}

static bool run_trials(Options *options, Trial *trial, Session *session) {
    for (int i = 0; i < 2; i++) {
        trial->one_by_one = i == 1;
        const char *fault = run_program(trial, most_steps, session->arena);
        if (fault != NULL) {
            diagnostics_error(session->diagnostics, NULL, "%s%s", fault,
                trial->one_by_one ? " (items one by one)" : "");
            return false;
        }
    }
    if (options->mutations > 0)
        try_mutations(trial, options->mutations, session->arena);
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
    KernelFile *kernels = program == NULL ? NULL : read_back(program, session);
    float **inputs = make_inputs(model->graph, 1, arena);
    Oracle oracle = {.graph = model->graph,
        .inputs = (const float **)(void *)inputs,
        .expected = make_outputs(model->graph, arena)};
    const char *fault = interpret(model->graph, oracle.inputs, oracle.expected, NULL, arena);
    if (fault != NULL)
        diagnostics_error(session->diagnostics, NULL, "%s", fault);
    Trial trial = {.oracle = &oracle, .program = program, .kernels = kernels};
    bool good = fault == NULL && kernels != NULL;
    if (good) {
        trial.outputs = make_outputs(model->graph, arena);
        trial.workspace = ARENA_ARRAY(arena, unsigned char, program->workspace_bytes + 64);
        good = run_trials(options, &trial, session);
    }
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
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

int main(int argc, char **argv) {
    static const struct argp_option table[] = {
        {"mutations", 'm', "COUNT", 0, "Change one thing, so many times", 0}, {0}};
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
