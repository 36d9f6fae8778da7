/* From LLVM module to IR text, assembly or object file. */
#include "backends/emit/emit.h"
#include "backends/emit/llvm/codegen.h"
#include "backends/emit/llvm/intrinsics.h"
#include "backends/emit/llvm/kernel.h"
#include "backends/program/levels.h"
#include "backends/program/program.h"
#include "backends/program/summary.h"
#include "backends/target/target.h"
#include "ir/diagnostics.h"
#include "ir/ending.h"
#include "ir/progress.h"
#include "ir/resting.h"
#include "ir/text.h"
#include <llvm-c/Analysis.h>
#include <llvm-c/Support.h>
#include <llvm-c/Target.h>
#include <llvm-c/Transforms/PassBuilder.h>
#include <llvm/Config/llvm-config.h>
#include <string.h>

/* What the kernels need: slots to registers, common subexpressions (addresses above all), and loop
 * invariants out of loops. They come unrolled and vectorised, so nothing else would help. */
static const char pass_pipeline[] =
    "function(mem2reg,early-cse<memssa>,instcombine<no-verify-fixpoint>,simplifycfg,"
    "loop-mssa(licm),early-cse<memssa>,loop(loop-rotate),instcombine<no-verify-fixpoint>,"
    "simplifycfg)";

bool llvm_is_built_in(void) {
    return true;
}

const char *llvm_version(void) {
    return LLVM_VERSION_STRING;
}

static void report_llvm(Diagnostics *diagnostics, const char *what, char *message) {
    diagnostics_error(
        diagnostics, NULL, "LLVM cannot %s: %s", what, message ? message : "no reason given");
    LLVMDisposeMessage(message);
}

#define INITIALISE(name)                                                                           \
    LLVMInitialize##name##TargetInfo();                                                            \
    LLVMInitialize##name##Target();                                                                \
    LLVMInitialize##name##TargetMC();                                                              \
    LLVMInitialize##name##AsmPrinter();                                                            \
    LLVMInitialize##name##AsmParser()

static void initialise_architecture(Architecture architecture) {
    switch (architecture) {
    case ARCHITECTURE_X86_64:
        INITIALISE(X86);
        break;
    case ARCHITECTURE_AARCH64:
        INITIALISE(AArch64);
        break;
    case ARCHITECTURE_ARM:
        INITIALISE(ARM);
        break;
    case ARCHITECTURE_WASM32:
        INITIALISE(WebAssembly);
        break;
    case ARCHITECTURE_NVPTX:
        LLVMInitializeNVPTXTargetInfo();
        LLVMInitializeNVPTXTarget();
        LLVMInitializeNVPTXTargetMC();
        LLVMInitializeNVPTXAsmPrinter();
        break;
    case ARCHITECTURE_ANY: /* C source only */
    case ARCHITECTURE_COUNT:
        break;
    }
}

/* Loop strength reduction takes half of the time that LLVM takes for AVX-512, in searching
 * addresses that address.c already gives such loops. With fewer registers it finds better ones: 1
 * to 3 % of the time of a network. It is an option of the process; the first setting stays, so who
 * makes code for several architectures gets it without for all or for none. */
static void set_strength_reduction(const Target *target) {
    const char *arguments[] = {
        "riffle", codegen_reduces_strength(target) ? "-disable-lsr=false" : "-disable-lsr=true"};
    LLVMParseCommandLineOptions(2, arguments, NULL);
}

LLVMTargetMachineRef target_machine_create(const Target *target, Diagnostics *diagnostics) {
    codegen_expect_endings();
    set_strength_reduction(target);
    initialise_architecture(target->architecture);
    LLVMTargetRef llvm_target;
    char *message = NULL;
    if (LLVMGetTargetFromTriple(target->triple, &llvm_target, &message)) {
        report_llvm(diagnostics, "make code for the target", message);
        return NULL;
    }
    /* WebAssembly knows no addresses; position-independent there means a module of a dynamic
     * linker. */
    LLVMRelocMode relocation = target->format == FORMAT_WASM ? LLVMRelocStatic : LLVMRelocPIC;
    return LLVMCreateTargetMachine(llvm_target, target->triple, target->cpu, target->features,
        LLVMCodeGenLevelDefault, relocation, LLVMCodeModelDefault);
}

bool optimise_module(LLVMModuleRef module, LLVMTargetMachineRef machine, Diagnostics *diagnostics) {
    LLVMPassBuilderOptionsRef options = LLVMCreatePassBuilderOptions();
    LLVMPassBuilderOptionsSetLoopUnrolling(options, 0);
    LLVMErrorRef error = LLVMRunPasses(module, pass_pipeline, machine, options);
    LLVMDisposePassBuilderOptions(options);
    if (!error)
        return true;
    char *message = LLVMGetErrorMessage(error);
    diagnostics_error(diagnostics, NULL, "LLVM cannot optimise the module: %s", message);
    LLVMDisposeErrorMessage(message);
    return false;
}

