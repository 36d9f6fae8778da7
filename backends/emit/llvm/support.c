/* The support code as an object of its own: its LLVM IR, which riffle has had since it was built,
 * for the target, with the constants of the network's inputs. It is optimised as clang does, with
 * vectors; kernels come with theirs. */
#include "backends/program/support.h"
#include "backends/emit/emit.h"
#include "backends/emit/llvm/codegen.h"
#include "backends/program/levels.h"
#include "backends/program/program.h"
#include "backends/target/levels.h"
#include "backends/target/target.h"
#include "ir/arena.h"
#include "ir/diagnostics.h"
#ifdef RIFFLE_HAS_SUPPORT_CODE
#include "backends/emit/llvm/support_code.h"
#else
static const unsigned char support_code_64[1], support_code_32[1];
#endif
#include <llvm-c/BitReader.h>
#include <llvm-c/Transforms/PassBuilder.h>
#include <string.h>

static LLVMModuleRef read_code(LLVMContextRef context, const Target *target) {
    bool wide = architecture_pointer_bytes(target->architecture) == 8;
    const unsigned char *code = wide ? support_code_64 : support_code_32;
    size_t length = wide ? sizeof support_code_64 : sizeof support_code_32;
    LLVMMemoryBufferRef buffer =
        LLVMCreateMemoryBufferWithMemoryRangeCopy((const char *)code, length, "support");
    LLVMModuleRef module = NULL;
    LLVMBool failed = LLVMParseBitcodeInContext2(context, buffer, &module);
    LLVMDisposeMemoryBuffer(buffer);
    return failed ? NULL : module;
}

/* Of the target, whatever clang made it for; seen by nobody outside. */
static void adopt_functions(const Codegen *codegen) {
    static const char *const of_clang[] = {"target-cpu", "target-features", "tune-cpu"};
    const Target *target = codegen->target;
    for (LLVMValueRef function = LLVMGetFirstFunction(codegen->module); function;
        function = LLVMGetNextFunction(function)) {
        if (LLVMIsDeclaration(function))
            continue;
        LLVMSetLinkage(function, LLVMInternalLinkage);
        for (size_t i = 0; i < sizeof of_clang / sizeof *of_clang; i++)
            LLVMRemoveStringAttributeAtIndex(function,
                (LLVMAttributeIndex)LLVMAttributeFunctionIndex, of_clang[i],
                (unsigned)strlen(of_clang[i]));
        codegen_attribute(codegen, function, "target-cpu", target->cpu);
        if (target->features[0])
            codegen_attribute(codegen, function, "target-features", target->features);
    }
}

static LLVMValueRef add_constant(const Codegen *codegen, LLVMValueRef array, const char *name) {
    LLVMValueRef global = LLVMAddGlobal(codegen->module, LLVMTypeOf(array), name);
    LLVMSetInitializer(global, array);
    LLVMSetGlobalConstant(global, 1);
    LLVMSetLinkage(global, LLVMInternalLinkage);
    return global;
}

static LLVMValueRef add_constants(
    const Codegen *codegen, LLVMTypeRef type, LLVMValueRef *values, int count, const char *name) {
    return add_constant(codegen, LLVMConstArray2(type, values, (uint64_t)count), name);
}

static LLVMValueRef add_numbers(
    const Codegen *codegen, const SupportConstants *constants, Arena *arena) {
    LLVMValueRef *values = ARENA_ARRAY(arena, LLVMValueRef, constants->number_count);
    for (int i = 0; i < constants->number_count; i++)
        values[i] =
            LLVMConstInt(codegen->i32, (unsigned long long)(long long)constants->numbers[i], 1);
    return add_constants(codegen, codegen->i32, values, constants->number_count, "numbers");
}

/* The values, or the text. */
static LLVMValueRef add_values(
    const Codegen *codegen, const SupportConstants *constants, Arena *arena) {
    if (constants->text)
        return add_constant(codegen,
            LLVMConstStringInContext2(
                codegen->context, constants->text, (size_t)constants->text_length, 1),
            "text");
    LLVMValueRef *values = ARENA_ARRAY(arena, LLVMValueRef, constants->value_count);
    for (int i = 0; i < constants->value_count; i++)
        values[i] = LLVMConstReal(codegen->float_type, (double)constants->values[i]);
    return add_constants(codegen, codegen->float_type, values, constants->value_count, "values");
}

