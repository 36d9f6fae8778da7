/* Runs a program in this process: ORC loads the very objects that would go into the archive. */
#include "backends/emit/llvm/codegen.h"
#include "backends/output/elf.h"
#include "backends/output/output.h"
#include "backends/program/program.h"
#include "backends/program/summary.h"
#include "backends/run/loaded.h"
#include "backends/run/model.h"
#include "ir/arena.h"
#include "ir/diagnostics.h"
#include "ir/ending.h"
#include "ir/text.h"
#include <llvm-c/LLJIT.h>
#include <llvm-c/Orc.h>
#include <llvm-c/Target.h>
#include <stdlib.h>
#include <string.h>

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
    if (buffer == NULL)
        out_of_memory();
    return !failed(LLVMOrcLLJITAddObjectFile(jit, LLVMOrcLLJITGetMainJITDylib(jit), buffer),
        "load the object", diagnostics);
}

static bool add_objects(
    LLVMOrcLLJITRef jit, const Program *program, int64_t *code_bytes, Diagnostics *diagnostics) {
    ArchiveMember members[MOST_LIBRARY_MEMBERS];
    int count = library_members(program, members, diagnostics);
    bool good = count > 0;
    *code_bytes = 0;
    for (int i = 0; i < count; i++) {
        text_splice(&members[i].contents, &members[i].splice);
        good = good && add_object(jit, &members[i].contents, diagnostics);
        int64_t bytes = elf_instruction_bytes(&members[i].contents);
        *code_bytes = bytes < 0 ? -1 : *code_bytes + bytes;
        text_free(&members[i].contents);
    }
    return good;
}

static void *look_up_symbol(
    LLVMOrcLLJITRef jit, const Program *program, const char *suffix, Diagnostics *diagnostics) {
    LLVMOrcExecutorAddress address = 0;
    const char *name = arena_format(program->arena, "%s_%s", program->name, suffix);
    if (failed(LLVMOrcLLJITLookup(jit, &address, name), "link the model", diagnostics))
        return NULL;
    return (void *)(uintptr_t)address;
}

/* Here the loader links. */
static void *look_up(
    LLVMOrcLLJITRef jit, const Program *program, const char *suffix, Diagnostics *diagnostics) {
    LlvmWork work;
    llvm_work_begin(&work);
    void *address = look_up_symbol(jit, program, suffix, diagnostics);
    llvm_work_end(&work);
    return address;
}

static void unload(void *jit) {
    LLVMConsumeError(LLVMOrcDisposeLLJIT(jit));
}

LoadedModel *llvm_load(const Program *program, Diagnostics *diagnostics) {
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
    if (model == NULL)
        out_of_memory();
    void *run = NULL, *run_parallel = NULL;
    if (add_objects(jit, program, &model->code_bytes, diagnostics)) {
        run = look_up(jit, program, "run", diagnostics);
        run_parallel = run ? look_up(jit, program, "run_parallel", diagnostics) : NULL;
    }
    if (!run || !run_parallel) {
        free(model);
        failed(LLVMOrcDisposeLLJIT(jit), "stop the just-in-time loader", diagnostics);
        return NULL;
    }
    model->handle = jit;
    model->unload = unload;
    model->run = (RunFunction *)run;
    model->run_parallel = (RunParallelFunction *)run_parallel;
    return model;
}
