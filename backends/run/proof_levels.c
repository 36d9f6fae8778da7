/* Of a library for several processors each level is proved alone; what is left to show is that it
 * is the same program in the library, where equal blocks of packed weights are kept once. */
#include "backends/program/levels.h"
#include "backends/run/proof.h"

#include <string.h>

/* Where the block that holds a byte ends. */
static int64_t packed_end(const Program *program, int64_t byte) {
    for (int i = 0; i < program->weight_block_count; i++)
        if (program->weight_blocks[i] > byte)
            return program->weight_blocks[i];
    int64_t end = (int64_t)program->weights.length - WEIGHTS_ALIGNMENT; /* without the padding */
    return (end + WEIGHTS_ALIGNMENT - 1) / WEIGHTS_ALIGNMENT * WEIGHTS_ALIGNMENT;
}

static bool same_argument(const Program *alone, const Program *shared,
    const KernelParameter *parameter, const Argument *a, const Argument *b) {
    if (a->buffer != b->buffer || a->buffer != WEIGHTS_BUFFER)
        return a->buffer == b->buffer && a->offset == b->offset;
    const RestingBytes *packed = program_weights(shared);
    int64_t from = a->offset * parameter_bytes(parameter),
            to = b->offset * parameter_bytes(parameter);
    int64_t bytes = packed_end(alone, from) - from;
    return to + bytes <= (int64_t)packed->length &&
           memcmp(alone->weights.data + from, packed->data + to, (size_t)bytes) == 0;
}

static bool same_kernel(const Kernel *a, const Kernel *b) {
    Text first = {0}, second = {0};
    kernel_print(a, &first);
    kernel_print(b, &second);
    bool same = text_equal(&first, &second);
    text_free(&first);
    text_free(&second);
    return same;
}

static bool same_step(const Program *alone, const Program *shared, int index) {
    const Step *a = &alone->steps[index], *b = &shared->steps[index];
    const Kernel *kernel = alone->kernels[a->kernel];
    bool same = a->scratch == b->scratch && same_kernel(kernel, shared->kernels[b->kernel]);
    for (int i = 0; same && i < kernel->parameter_count; i++)
        same = same_argument(
            alone, shared, &kernel->parameters[i], &a->arguments[i], &b->arguments[i]);
    return same;
}

static bool same_buffers(const Program *alone, const Program *shared) {
    bool same = alone->buffer_count == shared->buffer_count &&
                alone->workspace_bytes <= shared->workspace_bytes;
    for (int i = 0; same && i < alone->buffer_count; i++) {
        const Buffer *a = &alone->buffers[i], *b = &shared->buffers[i];
        same = a->kind == b->kind && a->index == b->index && a->offset == b->offset &&
               (i == WEIGHTS_BUFFER || a->bytes == b->bytes);
    }
    return same;
}

bool program_is_level(
    const Program *alone, const Program *program, int level, Diagnostics *diagnostics) {
    const Program *shared = program->levels->programs[level];
    bool same = alone->step_count == shared->step_count && same_buffers(alone, shared);
    if (!same)
        diagnostics_error(diagnostics, "this is a fault of riffle: please report it",
            "the library has another program for '%s' than that target alone",
            shared->target->name);
    for (int i = 0; same && i < alone->step_count; i++) {
        same = same_step(alone, shared, i);
        if (!same)
            diagnostics_error(diagnostics, "this is a fault of riffle: please report it",
                "the library does not keep the weights of step %d (%s) for '%s' as they are", i,
                alone->steps[i].label, shared->target->name);
    }
    return same;
}