bool emit_module(LLVMModuleRef module, LLVMTargetMachineRef machine, EmitKind kind, Text *out,
    Diagnostics *diagnostics) {
    char *message = NULL;
    if (LLVMVerifyModule(module, LLVMReturnStatusAction, &message)) {
        report_llvm(diagnostics, "verify the module", message);
        return false;
    }
    LLVMDisposeMessage(message);
    if (kind == EMIT_LLVM_IR) {
        char *text = LLVMPrintModuleToString(module);
        text_append(out, text);
        LLVMDisposeMessage(text);
        return true;
    }
    LLVMMemoryBufferRef buffer = NULL;
    LLVMCodeGenFileType type = kind == EMIT_ASSEMBLY ? LLVMAssemblyFile : LLVMObjectFile;
    message = NULL;
    if (LLVMTargetMachineEmitToMemoryBuffer(machine, module, type, &message, &buffer)) {
        report_llvm(diagnostics, "emit the module", message);
        return false;
    }
    if (buffer == NULL)
        out_of_memory();
    text_append_bytes(out, LLVMGetBufferStart(buffer), LLVMGetBufferSize(buffer));
    LLVMDisposeMemoryBuffer(buffer);
    return true;
}

typedef LLVMModuleRef MakeModule(
    LLVMContextRef context, const Program *program, LLVMTargetMachineRef machine);

/* An object file: the program learns what stack the code needs. */
static bool emit_and_measure(LLVMContextRef context, LLVMModuleRef module,
    LLVMTargetMachineRef machine, const Program *program, EmitKind kind, Text *out,
    Diagnostics *diagnostics) {
    if (kind != EMIT_OBJECT)
        return emit_module(module, machine, kind, out, diagnostics);
    StackFrames frames;
    codegen_ask_frames(context, module, &frames);
    bool good = emit_module(module, machine, kind, out, diagnostics);
    if (good && !frames.good) {
        diagnostics_error(diagnostics, NULL, "LLVM does not tell the size of stack frames");
        good = false;
    }
    int64_t bytes = good ? codegen_stack_bytes(&frames) : 0;
    if (bytes > program->measured->stack_bytes)
        program->measured->stack_bytes = bytes;
    for (int i = 0; good && i < frames.count; i++)
        if (frames.rows[i].bytes > program->measured->frame_bytes)
            program->measured->frame_bytes = frames.rows[i].bytes;
    codegen_free_frames(&frames);
    return good;
}

static bool emit_for(const Target *target, const Program *program, MakeModule *make, EmitKind kind,
    Text *out, Diagnostics *diagnostics) {
    LLVMTargetMachineRef machine = target_machine_create(target, diagnostics);
    if (!machine)
        return false;
    LLVMContextRef context = LLVMContextCreate();
    LLVMModuleRef module = make(context, program, machine);
    LlvmWork work;
    llvm_work_begin(&work);
    bool good = optimise_module(module, machine, diagnostics) &&
                emit_and_measure(context, module, machine, program, kind, out, diagnostics);
    llvm_work_end(&work);
    LLVMDisposeModule(module);
    LLVMContextDispose(context);
    LLVMDisposeTargetMachine(machine);
    return good;
}

static bool has_code_for_kernels(const Program *program, Diagnostics *diagnostics) {
    for (int i = 0; i < program->kernel_count; i++) {
        const char *fault = llvm_kernel_fault(program->kernels[i], program->target);
        if (!fault)
            continue;
        diagnostics_error(diagnostics, NULL,
            "the LLVM backend has no code on '%s' for '%s', which %s needs", program->target->name,
            fault, program->kernels[i]->name);
        return false;
    }
    return true;
}

bool llvm_emit(const Program *program, EmitKind kind, Text *out, Diagnostics *diagnostics) {
    if (!has_code_for_kernels(program, diagnostics))
        return false;
    MakeModule *make = program->target->gpu ? codegen_gpu_program : codegen_program;
    int work = progress_begin("making machine code", 0);
    bool good = emit_for(program->target, program, make, kind, out, diagnostics);
    progress_end(work);
    return good;
}

bool llvm_emit_blank_weights(
    const Program *program, size_t length, Text *out, Diagnostics *diagnostics) {
    Program blank = *program;
    blank.weights = (RestingBytes){.length = length};
    return emit_for(program->target, &blank, codegen_weights, EMIT_OBJECT, out, diagnostics);
}

bool llvm_emit_dispatch(const Program *program, Text *out, Diagnostics *diagnostics) {
    const Target *target = target_levels_base(program->levels->target, program->arena, diagnostics);
    return emit_for(target, program, codegen_dispatch, EMIT_OBJECT, out, diagnostics);
}
