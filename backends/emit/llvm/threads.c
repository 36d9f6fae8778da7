/* Threads of a GPU: their index, their barrier, and the memory that a block of them shares. */
#include "backends/emit/llvm/codegen.h"
#include <string.h>

enum { SHARED_ADDRESS_SPACE = 3, SHARED_ALIGNMENT = 16 };

LLVMValueRef codegen_special_register(Codegen *codegen, const char *name) {
    LLVMValueRef value = codegen_intrinsic(codegen, name, NULL, NULL, 0);
    return LLVMBuildZExt(codegen->builder, value, codegen->index, "");
}

LLVMValueRef codegen_thread(Codegen *codegen) {
    return codegen_special_register(codegen, "llvm.nvvm.read.ptx.sreg.tid.x");
}

/* LLVM 20 renamed it, and gave it the number of the barrier. */
void codegen_barrier(Codegen *codegen) {
    static const char current[] = "llvm.nvvm.barrier.cta.sync.aligned.all";
    LLVMValueRef number = LLVMConstInt(codegen->i32, 0, 0);
    if (LLVMLookupIntrinsicID(current, strlen(current)) != 0)
        codegen_intrinsic(codegen, current, NULL, &number, 1);
    else
        codegen_intrinsic(codegen, "llvm.nvvm.barrier0", NULL, NULL, 0);
}

LLVMValueRef codegen_shared(Codegen *codegen, int64_t floats) {
    LLVMTypeRef type = LLVMArrayType2(codegen->float_type, (unsigned long long)floats);
    LLVMValueRef shared =
        LLVMAddGlobalInAddressSpace(codegen->module, type, "shared", SHARED_ADDRESS_SPACE);
    LLVMSetLinkage(shared, LLVMInternalLinkage);
    LLVMSetInitializer(shared, LLVMGetUndef(type));
    LLVMSetAlignment(shared, SHARED_ALIGNMENT);
    return LLVMConstAddrSpaceCast(shared, codegen->pointer);
}
