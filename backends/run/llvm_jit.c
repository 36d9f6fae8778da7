/* Runs a program in this process: ORC loads the very objects that would go into the archive. */
#include "backends/emit/llvm/codegen.h"
#include "backends/output/elf.h"
#include "backends/output/output.h"
#include "backends/program/program.h"
#include "backends/program/summary.h"
#include "backends/run/jit_memory.h"
#include "backends/run/loaded.h"
#include "backends/run/model.h"
#include "ir/arena.h"
#include "ir/diagnostics.h"
#include "ir/ending.h"
#include "ir/text.h"
#include <llvm-c/LLJIT.h>
#include <llvm-c/Orc.h>
#include <llvm-c/OrcEE.h>
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

/* ---- memory ---- */

static void *use_memory(void *memory) {
    jit_memory_begin(memory);
    return memory;
}

/* The range is given back when the loader has gone. */
static void leave_memory(void *memory) {
    (void)memory;
}

static uint8_t *take_code(
    void *memory, uintptr_t bytes, unsigned alignment, unsigned id, const char *name) {
    (void)id;
    (void)name;
    return jit_memory_take(memory, bytes, alignment, true);
}

static uint8_t *take_data(void *memory, uintptr_t bytes, unsigned alignment, unsigned id,
    const char *name, LLVMBool read_only) {
    (void)id;
    (void)name;
    (void)read_only; /* a library writes to nothing of its own */
    return jit_memory_take(memory, bytes, alignment, false);
}

static LLVMBool protect_memory(void *memory, char **message) {
    if (jit_memory_end(memory))
        return 0;
    *message = LLVMCreateMessage("the system does not let memory be executed");
    return 1;
}

static LLVMOrcObjectLayerRef create_layer(
    void *memory, LLVMOrcExecutionSessionRef session, const char *triple) {
    (void)triple;
    return LLVMOrcCreateRTDyldObjectLinkingLayerWithMCJITMemoryManagerLikeCallbacks(session, memory,
        use_memory, leave_memory, take_code, take_data, protect_memory, leave_memory);
}

static LLVMOrcLLJITRef create_jit(JitMemory *memory, Diagnostics *diagnostics) {
    LLVMOrcLLJITBuilderRef builder = LLVMOrcCreateLLJITBuilder();
    LLVMOrcLLJITBuilderSetObjectLinkingLayerCreator(builder, create_layer, memory);
    LLVMOrcLLJITRef jit = NULL;
    if (failed(LLVMOrcCreateLLJIT(&jit, builder), "start the just-in-time loader", diagnostics))
        return NULL;
    LLVMOrcDefinitionGeneratorRef process = NULL;
    if (!failed(LLVMOrcCreateDynamicLibrarySearchGeneratorForProcess(
                    &process, LLVMOrcLLJITGetGlobalPrefix(jit), NULL, NULL),
            "look into this process", diagnostics))
        LLVMOrcJITDylibAddGenerator(LLVMOrcLLJITGetMainJITDylib(jit), process);
    return jit;
}

/* ---- objects ---- */

typedef struct LoadedJit {
    LLVMOrcLLJITRef jit;
    JitMemory *memory;
} LoadedJit;

static void unload(void *handle) {
    LoadedJit *loaded = handle;
    if (loaded->jit)
        LLVMConsumeError(LLVMOrcDisposeLLJIT(loaded->jit));
    jit_memory_destroy(loaded->memory);
    free(loaded);
}

/* Loads what would go into the archive. */
static bool add_objects(
    LoadedJit *loaded, const Program *program, int64_t *code_bytes, Diagnostics *diagnostics) {
    ArchiveMember members[MOST_LIBRARY_MEMBERS];
    int count = library_members(NULL, program, members, diagnostics);
    size_t written = 0, spliced = 0; /* objects are longer than their sections */
    for (int i = 0; i < count; i++) {
        written += members[i].contents.length;
        spliced += members[i].splice.length;
    }
    if (count > 0) {
        loaded->memory = jit_memory_create(2 * written, written + spliced);
        loaded->jit = create_jit(loaded->memory, diagnostics);
    }
    bool good = loaded->jit != NULL;
    *code_bytes = 0;
    for (int i = 0; i < count; i++) {
        text_splice(&members[i].contents, &members[i].splice);
        good = good && add_object(loaded->jit, &members[i].contents, diagnostics);
        int64_t code = elf_instruction_bytes(&members[i].contents);
        *code_bytes = code < 0 ? -1 : *code_bytes + code;
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

LoadedModel *llvm_load(const Program *program, Diagnostics *diagnostics) {
    LLVMTargetMachineRef machine = target_machine_create(program->target, diagnostics);
    if (!machine) /* also initialises the target for ORC */
        return NULL;
    LLVMDisposeTargetMachine(machine);
    LoadedModel *model = calloc(1, sizeof *model);
    LoadedJit *loaded = calloc(1, sizeof *loaded);
    if (model == NULL || loaded == NULL)
        out_of_memory();
    void *run = NULL, *run_parallel = NULL;
    if (add_objects(loaded, program, &model->code_bytes, diagnostics)) {
        run = look_up(loaded->jit, program, "run", diagnostics);
        run_parallel = run ? look_up(loaded->jit, program, "run_parallel", diagnostics) : NULL;
    }
    if (!run || !run_parallel) {
        free(model);
        unload(loaded);
        return NULL;
    }
    model->handle = loaded;
    model->unload = unload;
    model->run = (RunFunction *)run;
    model->run_parallel = (RunParallelFunction *)run_parallel;
    return model;
}
