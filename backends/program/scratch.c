/* See scratch.h. */
#include "backends/program/scratch.h"
#include "backends/program/buffers.h"
#include "backends/program/emission.h"
#include "backends/program/program.h"
#include "ir/arena.h"
#include "ir/kernel.h"

static int64_t sum_of(const int64_t *bytes, int count, unsigned which) {
    int64_t sum = 0;
    for (int i = 0; i < count; i++)
        sum += (which >> i & 1) != 0 ? bytes[i] : 0;
    return sum;
}

/* A bit for each of the buffers that must be scratch. */
static unsigned fewest_bytes(const int64_t *bytes, int count, int64_t stack_bytes) {
    unsigned all = (1u << count) - 1, best = all;
    for (unsigned which = 0; which < all; which++)
        if (sum_of(bytes, count, all & ~which) <= stack_bytes &&
            sum_of(bytes, count, which) < sum_of(bytes, count, best))
            best = which;
    return best;
}

static int slots_of(int64_t items) {
    return items < MOST_SCRATCH_SLOTS ? (int)(items > 1 ? items : 1) : MOST_SCRATCH_SLOTS;
}

int64_t scratch_needed(const int64_t *bytes, int count, int64_t items, int64_t stack_bytes) {
    return slots_of(items) * sum_of(bytes, count, fewest_bytes(bytes, count, stack_bytes));
}

void choose_scratch(Kernel *kernel, int64_t stack_bytes) {
    int64_t bytes[MAX_KERNEL_LOCALS];
    if (kernel->threads > 0) /* what a block shares is in a memory of its own */
        return;
    for (int i = 0; i < kernel->local_count; i++)
        bytes[i] = kernel->local_floats[i] * (int64_t)sizeof(float);
    unsigned scratch = fewest_bytes(bytes, kernel->local_count, stack_bytes);
    for (int i = 0; i < kernel->local_count; i++)
        kernel->local_is_scratch[i] = (scratch >> i & 1) != 0;
}

static int kernel_slots(const Kernel *kernel) {
    return kernel_scratch_bytes(kernel) > 0 ? slots_of(kernel->extent) : 0;
}

int add_scratch(Emission *emission, const Kernel *kernel, const char *path, int step) {
    int64_t bytes = kernel_slots(kernel) * kernel_scratch_bytes(kernel);
    if (bytes == 0)
        return 0;
    const char *name = arena_format(emission->arena, "%s%sscratch", path, path[0] ? "." : "");
    int index = add_buffer(emission, BUFFER_WORKSPACE, 0, bytes, name);
    Buffer *buffer = &emission->program->buffers[index];
    buffer->first_step = buffer->last_step = step;
    return index;
}

static const Kernel *step_kernel(const Program *program, int step) {
    return program->kernels[program->steps[step].kernel];
}

int step_scratch_slots(const Program *program, int step) {
    return kernel_slots(step_kernel(program, step));
}

int64_t step_slot_bytes(const Program *program, int step) {
    return kernel_scratch_bytes(step_kernel(program, step));
}

bool program_has_scratch(const Program *program) {
    for (int i = 0; i < program->step_count; i++)
        if (program->steps[i].scratch > 0)
            return true;
    return false;
}
