/* The context of the steps, and where they have their scratch: see backends/program/scratch.h. */
#include "backends/program/scratch.h"
#include "backends/emit/llvm/codegen.h"
#include "backends/program/program.h"
#include "backends/program/summary.h"
#include "ir/kernel.h"

LLVMTypeRef codegen_context_type(const Codegen *codegen) {
    LLVMTypeRef fields[CONTEXT_FIELDS];
    for (int i = 0; i < CONTEXT_POINTERS; i++)
        fields[i] = codegen->pointer;
    fields[CONTEXT_SLOT] = codegen->index;
    return LLVMStructTypeInContext(codegen->context, fields, CONTEXT_FIELDS, 0);
}

static LLVMValueRef field_address(const Codegen *codegen, LLVMValueRef context, unsigned field) {
    return LLVMBuildStructGEP2(codegen->builder, codegen_context_type(codegen), context, field, "");
}

LLVMValueRef codegen_context_field(const Codegen *codegen, LLVMValueRef context, unsigned field) {
    LLVMTypeRef type = field == CONTEXT_SLOT ? codegen->index : codegen->pointer;
    return LLVMBuildLoad2(codegen->builder, type, field_address(codegen, context, field), "");
}

void codegen_set_slot(const Codegen *codegen, LLVMValueRef context, LLVMValueRef slot) {
    LLVMBuildStore(codegen->builder, slot, field_address(codegen, context, CONTEXT_SLOT));
}

LLVMValueRef codegen_context_copy(const Codegen *codegen, LLVMValueRef context) {
    LLVMBasicBlockRef here = LLVMGetInsertBlock(codegen->builder);
    LLVMBasicBlockRef entry = LLVMGetEntryBasicBlock(LLVMGetBasicBlockParent(here));
    LLVMValueRef first = LLVMGetFirstInstruction(entry);
    if (first)
        LLVMPositionBuilderBefore(codegen->builder, first);
    LLVMValueRef copy = LLVMBuildAlloca(codegen->builder, codegen_context_type(codegen), "mine");
    LLVMPositionBuilderAtEnd(codegen->builder, here);
    for (unsigned field = 0; field < CONTEXT_FIELDS; field++)
        LLVMBuildStore(codegen->builder, codegen_context_field(codegen, context, field),
            field_address(codegen, copy, field));
    return copy;
}

static LLVMValueRef constant(const Codegen *codegen, int64_t value) {
    return LLVMConstInt(codegen->index, (unsigned long long)value, 0);
}

LLVMValueRef codegen_scratch(
    const Codegen *codegen, const Program *program, int step, int local, LLVMValueRef context) {
    const Kernel *kernel = program->kernels[program->steps[step].kernel];
    const Buffer *buffer = &program->buffers[program->steps[step].scratch];
    LLVMValueRef slot = codegen_context_field(codegen, context, CONTEXT_SLOT);
    LLVMValueRef before =
        LLVMBuildMul(codegen->builder, slot, constant(codegen, step_slot_bytes(program, step)), "");
    LLVMValueRef offset = LLVMBuildAdd(codegen->builder, before,
        constant(codegen, buffer->offset + kernel_scratch_offset(kernel, local)), "");
    LLVMValueRef workspace = codegen_context_field(codegen, context, CONTEXT_WORKSPACE);
    return LLVMBuildGEP2(codegen->builder, codegen->i8, workspace, &offset, 1, "");
}

/* ---- a loop over slots ---- */

/* The items before a part. */
static LLVMValueRef items_before(
    const Codegen *codegen, LLVMValueRef part, int64_t items, int parts) {
    LLVMValueRef all = LLVMBuildMul(codegen->builder, part, constant(codegen, items), "");
    return LLVMBuildUDiv(codegen->builder, all, constant(codegen, parts), "");
}

LLVMValueRef codegen_slots_task(
    Codegen *codegen, const Program *program, int step, LLVMValueRef function) {
    LLVMBuilderRef builder = codegen->builder;
    LLVMTypeRef type = LLVMGlobalGetValueType(function);
    int64_t items = program->kernels[program->steps[step].kernel]->extent;
    int slots = step_scratch_slots(program, step);
    LLVMValueRef task = LLVMAddFunction(codegen->module, "slots", type);
    LLVMSetLinkage(task, LLVMInternalLinkage);
    codegen_mark(codegen, task, LLVMAttributeFunctionIndex, "nounwind");
    LLVMBasicBlockRef entry = LLVMAppendBasicBlockInContext(codegen->context, task, "entry");
    LLVMBasicBlockRef look = LLVMAppendBasicBlockInContext(codegen->context, task, "look");
    LLVMBasicBlockRef part = LLVMAppendBasicBlockInContext(codegen->context, task, "part");
    LLVMBasicBlockRef done = LLVMAppendBasicBlockInContext(codegen->context, task, "done");
    LLVMValueRef begin = LLVMGetParam(task, 1);
    LLVMPositionBuilderAtEnd(builder, entry);
    LLVMValueRef mine = codegen_context_copy(codegen, LLVMGetParam(task, 0));
    LLVMBuildBr(builder, look);
    LLVMPositionBuilderAtEnd(builder, look);
    LLVMValueRef slot = LLVMBuildPhi(builder, codegen->index, "slot");
    LLVMValueRef more = LLVMBuildICmp(builder, LLVMIntULT, slot, LLVMGetParam(task, 2), "");
    LLVMBuildCondBr(builder, more, part, done);
    LLVMPositionBuilderAtEnd(builder, part);
    LLVMValueRef next = LLVMBuildAdd(builder, slot, constant(codegen, 1), "");
    codegen_set_slot(codegen, mine, slot);
    LLVMValueRef arguments[] = {
        mine, items_before(codegen, slot, items, slots), items_before(codegen, next, items, slots)};
    LLVMBuildCall2(builder, type, function, arguments, 3, "");
    LLVMBuildBr(builder, look);
    LLVMAddIncoming(slot, (LLVMValueRef[]){begin, next}, (LLVMBasicBlockRef[]){entry, part}, 2);
    LLVMPositionBuilderAtEnd(builder, done);
    LLVMBuildRetVoid(builder);
    return task;
}
