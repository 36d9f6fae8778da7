/* The public functions of a library with code for several processors.
 *
 * NAME_level asks an x86 by cpuid, and by xgetbv which registers the operating system keeps; of an
 * ARM it asks the system (dispatch_arm.c). Nothing is remembered between calls, since a library has
 * no writable data; who calls often keeps the answer and gives it to NAME_run_level. cpuid is asked
 * no more than needed: three times. */
#include "backends/emit/llvm/codegen.h"
#include "backends/program/levels.h"
#include "backends/program/program.h"
#include "backends/program/status.h"
#include "backends/program/summary.h"
#include "backends/target/levels.h"
#include <string.h>

enum { EAX, EBX, ECX, EDX };

static const uint32_t leaf_features = 1, leaf_structured = 7, leaf_extended = 0x80000001;

typedef struct Dispatch {
    Codegen codegen;
    const Program *program;
    LLVMValueRef ask; /* NAME_level */
} Dispatch;

/* For NAME_level of either architecture. */
static LLVMValueRef begin_level(Dispatch *d) {
    LLVMTypeRef type = LLVMFunctionType(d->codegen.i32, NULL, 0, 0);
    d->ask = codegen_public_function(&d->codegen, d->program, "level", type);
    LLVMPositionBuilderAtEnd(
        d->codegen.builder, LLVMAppendBasicBlockInContext(d->codegen.context, d->ask, "entry"));
    return d->ask;
}

static LLVMValueRef constant(const Dispatch *d, uint32_t number) {
    return LLVMConstInt(d->codegen.i32, number, 0);
}

static LLVMBasicBlockRef new_block(const Dispatch *d, LLVMValueRef function, const char *name) {
    return LLVMAppendBasicBlockInContext(d->codegen.context, function, name);
}

/* An instruction of no operand that LLVM could name: all it reads and writes is in registers. */
static LLVMValueRef call_assembly(const Dispatch *d, const char *text, const char *registers,
    int results, LLVMValueRef *operands, unsigned count) {
    LLVMTypeRef i32 = d->codegen.i32, types[4] = {i32, i32, i32, i32};
    LLVMTypeRef result = LLVMStructTypeInContext(d->codegen.context, types, (unsigned)results, 0);
    LLVMTypeRef type = LLVMFunctionType(result, types, count, 0);
    LLVMValueRef assembly = LLVMGetInlineAsm(
        type, text, strlen(text), registers, strlen(registers), 0, 0, LLVMInlineAsmDialectATT, 0);
    return LLVMBuildCall2(d->codegen.builder, type, assembly, operands, count, "");
}

static LLVMValueRef call_cpuid(const Dispatch *d, uint32_t leaf) {
    LLVMValueRef operands[2] = {constant(d, leaf), constant(d, 0)};
    return call_assembly(d, "cpuid",
        "={eax},={ebx},={ecx},={edx},{eax},{ecx},~{dirflag},~{fpsr},~{flags}", 4, operands, 2);
}

static LLVMValueRef call_xgetbv(const Dispatch *d) {
    LLVMValueRef operands[1] = {constant(d, 0)};
    return call_assembly(
        d, "xgetbv", "={eax},={edx},{ecx},~{dirflag},~{fpsr},~{flags}", 2, operands, 1);
}

/* Returns `level` from the function unless the register has all of the bits. */
static void require(const Dispatch *d, LLVMValueRef function, LLVMValueRef answer, unsigned index,
    uint32_t bits, int level) {
    if (bits == 0)
        return;
    LLVMBuilderRef builder = d->codegen.builder;
    LLVMBasicBlockRef lacks = new_block(d, function, "lacks"), has = new_block(d, function, "has");
    LLVMValueRef bits_of = LLVMBuildExtractValue(builder, answer, index, "");
    LLVMValueRef found = LLVMBuildAnd(builder, bits_of, constant(d, bits), "");
    LLVMBuildCondBr(
        builder, LLVMBuildICmp(builder, LLVMIntEQ, found, constant(d, bits), ""), has, lacks);
    LLVMPositionBuilderAtEnd(builder, lacks);
    LLVMBuildRet(builder, constant(d, (uint32_t)level));
    LLVMPositionBuilderAtEnd(builder, has);
}