/* NAME_word: a call of the function that does it, with the constants behind the arguments. */
static void add_function(const Codegen *codegen, const SupportFunction *function,
    LLVMValueRef numbers, LLVMValueRef values, Arena *arena) {
    LLVMValueRef callee = LLVMGetNamedFunction(
        codegen->module, arena_format(arena, "riffle_support_%s", function->implementation));
    LLVMTypeRef type = LLVMGlobalGetValueType(callee);
    unsigned count = LLVMCountParamTypes(type) - 2;
    LLVMTypeRef *types = ARENA_ARRAY(arena, LLVMTypeRef, count + 2);
    LLVMValueRef *arguments = ARENA_ARRAY(arena, LLVMValueRef, count + 2);
    LLVMGetParamTypes(type, types);
    LLVMValueRef caller = LLVMAddFunction(codegen->module,
        arena_format(arena, "%s_%s", function->network, function->word),
        LLVMFunctionType(LLVMGetReturnType(type), types, count, 0));
    for (unsigned i = 0; i < count; i++)
        arguments[i] = LLVMGetParam(caller, i);
    arguments[count] = numbers;
    arguments[count + 1] = values;
    LLVMPositionBuilderAtEnd(
        codegen->builder, LLVMAppendBasicBlockInContext(codegen->context, caller, "entry"));
    LLVMBuildRet(
        codegen->builder, LLVMBuildCall2(codegen->builder, type, callee, arguments, count + 2, ""));
    codegen_mark(codegen, caller, LLVMAttributeFunctionIndex, "nounwind");
    codegen_attribute(codegen, caller, "target-cpu", codegen->target->cpu);
    if (codegen->target->features[0])
        codegen_attribute(codegen, caller, "target-features", codegen->target->features);
}

static void add_functions(const Codegen *codegen, const SupportFunctions *functions, Arena *arena) {
    LLVMValueRef numbers = NULL, values = NULL;
    int constants = -1;
    adopt_functions(codegen);
    for (int i = 0; i < functions->count; i++) {
        const SupportFunction *function = &functions->items[i];
        if (function->constants != constants) {
            constants = function->constants;
            numbers = add_numbers(codegen, &functions->constants[constants], arena);
            values = add_values(codegen, &functions->constants[constants], arena);
        }
        add_function(codegen, function, numbers, values, arena);
    }
}

static bool optimise(LLVMModuleRef module, LLVMTargetMachineRef machine, Diagnostics *diagnostics) {
    LLVMPassBuilderOptionsRef options = LLVMCreatePassBuilderOptions();
    LLVMPassBuilderOptionsSetLoopVectorization(options, 1);
    LLVMPassBuilderOptionsSetSLPVectorization(options, 1);
    LLVMPassBuilderOptionsSetLoopInterleaving(options, 1);
    LLVMErrorRef error = LLVMRunPasses(module, "default<O2>", machine, options);
    LLVMDisposePassBuilderOptions(options);
    if (!error)
        return true;
    char *message = LLVMGetErrorMessage(error);
    diagnostics_error(diagnostics, NULL, "LLVM cannot optimise the support code: %s", message);
    LLVMDisposeErrorMessage(message);
    return false;
}

static bool emit(Codegen *codegen, LLVMTargetMachineRef machine, const Program *program,
    const SupportFunctions *functions, Text *out, Diagnostics *diagnostics) {
    codegen->module = read_code(codegen->context, codegen->target);
    if (!codegen->module) {
        diagnostics_error(diagnostics, NULL, "LLVM cannot read the support code");
        return false;
    }
    LLVMSetModuleIdentifier(codegen->module, program->name, strlen(program->name));
    LLVMSetSourceFileName(codegen->module, program->name, strlen(program->name));
    LLVMSetTarget(codegen->module, codegen->target->triple);
    LLVMTargetDataRef layout = LLVMCreateTargetDataLayout(machine);
    LLVMSetModuleDataLayout(codegen->module, layout);
    LLVMDisposeTargetData(layout);
    Arena *arena = arena_create();
    add_functions(codegen, functions, arena);
    arena_destroy(arena);
    LlvmWork work;
    llvm_work_begin(&work);
    bool good = optimise(codegen->module, machine, diagnostics) &&
                emit_module(codegen->module, machine, EMIT_OBJECT, out, diagnostics);
    llvm_work_end(&work);
    LLVMDisposeModule(codegen->module);
    return good;
}

bool llvm_emit_support(const Program *program, const SupportFunctions *functions, Text *out,
    Diagnostics *diagnostics) {
    const Target *target =
        program->levels ? target_levels_base(program->levels->target, program->arena, diagnostics)
                        : program->target;
    LLVMTargetMachineRef machine = target_machine_create(target, diagnostics);
    if (!machine)
        return false;
    /* codegen_begin makes a module; here clang did. */
    Codegen codegen;
    LLVMContextRef context = LLVMContextCreate();
    codegen_begin(&codegen, context, program->name, target, machine);
    LLVMDisposeModule(codegen.module);
    bool good = emit(&codegen, machine, program, functions, out, diagnostics);
    codegen_end(&codegen);
    LLVMContextDispose(context);
    LLVMDisposeTargetMachine(machine);
    return good;
}
