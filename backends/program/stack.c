/* What a call needs of a thread's stack. */
#include "backends/program/levels.h"
#include "backends/program/parallel.h"

enum {
    /* For memcpy and its kin, and for the dynamic linker, which looks one up at its first call and
     * saves all vector registers meanwhile. */
    LIBRARY_BYTES = 8192,
    /* Of functions in C: saved registers, and what a compiler keeps beside variables. */
    C_FRAME_BYTES = 8192
};

int64_t program_local_bytes(const Program *program) {
    int64_t most = 0;
    for (int i = 0; i < program->kernel_count; i++) {
        int64_t bytes = kernel_local_bytes(program->kernels[i]);
        most = bytes > most ? bytes : most;
    }
    return most;
}

static int64_t own_stack_bytes(const Program *program) {
    if (program->measured->stack_bytes > 0)
        return program->measured->stack_bytes + LIBRARY_BYTES;
    return program_local_bytes(program) + parallel_stack_bytes(program) + C_FRAME_BYTES;
}

int64_t program_stack_bytes(const Program *program) {
    int64_t most = own_stack_bytes(program);
    for (int i = 0; program->levels && i < program->levels->count; i++) {
        int64_t other = own_stack_bytes(program->levels->programs[i]);
        most = other > most ? other : most;
    }
    return most;
}
