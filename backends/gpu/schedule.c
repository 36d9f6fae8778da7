/* When each step runs, and where buffers lie.
 *
 * Steps that do not need each other's results run at the same time: a *phase* is all steps whose
 * operands earlier phases have written. Between phases the whole GPU waits, so there are as few
 * as the longest road through the network has steps. Buffers are alive from phase to phase. */
#include "backends/gpu/gpu.h"
#include "backends/program/program.h"
#include "backends/program/summary.h"
#include "ir/arena.h"
#include "ir/diagnostics.h"
#include "ir/kernel.h"
#include "ir/resting.h"
#include "passes/passes.h"
#include <string.h>

enum { GPU_WORKSPACE_ALIGNMENT = 256 };

typedef struct Schedule {
    GpuLowering *gpu;
    Program *program;
    int *written; /* by buffer: the last phase so far that writes it, or -1 */
} Schedule;

static bool writes(const Program *program, const Step *step, int parameter) {
    return program->kernels[step->kernel]->parameters[parameter].role == PARAMETER_WRITE;
}

typedef void VisitBuffer(Schedule *schedule, Step *step, int buffer, bool written);

/* Every buffer that the step touches, by parameters and by tables. */
static void visit_buffers(Schedule *schedule, int index, VisitBuffer *visit) {
    Program *program = schedule->program;
    Step *step = &program->steps[index];
    int count = program->kernels[step->kernel]->parameter_count;
    for (int i = 0; i < count; i++)
        if (step->arguments[i].buffer != WHOLE_WORKSPACE)
            visit(schedule, step, step->arguments[i].buffer, writes(program, step, i));
    for (const TableUse *use = schedule->gpu->table_uses; use; use = use->next)
        for (int64_t i = 0; use->step == index && i < use->tensor->channels; i++)
            visit(schedule, step, use->tensor->planes[i].buffer, use->writes);
}

static void wait_for_writer(Schedule *schedule, Step *step, int buffer, bool written) {
    if (!written && schedule->written[buffer] >= step->phase)
        step->phase = schedule->written[buffer] + 1;
}

static void note_writer(Schedule *schedule, Step *step, int buffer, bool written) {
    if (written && schedule->written[buffer] < step->phase)
        schedule->written[buffer] = step->phase;
}

static void find_phases(Schedule *schedule) {
    Program *program = schedule->program;
    for (int i = 0; i < program->buffer_count; i++)
        schedule->written[i] = -1;
    for (int i = 0; i < program->step_count; i++) {
        visit_buffers(schedule, i, wait_for_writer);
        visit_buffers(schedule, i, note_writer);
        if (program->steps[i].phase >= program->phase_count)
            program->phase_count = program->steps[i].phase + 1;
    }
}

static void mark_alive(Schedule *schedule, Step *step, int index, bool written) {
    Buffer *buffer = &schedule->program->buffers[index];
    (void)written;
    if (buffer->first_step < 0 || step->phase < buffer->first_step)
        buffer->first_step = step->phase;
    if (step->phase > buffer->last_step || buffer->last_step < 0)
        buffer->last_step = step->phase;
}

static void plan_gpu_workspace(Schedule *schedule) {
    Program *program = schedule->program;
    Arena *arena = program->arena;
    PlannedBuffer *planned = ARENA_ARRAY(arena, PlannedBuffer, program->buffer_count);
    size_t count = 0;
    for (int i = 0; i < program->buffer_count; i++)
        program->buffers[i].first_step = program->buffers[i].last_step = -1;
    for (int i = 0; i < program->step_count; i++)
        visit_buffers(schedule, i, mark_alive);
    for (int i = 0; i < program->buffer_count; i++) {
        const Buffer *buffer = &program->buffers[i];
        if (buffer->kind == BUFFER_WORKSPACE && buffer->first_step >= 0)
            planned[count++] =
                (PlannedBuffer){buffer->bytes, buffer->first_step, buffer->last_step, 0};
    }
    MemoryPlan plan = plan_memory(planned, count, GPU_WORKSPACE_ALIGNMENT, arena);
    count = 0;
    for (int i = 0; i < program->buffer_count; i++) {
        Buffer *buffer = &program->buffers[i];
        if (buffer->kind == BUFFER_WORKSPACE && buffer->first_step >= 0)
            buffer->offset = planned[count++].offset;
    }
    program->workspace_bytes = plan.peak_bytes;
    program->workspace_lower_bound_bytes = plan.lower_bound_bytes;
}

/* Offsets are known now; a caller's buffer, from which its own planes count, has none. */
static void fill_tables(const Schedule *schedule) {
    Program *program = schedule->program;
    for (const TableUse *use = schedule->gpu->table_uses; use; use = use->next)
        for (int64_t i = 0; i < use->tensor->channels; i++) {
            const Plane *plane = &use->tensor->planes[i];
            int32_t offset = (int32_t)(plane->offset + program->buffers[plane->buffer].offset /
                                                           (int64_t)sizeof(float));
            memcpy(program->weights.data + use->weights_offset + (size_t)i * sizeof offset, &offset,
                sizeof offset);
        }
}

/* Steps in the order of their phases. */
static void sort_steps(Schedule *schedule) {
    Program *program = schedule->program;
    Step *sorted = ARENA_ARRAY(program->arena, Step, program->step_capacity);
    int count = 0;
    for (int phase = 0; phase < program->phase_count; phase++)
        for (int i = 0; i < program->step_count; i++)
            if (program->steps[i].phase == phase)
                sorted[count++] = program->steps[i];
    program->steps = sorted;
}

bool gpu_finish(GpuLowering *gpu) {
    Program *program = gpu->emission.program;
    Schedule schedule = {.gpu = gpu, .program = program};
    schedule.written = ARENA_ARRAY(program->arena, int, program->buffer_count);
    find_phases(&schedule);
    plan_gpu_workspace(&schedule);
    int64_t floats = program->workspace_bytes / (int64_t)sizeof(float);
    int64_t weight_floats = (int64_t)(program->weights.length / sizeof(float));
    if (floats > LARGEST_OFFSET || weight_floats > LARGEST_OFFSET) {
        diagnostics_error(gpu->emission.diagnostics, "use a smaller batch or image",
            "the network needs %lld MB of workspace and %lld MB of weights; kernels for a GPU can "
            "reach 4 GB of each",
            (long long)floats / 250000, (long long)weight_floats / 250000);
        return false;
    }
    fill_tables(&schedule);
    sort_steps(&schedule);
    resting_append(&program->weights, 64);
    program->buffers[0].bytes = (int64_t)program->weights.length;
    program->live_bytes = program->workspace_lower_bound_bytes;
    return true;
}
