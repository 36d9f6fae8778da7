/* Prints one kernel as an LLVM function. Registers and loop variables become stack slots, which
 * LLVM promotes to values at once; everything else is one instruction for one. */
#include "backends/emit/llvm/kernel.h"
#include "backends/emit/llvm/codegen.h"
#include "ir/arena.h"
#include "ir/kernel.h"
#include <string.h>

static void emit_block(KernelCodegen *k, const Block *block);

static LLVMBasicBlockRef new_block(KernelCodegen *k, const char *name) {
    return LLVMAppendBasicBlockInContext(k->codegen->context, k->function, name);
}

/* Our loops are unrolled as far as they should be. */
static void forbid_unrolling(KernelCodegen *k, LLVMValueRef branch) {
    LLVMContextRef context = k->codegen->context;
    const char *text = "llvm.loop.unroll.disable";
    LLVMMetadataRef name = LLVMMDStringInContext2(context, text, strlen(text));
    LLVMMetadataRef disable = LLVMMDNodeInContext2(context, &name, 1);
    /* A loop id is a distinct node that starts with itself. */
    LLVMMetadataRef placeholder = LLVMMDNodeInContext2(context, NULL, 0);
    LLVMMetadataRef operands[2] = {placeholder, disable};
    LLVMMetadataRef id = LLVMMDNodeInContext2(context, operands, 2);
    LLVMValueRef value = LLVMMetadataAsValue(context, id);
    LLVMReplaceMDNodeOperandWith(value, 0, id);
    LLVMSetMetadata(branch, LLVMGetMDKindIDInContext(context, "llvm.loop", 9), value);
}

static bool hits_end(const Statement *statement) {
    int64_t begin, end;
    return expression_is_constant(statement->begin, &begin) &&
           expression_is_constant(statement->end, &end) && begin < end &&
           (end - begin) % statement->step == 0;
}

static void emit_for(KernelCodegen *k, const Statement *statement) {
    LLVMBuilderRef builder = k->builder;
    LLVMTypeRef index = k->codegen->index;
    LLVMValueRef slot = k->variables[statement->variable];
    LLVMValueRef begin = codegen_expression(k, statement->begin);
    LLVMValueRef end = codegen_expression(k, statement->end);
    LLVMBasicBlockRef body = new_block(k, "loop"), after = new_block(k, "after");
    InnerLoop inner = {.statement = statement, .before = LLVMGetInsertBlock(builder)};
    LLVMBuildStore(builder, begin, slot);
    LLVMBuildCondBr(builder, LLVMBuildICmp(builder, LLVMIntSLT, begin, end, ""), body, after);
    LLVMPositionBuilderAtEnd(builder, body);
    const LoopSchedule *schedule = loop_schedule_find(k->codegen->loops, statement);
    if (schedule) {
        codegen_scheduled_loop(k, schedule, begin, end);
        LLVMBuildBr(builder, after);
        LLVMPositionBuilderAtEnd(builder, after);
        return;
    }
    LLVMValueRef outside[MAX_KERNEL_PARAMETERS];
    memcpy(outside, k->parameters, sizeof outside);
    codegen_enter_loop(k, &inner);
    emit_block(k, &statement->body);
    memcpy(k->parameters, outside, sizeof outside);
    codegen_leave_loop(k, &inner);
    LLVMValueRef next = LLVMBuildNSWAdd(builder, LLVMBuildLoad2(builder, index, slot, ""),
        codegen_index(k->codegen, statement->step), "");
    LLVMBuildStore(builder, next, slot);
    /* Where the end is hit exactly, LLVM may count down to zero, which needs no comparison. */
    LLVMIntPredicate more = hits_end(statement) ? LLVMIntNE : LLVMIntSLT;
    LLVMValueRef branch =
        LLVMBuildCondBr(builder, LLVMBuildICmp(builder, more, next, end, ""), body, after);
    forbid_unrolling(k, branch);
    LLVMPositionBuilderAtEnd(builder, after);
}

static void emit_if(KernelCodegen *k, const Statement *statement) {
    LLVMValueRef a = codegen_expression(k, statement->begin),
                 b = codegen_expression(k, statement->end);
    LLVMBasicBlockRef body = new_block(k, "then"), after = new_block(k, "endif");
    LLVMBuildCondBr(k->builder, LLVMBuildICmp(k->builder, LLVMIntSLT, a, b, ""), body, after);
    LLVMPositionBuilderAtEnd(k->builder, body);
    emit_block(k, &statement->body);
    LLVMBuildBr(k->builder, after);
    LLVMPositionBuilderAtEnd(k->builder, after);
}

