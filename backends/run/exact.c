#include "backends/run/exact.h"
#include "backends/program/scratch.h"
#include "ir/kernel_pairs.h"
#include <math.h>

typedef struct Memory {
    const Program *program;
    const ExactRun *run;
    Pair *workspace;
    uint32_t *workspace_writers;
    uint32_t **output_writers;
} Memory;

/* ---- memory ---- */

static int64_t cells_of(const ExactRun *run, BufferKind kind, int64_t bytes) {
    return (bytes + run->cell_bytes[kind] - 1) / run->cell_bytes[kind];
}

void program_cell_bytes(const Program *program, int cell_bytes[BUFFER_KIND_COUNT]) {
    for (int kind = 0; kind < BUFFER_KIND_COUNT; kind++)
        cell_bytes[kind] = sizeof(float);
    for (int i = 0; i < program->step_count; i++) {
        const Step *step = &program->steps[i];
        const Kernel *kernel = program->kernels[step->kernel];
        for (int k = 0; k < kernel->parameter_count; k++) {
            int *smallest = &cell_bytes[program->buffers[step->arguments[k].buffer].kind];
            int64_t bytes = lane_bytes(kernel->parameters[k].element);
            if (kernel->parameters[k].role != PARAMETER_TABLE && bytes < *smallest)
                *smallest = (int)bytes;
        }
    }
}

static void forget(Pair *cells, int64_t count) {
    for (int64_t i = 0; i < count; i++)
        cells[i] = pair_unknown();
}

static const Buffer *find_output(const Program *program, int index) {
    for (int i = 0; i < program->buffer_count; i++)
        if (program->buffers[i].kind == BUFFER_OUTPUT && program->buffers[i].index == index)
            return &program->buffers[i];
    return NULL;
}

static Memory make_memory(const Program *program, const ExactRun *run, Arena *arena) {
    int64_t cells = cells_of(run, BUFFER_WORKSPACE, program->workspace_bytes);
    Memory memory = {.program = program,
        .run = run,
        .workspace = ARENA_ARRAY(arena, Pair, cells + 1),
        .workspace_writers = ARENA_ARRAY(arena, uint32_t, cells + 1),
        .output_writers = ARENA_ARRAY(arena, uint32_t *, program->output_count + 1)};
    forget(memory.workspace, cells);
    for (int i = 0; i < program->output_count; i++) {
        int64_t count = cells_of(run, BUFFER_OUTPUT, find_output(program, i)->bytes);
        memory.output_writers[i] = ARENA_ARRAY(arena, uint32_t, count);
        forget(run->outputs[i], count);
    }
    return memory;
}

/* Whoever calls a kernel gives its scratch a place; the kernel's own runs are elsewhere here, so
 * what lies there is lost. */
static void spoil_scratch(const Memory *memory, const Step *step) {
    if (step->scratch == 0)
        return;
    const Buffer *buffer = &memory->program->buffers[step->scratch];
    forget(memory->workspace + buffer->offset / memory->run->cell_bytes[BUFFER_WORKSPACE],
        cells_of(memory->run, BUFFER_WORKSPACE, buffer->bytes));
}

static const int32_t packed = 0; /* rows of bytes */

static KernelBuffer buffer_of(const Memory *memory, const Argument *argument,
    const KernelParameter *parameter, Arena *arena) {
    const Program *program = memory->program;
    const ExactRun *run = memory->run;
    const Buffer *buffer = &program->buffers[argument->buffer];
    KernelBuffer place = {.offset = argument->offset * parameter_bytes(parameter),
        .readable = buffer->bytes,
        .writable = buffer->bytes};
    KernelCells *cells = ARENA_NEW(arena, KernelCells);
    cells->bytes = run->cell_bytes[buffer->kind];
    place.cells = cells;
    switch (buffer->kind) {
    case BUFFER_WORKSPACE: /* vectors may read on behind the buffer, but not write */
        cells->pairs = memory->workspace + buffer->offset / cells->bytes;
        cells->writers = memory->workspace_writers + buffer->offset / cells->bytes;
        place.readable = program->workspace_bytes - buffer->offset;
        if (buffer->bytes == 0) /* that tables count from */
            place.writable = place.readable;
        break;
    case BUFFER_INPUT:
        cells->pairs = (Pair *)(uintptr_t)run->inputs[buffer->index];
        place.writable = 0;
        break;
    case BUFFER_ROW_BYTES:
        place.begin = (unsigned char *)(uintptr_t)&packed;
        place.writable = 0;
        break;
    case BUFFER_OUTPUT:
        cells->pairs = run->outputs[buffer->index];
        cells->writers = memory->output_writers[buffer->index];
        break;
    case BUFFER_WEIGHTS:
        place.begin = (unsigned char *)program->weights.data;
        cells->pairs = (Pair *)(uintptr_t)run->weights;
        place.readable = (int64_t)program->weights.length;
        place.writable = 0;
        break;
    }
    return place;
}

/* ---- steps ---- */

/* 0 to count - 1 in the run's order. */
static int64_t *order_items(const ExactRun *run, int step, int64_t count, Arena *arena) {
    int64_t *items = ARENA_ARRAY(arena, int64_t, count);
    for (int64_t i = 0; i < count; i++)
        items[i] = run->order == EXACT_BACKWARD ? count - 1 - i : i;
    for (int64_t i = count - 1; run->order == EXACT_SHUFFLED && i > 0; i--) {
        int64_t other =
            (int64_t)(residue_draw(run->seed, (uint64_t)step, (uint64_t)i) % (uint64_t)(i + 1));
        int64_t item = items[i];
        items[i] = items[other];
        items[other] = item;
    }
    return items;
}

static bool run_step(
    const Memory *memory, int index, KernelRun *run, Arena *scratch, Arena *arena) {
    const Step *step = &memory->program->steps[index];
    const Kernel *kernel = memory->run->kernels[step->kernel];
    KernelBuffer buffers[MAX_KERNEL_PARAMETERS];
    for (int i = 0; i < kernel->parameter_count; i++)
        buffers[i] = buffer_of(memory, &step->arguments[i], &kernel->parameters[i], scratch);
    kernel_run_next_phase(run);
    spoil_scratch(memory, step);
    if (memory->run->order == EXACT_AT_ONCE)
        return kernel_interpret(kernel, buffers, 0, kernel->extent, run, arena);
    const int64_t *items = order_items(memory->run, index, kernel->extent, scratch);
    for (int64_t i = 0; i < kernel->extent; i++)
        if (!kernel_interpret(kernel, buffers, items[i], items[i] + 1, run, arena))
            return false;
    return true;
}

const char *program_run_pairs(const Program *program, ExactRun *how, Arena *arena) {
    Arena *scratch = arena_create();
    Memory memory = make_memory(program, how, scratch);
    KernelRun run = {.steps_left = how->steps_left, .pairs = true};
    const char *fault = NULL;
    for (int i = 0; i < program->step_count && fault == NULL; i++)
        if (!run_step(&memory, i, &run, scratch, arena))
            fault = arena_format(arena, "step %d (%s): %s", i, program->steps[i].label, run.fault);
    how->steps_left = run.steps_left;
    arena_destroy(scratch);
    return fault;
}
