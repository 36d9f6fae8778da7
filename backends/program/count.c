/* What the steps of a program move and compute, counted from their kernels. */
#include "backends/program/program.h"
#include "backends/program/summary.h"
#include "ir/arena.h"
#include "ir/float_set.h"
#include "ir/kernel.h"
#include "ir/kernel_count.h"
#include "ir/sampling.h"

/* Members of all sets of parameters with the same buffer are counted once. */
typedef enum CountedSet { COUNTED_READ, COUNTED_WRITTEN, COUNTED_MOVED } CountedSet;

static const FloatSet *counted_set(const BufferCount *count, CountedSet which) {
    switch (which) {
    case COUNTED_READ:
        return &count->read;
    case COUNTED_WRITTEN:
        return &count->written;
    case COUNTED_MOVED:
        break;
    }
    return &count->moved;
}

/* Whether two parameters look at one buffer and its numbers alike. */
static bool share_buffer(const Step *step, const Kernel *kernel, int a, int b) {
    return step->arguments[a].buffer == step->arguments[b].buffer &&
           kernel->parameters[a].element == kernel->parameters[b].element;
}

static int64_t distinct_bytes(const Program *program, const Step *step, const KernelCount *count,
    CountedSet which, Arena *scratch) {
    const Kernel *kernel = program->kernels[step->kernel];
    int parameters = kernel->parameter_count;
    int64_t bytes = 0;
    for (int i = 0; i < parameters; i++) {
        int first = 0, sharing = 0;
        while (!share_buffer(step, kernel, first, i))
            first++;
        if (first < i)
            continue;
        for (int j = i; j < parameters; j++)
            sharing += share_buffer(step, kernel, i, j);
        FloatSet joined = {0};
        for (int j = i; sharing > 1 && j < parameters; j++)
            if (share_buffer(step, kernel, i, j))
                float_set_add_set(&joined, counted_set(&count->buffers[j], which),
                    step->arguments[j].offset, scratch);
        bytes += float_set_count(sharing > 1 ? &joined : counted_set(&count->buffers[i], which)) *
                 lane_bytes(kernel->parameters[i].element);
    }
    return bytes;
}

static StepCount count_step(
    const Program *program, const Step *step, const KernelCount *count, Arena *scratch) {
    StepCount result = {.loaded_bytes = count->loaded_bytes,
        .stored_bytes = count->stored_bytes,
        .multiply_adds_issued = count->multiply_adds_issued,
        .multiply_adds_useful = count->multiply_adds_useful,
        .only_moves = count->only_moves};
    result.bytes_read = distinct_bytes(program, step, count, COUNTED_READ, scratch);
    result.bytes_written = distinct_bytes(program, step, count, COUNTED_WRITTEN, scratch);
    int64_t moved = distinct_bytes(program, step, count, COUNTED_MOVED, scratch);
    result.layout_bytes = count->only_moves ? result.bytes_read + result.bytes_written
                                            : 2 * (moved + count->local_moved_bytes);
    return result;
}

void step_tables(const Program *program, const Step *step, const int32_t **tables) {
    static const int32_t packed[1] = {0};
    const Kernel *kernel = program->kernels[step->kernel];
    for (int i = 0; i < kernel->parameter_count; i++) {
        const Argument *argument = &step->arguments[i];
        tables[i] = kernel->parameters[i].role != PARAMETER_TABLE ? NULL
                    : program->buffers[argument->buffer].kind == BUFFER_ROW_BYTES
                        ? packed
                        : (const int32_t *)(const void *)program->weights.data + argument->offset;
    }
}

/* Whether it has tables that are not alike in all its calls. */
static bool is_sampled(const Program *program, const Step *step) {
    const Kernel *kernel = program->kernels[step->kernel];
    for (int i = 0; i < kernel->parameter_count; i++)
        if (kernel->parameters[i].role == PARAMETER_TABLE &&
            program->buffers[step->arguments[i].buffer].kind == BUFFER_WEIGHTS)
            return true;
    return false;
}