/* int NAME_level(void): the number of the highest level whose bits are all there, 0 for none. */
static void emit_level(Dispatch *d) {
    const ProgramLevels *levels = d->program->levels;
    LLVMValueRef function = begin_level(d);
    LLVMValueRef features = call_cpuid(d, leaf_features);
    LLVMValueRef extended = call_cpuid(d, leaf_extended), structured = NULL, state = NULL;
    int level = 0;
    for (int i = 0; i < levels->count; i++) {
        const TargetLevel *wanted = levels->programs[i]->level;
        require(d, function, features, ECX, wanted->leaf_1, level);
        require(d, function, extended, ECX, wanted->leaf_80000001, level);
        /* Who has OSXSAVE, which comes with the first kept state, has these two. */
        if (wanted->kept_state != 0 && !state) {
            state = call_xgetbv(d);
            structured = call_cpuid(d, leaf_structured);
        }
        if (state)
            require(d, function, state, EAX, wanted->kept_state, level);
        if (structured)
            require(d, function, structured, EBX, wanted->leaf_7, level);
        level = wanted->number;
    }
    LLVMBuildRet(d->codegen.builder, constant(d, (uint32_t)level));
}

/* The same on ARM: the highest level for cores that work in order, or of the others. */
static void emit_core_level(Dispatch *d) {
    begin_level(d);
    LLVMBuildRet(d->codegen.builder, codegen_core_level(&d->codegen, d->ask, d->program->levels));
}

/* int NAME_run_level(level, ...): calls the function of that level with the rest of the arguments.
 */
static LLVMValueRef emit_run_level(
    Dispatch *d, const char *name, const char *with_level, unsigned count) {
    const ProgramLevels *levels = d->program->levels;
    LLVMBuilderRef builder = d->codegen.builder;
    LLVMTypeRef types[6] = {d->codegen.i32};
    LLVMValueRef arguments[6];
    for (unsigned i = 1; i <= count; i++)
        types[i] = d->codegen.pointer;
    LLVMTypeRef type = LLVMFunctionType(d->codegen.i32, types, count + 1, 0);
    LLVMTypeRef called = LLVMFunctionType(d->codegen.i32, types + 1, count, 0);
    LLVMValueRef function = codegen_public_function(&d->codegen, d->program, with_level, type);
    LLVMPositionBuilderAtEnd(builder, new_block(d, function, "entry"));
    for (unsigned i = 0; i <= count; i++)
        arguments[i] = LLVMGetParam(function, i);
    LLVMBasicBlockRef none = new_block(d, function, "none");
    LLVMValueRef choice = LLVMBuildSwitch(builder, arguments[0], none, (unsigned)levels->count);
    for (int i = 0; i < levels->count; i++) {
        const Program *program = levels->programs[i];
        LLVMBasicBlockRef block = new_block(d, function, program->level->word);
        LLVMAddCase(choice, constant(d, (uint32_t)program->level->number), block);
        LLVMPositionBuilderAtEnd(builder, block);
        LLVMValueRef callee =
            LLVMAddFunction(d->codegen.module, codegen_symbol(program, name), called);
        LLVMSetVisibility(callee, LLVMHiddenVisibility);
        LLVMValueRef result = LLVMBuildCall2(builder, called, callee, arguments + 1, count, "");
        LLVMSetTailCall(result, 1);
        LLVMBuildRet(builder, result);
    }
    LLVMPositionBuilderAtEnd(builder, none);
    LLVMBuildRet(builder, constant(d, STATUS_PROCESSOR));
    return function;
}

/* int NAME_run(...): the same with the level of this processor. */
static void emit_run(Dispatch *d, const char *name, const char *with_level, unsigned count) {
    LLVMBuilderRef builder = d->codegen.builder;
    LLVMValueRef run_level = emit_run_level(d, name, with_level, count), arguments[6];
    LLVMTypeRef types[5];
    for (unsigned i = 0; i < count; i++)
        types[i] = d->codegen.pointer;
    LLVMTypeRef type = LLVMFunctionType(d->codegen.i32, types, count, 0);
    LLVMValueRef function = codegen_public_function(&d->codegen, d->program, name, type);
    LLVMPositionBuilderAtEnd(builder, new_block(d, function, "entry"));
    arguments[0] = LLVMBuildCall2(builder, LLVMGlobalGetValueType(d->ask), d->ask, NULL, 0, "");
    for (unsigned i = 0; i < count; i++)
        arguments[i + 1] = LLVMGetParam(function, i);
    LLVMValueRef result = LLVMBuildCall2(
        builder, LLVMGlobalGetValueType(run_level), run_level, arguments, count + 1, "");
    LLVMSetTailCall(result, 1);
    LLVMBuildRet(builder, result);
}

LLVMModuleRef codegen_dispatch(
    LLVMContextRef context, const Program *program, LLVMTargetMachineRef machine) {
    Dispatch d = {.program = program};
    codegen_begin(&d.codegen, context, program->name, program->target, machine);
    if (program->target->architecture == ARCHITECTURE_AARCH64)
        emit_core_level(&d);
    else
        emit_level(&d);
    emit_run(&d, "run", "run_level", 3);
    emit_run(&d, "run_parallel", "run_parallel_level", 5);
    codegen_end(&d.codegen);
    return d.codegen.module;
}
