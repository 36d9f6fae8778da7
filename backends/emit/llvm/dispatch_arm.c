/* Which kind of core this is, on 64-bit ARM: the register that names it can be read where the
 * system says that it answers for it. Threads wander between cores of both kinds, so it is asked
 * each time.
 *
 * What the system says is asked of getauxval, where the program has one: a weak symbol, and the one
 * that a library needs besides those of any C environment (docs/abi.md). */
#include "backends/emit/llvm/codegen.h"
#include "backends/target/core.h"
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

LLVMValueRef codegen_core_is_in_order(const Codegen *codegen, LLVMValueRef function) {
    enum { AT_HWCAP = 16, HWCAP_CPUID = 1 << 11 };
    LLVMBuilderRef builder = codegen->builder;
    LLVMTypeRef type = LLVMFunctionType(codegen->index, (LLVMTypeRef[]){codegen->index}, 1, 0);
    LLVMValueRef getauxval = LLVMAddFunction(codegen->module, "getauxval", type);
    LLVMSetLinkage(getauxval, LLVMExternalWeakLinkage);
    LLVMTypeRef truth = LLVMInt1TypeInContext(codegen->context);
    LLVMBasicBlockRef unknown = add_block(codegen, function, "unknown"),
                      known = add_block(codegen, function, "known");
    go_on_if(codegen, function, LLVMBuildIsNotNull(builder, getauxval, ""), unknown);
    LLVMValueRef asked[] = {number(codegen, AT_HWCAP)};
    LLVMValueRef bits = LLVMBuildCall2(builder, type, getauxval, asked, 1, "");
    bits = LLVMBuildAnd(builder, bits, number(codegen, HWCAP_CPUID), "");
    go_on_if(codegen, function, LLVMBuildICmp(builder, LLVMIntNE, bits, number(codegen, 0), ""),
        unknown);
    LLVMValueRef found = is_of_table(codegen, read_main_id(codegen));
    LLVMBasicBlockRef last = LLVMGetInsertBlock(builder);
    LLVMBuildBr(builder, known);
    LLVMPositionBuilderAtEnd(builder, unknown);
    LLVMBuildBr(builder, known);
    LLVMPositionBuilderAtEnd(builder, known);
    LLVMValueRef answer = LLVMBuildPhi(builder, truth, "");
    LLVMAddIncoming(answer, (LLVMValueRef[]){found, LLVMConstInt(truth, 0, 0)},
        (LLVMBasicBlockRef[]){last, unknown}, 2);
    return answer;
}
