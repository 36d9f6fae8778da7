/* Compiled code against the interpreter: whole and in slices, with guard bytes round every buffer,
 * in memory that holds no numbers. */
#include "backends/backends.h"
#include "backends/kernels/winograd/winograd.h"
#include "check.h"

#include <stdlib.h>
#include <string.h>

enum { GUARD = 64, GUARD_BYTE = 0x5a };

/* The compiled code sums in float what the oracle sums in double. */
static const double rounding = 1e-4;

/* ---- guards ---- */

static size_t rounded_up(size_t bytes) {
    return (bytes + 63) / 64 * 64;
}

void *guarded_allocate(size_t bytes) {
    size_t room = GUARD + rounded_up(bytes) + GUARD;
    char *memory = aligned_alloc(64, room);
    if (memory == NULL)
        abort();
    memset(memory, GUARD_BYTE, room);
    return memory + GUARD;
}

bool guards_hold(const void *memory, size_t bytes) {
    const char *buffer = memory;
    for (size_t i = 1; i <= GUARD; i++)
        if (*(buffer - i) != GUARD_BYTE)
            return false;
    for (size_t i = bytes; i < rounded_up(bytes) + GUARD; i++)
        if (buffer[i] != GUARD_BYTE)
            return false;
    return true;
}

void guarded_free(void *memory) {
    if (memory != NULL)
        free((char *)memory - GUARD);
}

/* ---- slices ---- */

typedef struct Slices {
    size_t most; /* items of a slice */
} Slices;

/* Slices of a loop, the last one first: their order must not matter. */
static void run_slices(void *pool, riffle_task *task, void *context, size_t count) {
    const Slices *slices = pool;
    for (size_t end = count; end > 0;) {
        size_t begin = end > slices->most ? end - slices->most : 0;
        task(context, begin, end);
        end = begin;
    }
}

/* ---- one run ---- */

typedef struct Buffers {
    float **outputs;
    char *workspace;
    size_t workspace_bytes;
} Buffers;

static size_t output_bytes(const Graph *graph, int i) {
    return (size_t)tensor_elements(&graph->outputs[i].value->type) * sizeof(float);
}

static Buffers buffers_allocate(const Graph *graph, const Program *program, Arena *arena) {
    Buffers buffers = {.outputs = ARENA_ARRAY(arena, float *, graph->output_count + 1),
        .workspace_bytes = (size_t)program_summary(program).workspace_bytes};
    for (int i = 0; i < graph->output_count; i++)
        buffers.outputs[i] = guarded_allocate(output_bytes(graph, i));
    buffers.workspace = guarded_allocate(buffers.workspace_bytes);
    return buffers;
}

static void buffers_free(const Graph *graph, Buffers *buffers) {
    for (int i = 0; i < graph->output_count; i++)
        guarded_free(buffers->outputs[i]);
    guarded_free(buffers->workspace);
}

static const char *check_guards(const Oracle *oracle, const Buffers *buffers) {
    const Graph *graph = oracle->graph;
    if (!guards_hold(buffers->workspace, buffers->workspace_bytes))
        return "guards: the code writes beside the workspace";
    for (int i = 0; i < graph->output_count; i++)
        if (!guards_hold(buffers->outputs[i], output_bytes(graph, i)))
            return "guards: the code writes beside an output";
    for (int i = 0; i < graph->input_count; i++)
        if (!guards_hold(oracle->inputs[i], input_bytes(graph, i)))
            return "guards: the code writes beside an input";
    return NULL;
}

