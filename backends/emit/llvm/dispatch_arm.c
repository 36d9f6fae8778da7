/* Which kind of core this is, on 64-bit ARM: what the system says that all cores have, and the
 * register that names this one, which can be read where the system says that it answers for it.
 * Threads wander between cores of both kinds, so it is asked each time.
 *
 * What the system says is asked of getauxval, where the program has one: a weak symbol, and the one
 * that a library needs besides those of any C environment (docs/abi.md). */
#include "backends/emit/llvm/codegen.h"
#include "backends/program/levels.h"
#include "backends/program/program.h"
#include "backends/target/core.h"
#include "backends/target/levels.h"
#include <string.h>

static LLVMBasicBlockRef add_block(
    const Codegen *codegen, LLVMValueRef function, const char *name) {
    return LLVMAppendBasicBlockInContext(codegen->context, function, name);
}

static LLVMValueRef number(const Codegen *codegen, uint64_t value) {
    return LLVMConstInt(codegen->index, value, 0);
}

/* Goes on in a new block where the condition holds, and elsewhere to `other`. */
static void go_on_if(const Codegen *codegen, LLVMValueRef function, LLVMValueRef condition,
    LLVMBasicBlockRef other) {
    LLVMBasicBlockRef next = add_block(codegen, function, "next");
    LLVMBuildCondBr(codegen->builder, condition, next, other);
    LLVMPositionBuilderAtEnd(codegen->builder, next);
}

static LLVMValueRef read_main_id(const Codegen *codegen) {
    static const char text[] = "mrs $0, MIDR_EL1", registers[] = "=r";
    LLVMTypeRef type = LLVMFunctionType(codegen->index, NULL, 0, 0);
    LLVMValueRef assembly = LLVMGetInlineAsm(
        type, text, strlen(text), registers, strlen(registers), 1, 0, LLVMInlineAsmDialectATT, 0);
    return LLVMBuildCall2(codegen->builder, type, assembly, NULL, 0, "");
}

/* Of ARM's own cores; others' work out of order. */
static LLVMValueRef is_of_table(const Codegen *codegen, LLVMValueRef main_id) {
    enum { ARM_LIMITED = 0x41, REVISION_BITS = 4, VARIANT = 0xf00000, ARCHITECTURE = 0xf0000 };
    LLVMBuilderRef builder = codegen->builder;
    LLVMValueRef kept = LLVMBuildAnd(builder, main_id,
        number(codegen, 0xffffffff & ~(uint64_t)(VARIANT | ARCHITECTURE | 15)), "");
    LLVMValueRef found = LLVMConstInt(LLVMInt1TypeInContext(codegen->context), 0, 0);
    int count;
    const Core *cores = core_table(&count);
    for (int i = 0; i < count; i++)
        for (int j = 0; j < MOST_CORE_NAMES && cores[i].parts[j] != 0; j++) {
            uint64_t id = (uint64_t)ARM_LIMITED << 24 | (uint64_t)cores[i].parts[j]
                                                            << REVISION_BITS;
            LLVMValueRef equal = LLVMBuildICmp(builder, LLVMIntEQ, kept, number(codegen, id), "");
            found = LLVMBuildOr(builder, found, equal, "");
        }
    return found;
}

/* What is known of a core: two words of the system's, and whether it works in order. */
typedef struct Answers {
    LLVMValueRef hwcap, hwcap2, in_order;
} Answers;

static LLVMValueRef ask_system(const Codegen *codegen, LLVMValueRef getauxval, uint64_t what) {
    LLVMTypeRef type = LLVMGlobalGetValueType(getauxval);
    return LLVMBuildCall2(
        codegen->builder, type, getauxval, (LLVMValueRef[]){number(codegen, what)}, 1, "");
}

static LLVMValueRef has_all(const Codegen *codegen, LLVMValueRef word, uint64_t bits) {
    LLVMValueRef found = LLVMBuildAnd(codegen->builder, word, number(codegen, bits), "");
    return LLVMBuildICmp(codegen->builder, LLVMIntEQ, found, number(codegen, bits), "");
}

