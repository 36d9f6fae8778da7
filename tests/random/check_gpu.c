/* Kernels for a GPU against the interpreter of graphs, by the interpreter of kernels: no GPU is
 * needed. */
#include "backends/backends.h"
#include "check.h"
#include "interpret_program.h"

/* The kernels sum in float what the oracle sums in double. */
static const Exactness exactness = {.tolerance = 1e-4};

/* Nothing may depend on how they are run; so each inputs are run in one way. */
static const InterpretedRun runs[] = {{.order = KERNEL_BACKWARD, .one_by_one = true},
    {.order = KERNEL_FORWARD}, {.order = KERNEL_IN_TURNS}};

enum { RUN_COUNT = sizeof runs / sizeof *runs };

static const int64_t most_steps = 1000000000;

static const char *run_oracles(
    const Oracle *oracle, const InterpretedProgram *interpreted, Arena *arena) {
    for (int i = 0; oracle != NULL; oracle = oracle->special, i++) {
        InterpretedRun run = runs[i % RUN_COUNT];
        run.steps = most_steps;
        const char *fault = interpret_program(oracle, interpreted, &run, exactness, arena);
        if (fault != NULL)
            return arena_format(
                arena, "GPU %s (%s)", fault, interpreted_run_name(&run, true, arena));
    }
    return NULL;
}

const char *check_gpu(const Oracle *oracle, const Graph *graph, const Check *check, Arena *arena) {
    Diagnostics *diagnostics = diagnostics_create();
    const char *fault = NULL;
    Program *program =
        program_lower(graph, &(Compilation){.target = check->target}, arena, diagnostics);
    KernelFile *kernels = program == NULL ? NULL : kernels_read_back(program, arena, diagnostics);
    if (program == NULL)
        fault = arena_format(arena, "lowering: %s", diagnostics_copy(diagnostics, arena));
    else if (kernels == NULL)
        fault = arena_format(arena, "kernels as text: %s", diagnostics_copy(diagnostics, arena));
    else
        fault = run_oracles(oracle, &(InterpretedProgram){program, kernels}, arena);
    program_destroy(program);
    diagnostics_destroy(diagnostics);
    return fault;
}