/* `most` items to a slice; 0: all at once, by the entry that knows no slices. */
static const char *run_once(const Oracle *oracle, const LoadedModel *model, Exactness exactness,
    size_t most, Buffers *buffers, Arena *arena) {
    for (int i = 0; i < oracle->graph->output_count; i++)
        memset(buffers->outputs[i], 0xff, output_bytes(oracle->graph, i));
    memset(buffers->workspace, 0xff, buffers->workspace_bytes); /* NaN: nothing may be read first */
    Slices slices = {most};
    int status = most == 0 ? jit_run(model, oracle->inputs, buffers->outputs, buffers->workspace)
                           : jit_run_parallel(model, oracle->inputs, buffers->outputs,
                                 buffers->workspace, run_slices, &slices);
    if (status != 0)
        return arena_format(arena, "status: the compiled code returns %d", status);
    const char *fault = check_guards(oracle, buffers);
    if (fault == NULL)
        fault = compare_outputs(oracle, buffers->outputs, exactness, arena);
    if (fault == NULL)
        return NULL;
    return arena_format(arena, "compiled %s (slices of %zu)", fault, most);
}

static const char *run_model(const Oracle *oracle, const Program *program, const LoadedModel *model,
    Exactness exactness, Arena *arena) {
    static const size_t slices[] = {0, 1, 3};
    Buffers buffers = buffers_allocate(oracle->graph, program, arena);
    const char *fault = NULL;
    for (size_t i = 0; i < sizeof slices / sizeof slices[0] && fault == NULL; i++)
        fault = run_once(oracle, model, exactness, slices[i], &buffers, arena);
    buffers_free(oracle->graph, &buffers);
    return fault;
}

/* ---- Winograd's algorithm ---- */

static bool winograd_is_taken(const Graph *graph, const Compilation *compilation) {
    LowerWinograd wanted = compilation->options.winograd;
    WinogradBlock block;
    for (const Node *node = graph->first; node != NULL; node = node->next) {
        WinogradReason reason = winograd_reason(graph, compilation, node, &block);
        if (reason == WINOGRAD_TAKES || (reason == WINOGRAD_COST && wanted >= WINOGRAD_ALWAYS))
            return true;
    }
    return false;
}

/* It takes sums and differences of neighbours: infinity may become NaN, NaN spreads within a tile,
 * and large numbers overflow where the sum of the convolution does not. */
static const char *run_oracles(const Oracle *oracle, const Program *program,
    const LoadedModel *model, bool winograd, Arena *arena) {
    Exactness exactness = {.tolerance = rounding, .nan_spreads = winograd};
    const char *fault = NULL;
    for (; oracle != NULL && fault == NULL; oracle = oracle->special)
        if (!winograd || oracle->bounds == NULL)
            fault = run_model(oracle, program, model, exactness, arena);
    return fault;
}

/* ---- from graph to answer ---- */

const char *check_compiled(
    const Oracle *oracle, const Graph *graph, const Check *check, Arena *arena) {
    Target target = *check->target;
    if (check->tiny_cache)
        target.l1_bytes = target.l2_bytes = 64;
    Diagnostics *diagnostics = diagnostics_create();
    const char *fault = NULL;
    Compilation compilation = {.target = &target};
    if (check->tiny_cache) { /* rings of a few columns, so that chains go in strips; and scratch */
        compilation.weight_block = 16; /* as with levels */
        compilation.options = (LowerOptions){.chains = CHAINS_ALWAYS,
            .ring_bytes = 2048,
            .stack_bytes = 1024,
            .winograd = WINOGRAD_ALWAYS};
    }
    Program *program = program_lower(graph, &compilation, arena, diagnostics);
    if (program != NULL)
        program_set_loops(program, LOOP_PER_STEP); /* which is cut into slices of any size */
    LoadedModel *model = program == NULL ? NULL : jit_load(program, diagnostics);
    if (program == NULL)
        fault = arena_format(arena, "lowering: %s", diagnostics_copy(diagnostics, arena));
    else if (model == NULL)
        fault = arena_format(arena, "code generation: %s", diagnostics_copy(diagnostics, arena));
    else
        fault = run_oracles(oracle, program, model, winograd_is_taken(graph, &compilation), arena);
    jit_unload(model);
    program_destroy(program);
    diagnostics_destroy(diagnostics);
    return fault;
}