/* One answer of several blocks, which go on to this one. */
static LLVMValueRef join(const Codegen *codegen, LLVMValueRef *answers, LLVMBasicBlockRef *blocks) {
    enum { BLOCKS = 3 };
    LLVMValueRef joined = LLVMBuildPhi(codegen->builder, LLVMTypeOf(answers[0]), "");
    LLVMAddIncoming(joined, answers, blocks, BLOCKS);
    return joined;
}

/* Without getauxval nothing is known, and where the register does not answer, not the core. */
static Answers ask(const Codegen *codegen, LLVMValueRef function) {
    enum { AT_HWCAP = 16, AT_HWCAP2 = 26, HWCAP_CPUID = 1 << 11 };
    LLVMBuilderRef builder = codegen->builder;
    LLVMTypeRef type = LLVMFunctionType(codegen->index, (LLVMTypeRef[]){codegen->index}, 1, 0);
    LLVMValueRef getauxval = LLVMAddFunction(codegen->module, "getauxval", type);
    LLVMSetLinkage(getauxval, LLVMExternalWeakLinkage);
    LLVMValueRef no = LLVMConstInt(LLVMInt1TypeInContext(codegen->context), 0, 0);
    LLVMValueRef nothing = number(codegen, 0);
    LLVMBasicBlockRef known = add_block(codegen, function, "known"), blocks[3];
    blocks[0] = LLVMGetInsertBlock(builder);
    go_on_if(codegen, function, LLVMBuildIsNotNull(builder, getauxval, ""), known);
    LLVMValueRef hwcap = ask_system(codegen, getauxval, AT_HWCAP);
    LLVMValueRef hwcap2 = ask_system(codegen, getauxval, AT_HWCAP2);
    blocks[1] = LLVMGetInsertBlock(builder);
    go_on_if(codegen, function, has_all(codegen, hwcap, HWCAP_CPUID), known);
    LLVMValueRef in_order = is_of_table(codegen, read_main_id(codegen));
    blocks[2] = LLVMGetInsertBlock(builder);
    LLVMBuildBr(builder, known);
    LLVMPositionBuilderAtEnd(builder, known);
    Answers answers;
    answers.hwcap = join(codegen, (LLVMValueRef[]){nothing, hwcap, hwcap}, blocks);
    answers.hwcap2 = join(codegen, (LLVMValueRef[]){nothing, hwcap2, hwcap2}, blocks);
    answers.in_order = join(codegen, (LLVMValueRef[]){no, no, in_order}, blocks);
    return answers;
}

static LLVMValueRef suits(const Codegen *codegen, const Answers *answers, const TargetLevel *level,
    const ProgramLevels *levels) {
    LLVMBuilderRef builder = codegen->builder;
    uint64_t bits = level->hwcap | (levels->bytes ? level->byte_hwcap : 0);
    LLVMValueRef order =
        level->in_order ? answers->in_order : LLVMBuildNot(builder, answers->in_order, "");
    LLVMValueRef has = LLVMBuildAnd(builder, has_all(codegen, answers->hwcap, bits),
        has_all(codegen, answers->hwcap2, level->hwcap2), "");
    return LLVMBuildAnd(builder, order, has, "");
}

LLVMValueRef codegen_core_level(
    const Codegen *codegen, LLVMValueRef function, const ProgramLevels *levels) {
    Answers answers = ask(codegen, function);
    LLVMValueRef found = LLVMConstInt(codegen->i32, 0, 0);
    for (int i = 0; i < levels->count; i++) {
        const TargetLevel *level = levels->programs[i]->level;
        LLVMValueRef this = LLVMConstInt(codegen->i32, (unsigned)level->number, 0);
        found = LLVMBuildSelect(
            codegen->builder, suits(codegen, &answers, level, levels), this, found, "");
    }
    return found;
}
