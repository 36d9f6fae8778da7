/* Running a program in this process: the same for all backends that make code for it. */
#include "backends/run/loaded.h"
#include "backends/emit/emit.h"
#include "backends/program/options.h"
#include "backends/program/program.h"
#include "backends/program/summary.h"
#include "backends/run/model.h"
#include "backends/target/target.h"
#include "ir/diagnostics.h"
#include "ir/text.h"
#include <elf.h>
#include <stdlib.h>
#include <string.h>

Backend backend_default(void) {
    return llvm_is_built_in() ? BACKEND_LLVM : BACKEND_C;
}

int64_t elf_instruction_bytes(const Text *file) {
    Elf64_Ehdr header;
    if (file->length < sizeof header)
        return -1;
    memcpy(&header, file->data, sizeof header);
    if (memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != ELFCLASS64)
        return -1;
    int64_t bytes = 0;
    for (size_t i = 0; i < header.e_shnum; i++) {
        Elf64_Shdr section;
        size_t at = header.e_shoff + i * sizeof section;
        if (at + sizeof section > file->length)
            return -1;
        memcpy(&section, file->data + at, sizeof section);
        if (section.sh_type == SHT_PROGBITS && (section.sh_flags & SHF_EXECINSTR) != 0)
            bytes += (int64_t)section.sh_size;
    }
    return bytes;
}

LoadedModel *jit_load(const Program *program, Diagnostics *diagnostics) {
    if (!target_runs_here(program->target)) {
        diagnostics_error(diagnostics, "`--target native` fits this machine",
            "code for '%s' does not run on this machine", program->target->name);
        return NULL;
    }
    Backend backend = program->backend == BACKEND_DEFAULT ? backend_default() : program->backend;
    return backend == BACKEND_C ? c_load(program, diagnostics) : llvm_load(program, diagnostics);
}

void jit_unload(LoadedModel *model) {
    if (!model)
        return;
    model->unload(model->handle);
    free(model);
}

int64_t jit_code_bytes(const LoadedModel *model) {
    return model->code_bytes;
}

int jit_run(
    const LoadedModel *model, const float *const *inputs, float *const *outputs, void *workspace) {
    return model->run(inputs, outputs, workspace);
}

int jit_run_parallel(const LoadedModel *model, const float *const *inputs, float *const *outputs,
    void *workspace, riffle_parallel_for *parallel_for, void *pool) {
    return model->run_parallel(inputs, outputs, workspace, parallel_for, pool);
}
