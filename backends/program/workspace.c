/* The memory that a program works in. */
#include "backends/program/workspace.h"
#include "backends/program/emission.h"
#include "backends/program/program.h"
#include "backends/program/summary.h"
#include "ir/arena.h"
#include "passes/passes.h"

void plan_workspace(Emission *emission) {
    Program *program = emission->program;
    size_t count = 0;
    PlannedBuffer *planned = ARENA_ARRAY(emission->arena, PlannedBuffer, program->buffer_count + 1);
    for (int i = 0; i < program->buffer_count; i++) {
        const Buffer *buffer = &program->buffers[i];
        if (buffer->kind == BUFFER_WORKSPACE && buffer->first_step >= 0)
            planned[count++] =
                (PlannedBuffer){buffer->bytes, buffer->first_step, buffer->last_step, 0};
    }
    MemoryPlan plan = plan_memory(planned, count, WORKSPACE_ALIGNMENT, emission->arena);
    count = 0;
    for (int i = 0; i < program->buffer_count; i++) {
        Buffer *buffer = &program->buffers[i];
        if (buffer->kind == BUFFER_WORKSPACE && buffer->first_step >= 0)
            buffer->offset = planned[count++].offset;
    }
    program->workspace_bytes = plan.peak_bytes + SLACK_BYTES;
    program->workspace_lower_bound_bytes = plan.lower_bound_bytes;
}
