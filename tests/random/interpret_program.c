#include "interpret_program.h"
#include "check.h"

#include <string.h>

typedef struct Memory {
    const Oracle *oracle;
    const Program *program;
    unsigned char *workspace;
    float **outputs;
    KernelWord *workspace_words, **output_words;
} Memory;

static size_t output_bytes(const Graph *graph, int i) {
    return (size_t)tensor_elements(&graph->outputs[i].value->type) * sizeof(float);
}

static Memory make_memory(const Oracle *oracle, const Program *program, Arena *arena) {
    const Graph *graph = oracle->graph;
    size_t bytes = (size_t)program->workspace_bytes;
    Memory memory = {.oracle = oracle,
        .program = program,
        .workspace = guarded_allocate(bytes),
        .outputs = make_outputs(graph, arena),
        .workspace_words = ARENA_ARRAY(arena, KernelWord, bytes / sizeof(uint32_t) + 1),
        .output_words = ARENA_ARRAY(arena, KernelWord *, graph->output_count + 1)};
    memset(memory.workspace, 0xff, bytes); /* NaN */
    for (int i = 0; i < graph->output_count; i++) {
        memset(memory.outputs[i], 0xff, output_bytes(graph, i));
        memory.output_words[i] =
            ARENA_ARRAY(arena, KernelWord, output_bytes(graph, i) / sizeof(float));
    }
    return memory;
}

static const int32_t packed = 0; /* rows of bytes */

static KernelBuffer buffer_of(
    const Memory *memory, const Argument *argument, LaneType element, bool threads) {
    const Program *program = memory->program;
    const Buffer *buffer = &program->buffers[argument->buffer];
    KernelBuffer place = {.offset = argument->offset * lane_bytes(element),
        .readable = buffer->bytes,
        .writable = buffer->bytes};
    switch (buffer->kind) {
    case BUFFER_WORKSPACE:
        place.begin = memory->workspace + buffer->offset;
        place.words = memory->workspace_words + buffer->offset / (int64_t)sizeof(uint32_t);
        if (!threads) /* vectors may read on behind the buffer, but not write */
            place.readable = program->workspace_bytes - buffer->offset;
        else if (buffer->bytes == 0) /* that tables count from */
            place.readable = place.writable = program->workspace_bytes;
        break;
    case BUFFER_INPUT:
        place.begin = (unsigned char *)(uintptr_t)memory->oracle->inputs[buffer->index];
        place.writable = 0;
        break;
    case BUFFER_ROW_BYTES:
        place.begin = (unsigned char *)(uintptr_t)&packed;
        place.writable = 0;
        break;
    case BUFFER_OUTPUT:
        place.begin = (unsigned char *)memory->outputs[buffer->index];
        place.words = memory->output_words[buffer->index];
        break;
    case BUFFER_WEIGHTS:
        place.begin = (unsigned char *)program->weights.data;
        place.readable = (int64_t)program->weights.length;
        place.writable = 0;
        break;
    }
    return place;
}

static bool run_step(const Memory *memory, const Step *step, const Kernel *kernel, bool one_by_one,
    KernelRun *run, Arena *arena) {
    KernelBuffer buffers[MAX_KERNEL_PARAMETERS];
    for (int i = 0; i < kernel->parameter_count; i++)
        buffers[i] = buffer_of(
            memory, &step->arguments[i], kernel->parameters[i].element, kernel->threads > 0);
    if (!one_by_one)
        return kernel_interpret(kernel, buffers, 0, kernel->extent, run, arena);
    for (int64_t item = kernel->extent; item-- > 0;)
        if (!kernel_interpret(kernel, buffers, item, item + 1, run, arena))
            return false;
    return true;
}

static const char *run_steps(const Memory *memory, const InterpretedProgram *interpreted,
    InterpretedRun *how, Arena *arena) {
    const Program *program = interpreted->program;
    KernelRun run = {.steps_left = how->steps, .order = how->order};
    for (int i = 0; i < program->step_count; i++) {
        const Step *step = &program->steps[i];
        if (i > 0 && step->phase != program->steps[i - 1].phase)
            kernel_run_next_phase(&run);
        if (!run_step(memory, step, interpreted->kernels->kernels[step->kernel], how->one_by_one,
                &run, arena))
            return arena_format(arena, "step %d: %s", i, run.fault);
    }
    how->steps -= run.steps_left;
    return NULL;
}

/* No arithmetic makes the NaN that was there before. */
static const char *find_unwritten(const Memory *memory, Arena *arena) {
    const Graph *graph = memory->oracle->graph;
    for (int i = 0; i < graph->output_count; i++)
        for (size_t k = 0; k < output_bytes(graph, i) / sizeof(float); k++) {
            uint32_t bits;
            memcpy(&bits, &memory->outputs[i][k], sizeof bits);
            if (bits == UINT32_MAX)
                return arena_format(arena, "unwritten: number %zu of output '%s' is never written",
                    k, graph->outputs[i].name);
        }
    return NULL;
}

const char *interpret_program(const Oracle *oracle, const InterpretedProgram *interpreted,
    InterpretedRun *run, Exactness exactness, Arena *arena) {
    Arena *scratch = arena_create();
    Memory memory = make_memory(oracle, interpreted->program, scratch);
    const char *fault = run_steps(&memory, interpreted, run, scratch);
    if (fault == NULL)
        fault = find_unwritten(&memory, scratch);
    if (fault == NULL)
        fault = compare_outputs(oracle, memory.outputs, exactness, scratch);
    if (fault != NULL)
        fault = arena_copy_string(arena, fault);
    guarded_free(memory.workspace);
    arena_destroy(scratch);
    return fault;
}

const char *interpret_program_outputs(const Oracle *oracle, const InterpretedProgram *interpreted,
    InterpretedRun *run, float *const *outputs, Arena *arena) {
    Arena *scratch = arena_create();
    Memory memory = make_memory(oracle, interpreted->program, scratch);
    const char *fault = run_steps(&memory, interpreted, run, scratch);
    if (fault == NULL)
        fault = find_unwritten(&memory, scratch);
    for (int i = 0; i < oracle->graph->output_count && fault == NULL; i++)
        memcpy(outputs[i], memory.outputs[i], output_bytes(oracle->graph, i));
    if (fault != NULL)
        fault = arena_copy_string(arena, fault);
    guarded_free(memory.workspace);
    arena_destroy(scratch);
    return fault;
}

KernelFile *kernels_read_back(const Program *program, Arena *arena, Diagnostics *diagnostics) {
    Text text = {0};
    program_print(program, &text);
    SourceFile *file = ARENA_NEW(arena, SourceFile);
    *file =
        (SourceFile){"kernels.rkir", arena_copy_bytes(arena, text.data, text.length), text.length};
    text_free(&text);
    KernelFile *kernels = kernels_parse(file, arena, diagnostics);
    if (kernels != NULL && kernels->count != program->kernel_count) {
        diagnostics_error(diagnostics, NULL, "not as many kernels as were printed");
        return NULL;
    }
    return kernels;
}

const char *interpreted_run_name(const InterpretedRun *run, bool has_threads, Arena *arena) {
    static const char *const orders[] = {[KERNEL_FORWARD] = "threads forward",
        [KERNEL_BACKWARD] = "threads backward",
        [KERNEL_IN_TURNS] = "threads in turns"};
    return arena_format(arena, "items %s%s%s", run->one_by_one ? "one by one" : "at once",
        has_threads ? ", " : "", has_threads ? orders[run->order] : "");
}
