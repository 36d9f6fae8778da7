#include "backends/run/probe.h"
#include "backends/program/program.h"
#include "backends/program/summary.h"
#include "backends/target/target.h"
#include "ir/arena.h"
#include "ir/kernel.h"
#include "ir/resting.h"

Program *probe_program(
    Arena *arena, const Target *target, Kernel *kernel, int64_t input_bytes, int64_t output_bytes) {
    Program *program = ARENA_NEW(arena, Program);
    program->measured = ARENA_NEW(arena, Measured);
    program->arena = arena;
    program->name = kernel->name;
    program->target = target;
    program->kernels = ARENA_ARRAY(arena, Kernel *, 1);
    program->kernels[0] = kernel;
    program->kernel_count = 1;
    program->buffers = ARENA_ARRAY(arena, Buffer, 3);
    program->buffers[0] = (Buffer){.kind = BUFFER_WEIGHTS, .name = "weights"};
    program->buffers[1] = (Buffer){.kind = BUFFER_INPUT, .bytes = input_bytes, .name = "input"};
    program->buffers[2] = (Buffer){.kind = BUFFER_OUTPUT, .bytes = output_bytes, .name = "output"};
    program->buffer_count = 3;
    program->steps = ARENA_ARRAY(arena, Step, 1);
    program->steps[0] =
        (Step){.arguments = {{1, 0}, {2, 0}}, .path = "", .label = "", .op = kernel->name};
    program->step_count = 1;
    program->input_count = program->output_count = 1;
    resting_append(&program->weights, 4);
    return program;
}
