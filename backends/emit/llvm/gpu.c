/* Kernels for a GPU as PTX: each is an entry, NAME_cuda_kernel_N, that takes the pointers of a
 * step. Its blocks share out the items. */
#include "backends/emit/llvm/codegen.h"
#include "backends/program/program.h"
#include "backends/program/summary.h"
#include "ir/arena.h"
#include "ir/kernel.h"
#include <string.h>

enum { PTX_KERNEL_CONVENTION = 71 };

/* for (item = block; item < items; item += blocks) kernel(arguments, item, item + 1); */
static void emit_entry(Codegen *codegen, const Program *program, const Kernel *kernel) {
    LLVMBuilderRef builder = codegen->builder;
    LLVMTypeRef index = codegen->index, types[MAX_KERNEL_PARAMETERS];
    LLVMValueRef arguments[MAX_KERNEL_PARAMETERS + 2];
    unsigned count = (unsigned)kernel->parameter_count;
    LLVMValueRef body = codegen_kernel(codegen, kernel);
    for (unsigned i = 0; i < count; i++)
        types[i] = codegen->pointer;
    LLVMValueRef entry = LLVMAddFunction(codegen->module,
        arena_format(program->arena, "%s_cuda_%s", program->name, kernel->name),
        LLVMFunctionType(codegen->void_type, types, count, 0));
    LLVMSetFunctionCallConv(entry, PTX_KERNEL_CONVENTION);
    codegen_attribute(
        codegen, entry, "nvvm.maxntid", arena_format(program->arena, "%d", kernel->threads));
    LLVMBasicBlockRef start = LLVMAppendBasicBlockInContext(codegen->context, entry, "entry");
    LLVMBasicBlockRef loop = LLVMAppendBasicBlockInContext(codegen->context, entry, "loop");
    LLVMBasicBlockRef after = LLVMAppendBasicBlockInContext(codegen->context, entry, "after");
    LLVMPositionBuilderAtEnd(builder, start);
    LLVMValueRef items = LLVMConstInt(index, (unsigned long long)kernel->extent, 0);
    LLVMValueRef first = codegen_special_register(codegen, "llvm.nvvm.read.ptx.sreg.ctaid.x");
    LLVMValueRef blocks = codegen_special_register(codegen, "llvm.nvvm.read.ptx.sreg.nctaid.x");
    LLVMBuildCondBr(builder, LLVMBuildICmp(builder, LLVMIntULT, first, items, ""), loop, after);
    LLVMPositionBuilderAtEnd(builder, loop);
    LLVMValueRef item = LLVMBuildPhi(builder, index, "");
    for (unsigned i = 0; i < count; i++)
        arguments[i] = LLVMGetParam(entry, i);
    arguments[count] = item;
    arguments[count + 1] = LLVMBuildAdd(builder, item, LLVMConstInt(index, 1, 0), "");
    LLVMBuildCall2(builder, LLVMGlobalGetValueType(body), body, arguments, count + 2, "");
    codegen_barrier(codegen);
    LLVMValueRef next = LLVMBuildAdd(builder, item, blocks, "");
    LLVMAddIncoming(item, (LLVMValueRef[]){first, next}, (LLVMBasicBlockRef[]){start, loop}, 2);
    LLVMBuildCondBr(builder, LLVMBuildICmp(builder, LLVMIntULT, next, items, ""), loop, after);
    LLVMPositionBuilderAtEnd(builder, after);
    LLVMBuildRetVoid(builder);
}

LLVMModuleRef codegen_gpu_program(
    LLVMContextRef context, const Program *program, LLVMTargetMachineRef machine) {
    Codegen codegen;
    codegen_begin(&codegen, context, program->name, program->target, machine);
    for (int i = 0; i < program->kernel_count; i++)
        emit_entry(&codegen, program, program->kernels[i]);
    codegen_end(&codegen);
    return codegen.module;
}
