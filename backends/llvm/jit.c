/* Runs a program in this process: ORC loads the very objects that would go into the archive. */
#include "backends/llvm/codegen.h"
#include <elf.h>
#include <llvm-c/LLJIT.h>
#include <llvm-c/Orc.h>
#include <llvm-c/Target.h>
#include <stdlib.h>
#include <string.h>

typedef int RunFunction(const float *const *inputs, float *const *outputs, void *workspace);
typedef int RunParallelFunction(const float *const *inputs, float *const *outputs, void *workspace,
    riffle_parallel_for *parallel_for, void *pool);

struct LoadedModel {
    LLVMOrcLLJITRef jit;
    RunFunction *run;
    RunParallelFunction *run_parallel;
    int64_t code_bytes;
};

/* True, after a report, when there was an error. */
static bool failed(LLVMErrorRef error, const char *what, Diagnostics *diagnostics) {
    if (!error)
        return false;
    char *message = LLVMGetErrorMessage(error);
    diagnostics_error(diagnostics, NULL, "cannot %s: %s", what, message);
    LLVMDisposeErrorMessage(message);
    return true;
}

static bool add_object(LLVMOrcLLJITRef jit, const Text *object, Diagnostics *diagnostics) {
    LLVMMemoryBufferRef buffer =
        LLVMCreateMemoryBufferWithMemoryRangeCopy(object->data, object->length, "model");
    return !failed(LLVMOrcLLJITAddObjectFile(jit, LLVMOrcLLJITGetMainJITDylib(jit), buffer),
        "load the object", diagnostics);
}

/* Bytes of instructions in an ELF object that LLVM made; -1 when it is none. */
static int64_t instruction_bytes(const Text *object) {
    Elf64_Ehdr header;
    if (object->length < sizeof header)
        return -1;
    memcpy(&header, object->data, sizeof header);
    if (memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != ELFCLASS64)
        return -1;
    int64_t bytes = 0;
    for (size_t i = 0; i < header.e_shnum; i++) {
        Elf64_Shdr section;
        size_t at = header.e_shoff + i * sizeof section;
        if (at + sizeof section > object->length)
            return -1;
        memcpy(&section, object->data + at, sizeof section);
        if (section.sh_type == SHT_PROGBITS && (section.sh_flags & SHF_EXECINSTR) != 0)
            bytes += (int64_t)section.sh_size;
    }
    return bytes;
}

static bool add_objects(
    LLVMOrcLLJITRef jit, const Program *program, int64_t *code_bytes, Diagnostics *diagnostics) {
    ArchiveMember members[MOST_LIBRARY_MEMBERS];
    int count = library_members(program, members, diagnostics);
    bool good = count > 0;
    *code_bytes = 0;
    for (int i = 0; i < count; i++) {
        good = good && add_object(jit, &members[i].contents, diagnostics);
        int64_t bytes = instruction_bytes(&members[i].contents);
        *code_bytes = bytes < 0 ? -1 : *code_bytes + bytes;
        text_free(&members[i].contents);
    }
    return good;
}

static void *look_up(
    LLVMOrcLLJITRef jit, const Program *program, const char *suffix, Diagnostics *diagnostics) {
    LLVMOrcExecutorAddress address = 0;
    const char *name = arena_format(program->arena, "%s_%s", program->name, suffix);
    if (failed(LLVMOrcLLJITLookup(jit, &address, name), "link the model", diagnostics))
        return NULL;
    return (void *)(uintptr_t)address;
}

LoadedModel *jit_load(const Program *program, Diagnostics *diagnostics) {
    if (!target_runs_here(program->target)) {
        diagnostics_error(diagnostics, "`--target native` fits this machine",
            "code for '%s' does not run on this machine", program->target->name);
        return NULL;
    }
    LLVMTargetMachineRef machine = target_machine_create(program->target, diagnostics);
    if (!machine) /* also initialises the target for ORC */
        return NULL;
    LLVMDisposeTargetMachine(machine);
    LLVMOrcLLJITRef jit = NULL;
    if (failed(LLVMOrcCreateLLJIT(&jit, NULL), "start the just-in-time loader", diagnostics))
        return NULL;
    LLVMOrcDefinitionGeneratorRef process = NULL;
    if (!failed(LLVMOrcCreateDynamicLibrarySearchGeneratorForProcess(
                    &process, LLVMOrcLLJITGetGlobalPrefix(jit), NULL, NULL),
            "look into this process", diagnostics))
        LLVMOrcJITDylibAddGenerator(LLVMOrcLLJITGetMainJITDylib(jit), process);
    LoadedModel *model = calloc(1, sizeof *model);
    void *run = NULL, *run_parallel = NULL;
    if (model && add_objects(jit, program, &model->code_bytes, diagnostics)) {
        run = look_up(jit, program, "run", diagnostics);
        run_parallel = run ? look_up(jit, program, "run_parallel", diagnostics) : NULL;
    }
    if (!run || !run_parallel) {
        free(model);
        failed(LLVMOrcDisposeLLJIT(jit), "stop the just-in-time loader", diagnostics);
        return NULL;
    }
    model->jit = jit;
    model->run = (RunFunction *)run;
    model->run_parallel = (RunParallelFunction *)run_parallel;
    return model;
}

void jit_unload(LoadedModel *model) {
    if (!model)
        return;
    LLVMConsumeError(LLVMOrcDisposeLLJIT(model->jit));
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