static void emit_block(KernelCodegen *k, const Block *block) {
    for (const Statement *statement = block->first; statement; statement = statement->next)
        switch (statement->kind) {
        case STATEMENT_INSTRUCTION:
            codegen_instruction(k, &statement->instruction);
            break;
        case STATEMENT_FOR:
            emit_for(k, statement);
            break;
        case STATEMENT_IF:
            emit_if(k, statement);
            break;
        case STATEMENT_LET:
            LLVMBuildStore(k->builder, codegen_expression(k, statement->begin),
                k->variables[statement->variable]);
            break;
        }
}

static LLVMValueRef declare_kernel(Codegen *codegen, const Kernel *kernel) {
    LLVMTypeRef types[MAX_KERNEL_PARAMETERS + MAX_KERNEL_LOCALS + 2];
    unsigned parameters = (unsigned)kernel->parameter_count, count = parameters;
    for (int i = 0; i < kernel->local_count; i++)
        count += kernel->local_is_scratch[i];
    for (unsigned i = 0; i < count; i++)
        types[i] = codegen->pointer;
    types[count] = types[count + 1] = codegen->index;
    LLVMTypeRef type = LLVMFunctionType(codegen->void_type, types, count + 2, 0);
    LLVMValueRef function = LLVMAddFunction(codegen->module, kernel->name, type);
    LLVMSetLinkage(function, LLVMInternalLinkage);
    codegen_mark(codegen, function, LLVMAttributeFunctionIndex, "noinline");
    codegen_mark(codegen, function, LLVMAttributeFunctionIndex, "nounwind");
    for (unsigned i = 0; i < count; i++) {
        /* No parameter reads what another writes, and runs of one buffer never overlap. */
        ParameterRole role = i < parameters ? kernel->parameters[i].role : PARAMETER_UPDATE;
        codegen_mark(codegen, function, (int)i + 1, "noalias");
        if (role != PARAMETER_UPDATE)
            codegen_mark(
                codegen, function, (int)i + 1, role == PARAMETER_WRITE ? "writeonly" : "readonly");
    }
    return function;
}

LLVMValueRef codegen_kernel(Codegen *codegen, const Kernel *kernel) {
    KernelCodegen k = {.codegen = codegen, .kernel = kernel, .builder = codegen->builder};
    k.function = declare_kernel(codegen, kernel);
    LLVMPositionBuilderAtEnd(k.builder, new_block(&k, "entry"));
    k.registers = ARENA_ARRAY(kernel->arena, LLVMValueRef, kernel->register_count + 1);
    k.variables = ARENA_ARRAY(kernel->arena, LLVMValueRef, kernel->variable_count);
    for (int i = 0; i < kernel->parameter_count; i++)
        k.parameters[i] = LLVMGetParam(k.function, (unsigned)i);
    unsigned next = (unsigned)kernel->parameter_count;
    for (int i = 0; i < kernel->local_count; i++)
        if (kernel->local_is_scratch[i])
            k.locals[i] = LLVMGetParam(k.function, next++);
    k.variables[VARIABLE_BEGIN] = LLVMGetParam(k.function, next);
    k.variables[VARIABLE_END] = LLVMGetParam(k.function, next + 1);
    for (int i = 2; i < kernel->variable_count; i++)
        k.variables[i] = LLVMBuildAlloca(k.builder, codegen->index, "");
    for (int i = 0; i < kernel->register_count; i++)
        k.registers[i] = LLVMBuildAlloca(k.builder, codegen_register_type(&k, i), "");
    if (kernel->threads > 0)
        LLVMBuildStore(k.builder, codegen_thread(codegen), k.variables[kernel->thread_variable]);
    for (int i = 0; i < kernel->local_count; i++) {
        if (kernel->threads > 0) {
            k.locals[i] = codegen_shared(codegen, kernel->local_floats[i]);
            continue;
        }
        if (kernel->local_is_scratch[i])
            continue;
        LLVMTypeRef type =
            LLVMArrayType2(codegen->float_type, (unsigned long long)kernel->local_floats[i]);
        k.locals[i] = LLVMBuildAlloca(k.builder, type, "");
        LLVMSetAlignment(k.locals[i], 64);
    }
    emit_block(&k, &kernel->body);
    LLVMBuildRetVoid(k.builder);
    return k.function;
}