static int64_t count_distinct(const Sample *samples, int64_t count, int64_t size, Arena *scratch) {
    bool *seen = ARENA_ARRAY(scratch, bool, size);
    int64_t distinct = 0;
    for (int64_t i = 0; i < count; i++) {
        distinct += !seen[samples[i].first];
        seen[samples[i].first] = true;
        distinct += !seen[samples[i].second];
        seen[samples[i].second] = true;
    }
    return distinct;
}

/* What a resize or take reads, from what its first row reads: of the operand so many numbers of
 * each row that some row of the result looks at, and of the weights all. */
static int64_t sampled_bytes(const Step *step, int64_t row_bytes, Arena *scratch) {
    const int64_t *from = step->node->operands[0]->type.dims;
    const int64_t *to = step->node->results[0]->type.dims;
    const Sample *rows = node_samples(step->node, 0, scratch);
    const Sample *columns = node_samples(step->node, 1, scratch);
    int64_t weight_bytes = 2 * (int64_t)sizeof(float);
    int64_t row_weights = samples_are_single(rows, to[2]) ? 0 : weight_bytes;
    int64_t column_weights = samples_are_single(columns, to[3]) ? 0 : weight_bytes * to[3];
    int64_t operand = (row_bytes - row_weights - column_weights) /
                      count_distinct(rows, 1, from[2], scratch) *
                      count_distinct(rows, to[2], from[2], scratch) * from[0];
    return operand + row_weights * to[2] + column_weights;
}

/* A kernel with tables among the weights is one of a resize or take, which does something else in
 * each step, and in each row of the result the same to other rows: one row is run. */
const KernelCount *count_step_kernel(
    const Program *program, const Step *step, Kernel *kernel, int64_t *rounds, Arena *arena) {
    const int32_t *tables[MAX_KERNEL_PARAMETERS];
    *kernel = *program->kernels[step->kernel];
    *rounds = 1;
    step_tables(program, step, tables);
    if (is_sampled(program, step)) {
        *rounds = kernel->extent;
        kernel->extent = 1;
    }
    return kernel_count(kernel, tables, arena);
}

static void count_sampled(Program *program, Step *step) {
    Arena *scratch = arena_create();
    Kernel row;
    int64_t rows;
    const KernelCount *row_count = count_step_kernel(program, step, &row, &rows, scratch);
    StepCount count = count_step(program, step, row_count, scratch);
    count.bytes_read = sampled_bytes(step, count.bytes_read, scratch);
    int64_t *const sums[] = {&count.bytes_written, &count.loaded_bytes, &count.stored_bytes,
        &count.multiply_adds_issued, &count.multiply_adds_useful};
    for (size_t i = 0; i < sizeof sums / sizeof *sums; i++)
        *sums[i] *= rows;
    count.layout_bytes = count.only_moves ? count.bytes_read + count.bytes_written : 0;
    step->count = count;
    arena_destroy(scratch);
}

/* The sets of one kernel at a time: those of large images are large. */
static void count_steps_of(Program *program, int kernel) {
    Arena *scratch = arena_create();
    const KernelCount *count = NULL;
    const int32_t *tables[MAX_KERNEL_PARAMETERS];
    for (int i = 0; i < program->step_count; i++) {
        Step *step = &program->steps[i];
        if (step->kernel != kernel || is_sampled(program, step))
            continue;
        step_tables(program, step, tables);
        if (!count)
            count = kernel_count(program->kernels[kernel], tables, scratch);
        step->count = count_step(program, step, count, scratch);
    }
    arena_destroy(scratch);
}

void program_count(Program *program) {
    for (int i = 0; i < program->kernel_count; i++)
        count_steps_of(program, i);
    for (int i = 0; i < program->step_count; i++)
        if (is_sampled(program, &program->steps[i]))
            count_sampled(program, &program->steps[i]);
}

StepSummary program_step(const Program *program, int index) {
    const Step *step = &program->steps[index];
    return (StepSummary){.node = step->node,
        .path = step->path,
        .label = step->label,
        .op = step->op,
        .reason = step->reason,
        .op_count = step->op_count,
        .macs = step->macs,
        .count = step->count};
}
