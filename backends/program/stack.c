/* What a call needs of a thread's stack. */
#include "backends/program/levels.h"
#include "backends/program/parallel.h"
#include "backends/program/program.h"
#include "backends/program/summary.h"
#include "backends/target/target.h"
#include "ir/kernel.h"

enum {
    /* For memcpy and its kin, and for the dynamic linker, which looks one up at its first call and
     * saves all vector registers meanwhile. */
    LIBRARY_BYTES = 8192,
    /* Of functions in C: saved registers and spilled vectors. The most that gcc 12 and clang 14
     * took at -O1 to -O3 and -Os is 17 KiB. */
    C_FRAME_BYTES = 24576,
    /* What -O0 takes, where no two variables share a place: operands, result and temporaries of an
     * instruction, and what is counted of any statement. gcc 12 and clang 14 took up to 0.73 of it.
     */
    C_VECTORS_OF_INSTRUCTION = 6,
    C_STATEMENT_BYTES = 96
};

int64_t program_local_bytes(const Program *program) {
    int64_t most = 0;
    for (int i = 0; i < program->kernel_count; i++) {
        int64_t bytes = kernel_local_bytes(program->kernels[i]);
        most = bytes > most ? bytes : most;
    }
    return most;
}

/* ---- C source ---- */

static int64_t unoptimized_bytes(const Target *target, const Block *block) {
    int64_t vector = target->lanes * (int64_t)sizeof(float), bytes = 0;
    for (const Statement *statement = block->first; statement; statement = statement->next) {
        bytes += C_STATEMENT_BYTES;
        if (statement->kind == STATEMENT_INSTRUCTION)
            bytes += C_VECTORS_OF_INSTRUCTION * vector;
        else if (statement->kind != STATEMENT_LET)
            bytes += unoptimized_bytes(target, &statement->body);
    }
    return bytes;
}

static int64_t around_kernels(const Program *program) {
    return parallel_stack_bytes(program) + C_FRAME_BYTES + LIBRARY_BYTES;
}

int64_t program_source_stack_bytes(const Program *program) {
    return program_local_bytes(program) + around_kernels(program);
}

int64_t program_unoptimized_stack_bytes(const Program *program) {
    int64_t most = 0;
    for (int i = 0; i < program->kernel_count; i++) {
        const Kernel *kernel = program->kernels[i];
        int64_t bytes =
            kernel_local_bytes(kernel) + unoptimized_bytes(program->target, &kernel->body);
        most = bytes > most ? bytes : most;
    }
    return most + around_kernels(program);
}

/* ---- what was made last ---- */

static int64_t own_stack_bytes(const Program *program) {
    return program->measured->stack_bytes > 0 ? program->measured->stack_bytes + LIBRARY_BYTES
                                              : program_source_stack_bytes(program);
}

int64_t program_stack_bytes(const Program *program) {
    int64_t most = own_stack_bytes(program);
    for (int i = 0; program->levels && i < program->levels->count; i++) {
        int64_t other = own_stack_bytes(program->levels->programs[i]);
        most = other > most ? other : most;
    }
    return most;
}
