/* Integers and addresses of a kernel as LLVM instructions. */
#include "backends/emit/llvm/codegen.h"
#include "backends/emit/llvm/kernel.h"
#include "ir/kernel.h"
#include <assert.h>

LLVMValueRef codegen_index(const Codegen *codegen, int64_t value) {
    return LLVMConstInt(codegen->index, (unsigned long long)value, 1);
}

/* ---- integers ---- */

static LLVMValueRef emit_element(KernelCodegen *k, const Expression *expression) {
    LLVMValueRef index = codegen_expression(k, expression->left);
    LLVMValueRef table = LLVMGetParam(k->function, (unsigned)expression->variable);
    LLVMValueRef address = LLVMBuildGEP2(k->builder, k->codegen->i32, table, &index, 1, "");
    LLVMValueRef element = LLVMBuildLoad2(k->builder, k->codegen->i32, address, "");
    return LLVMBuildIntCast2(k->builder, element, k->codegen->index, 1, "");
}

LLVMValueRef codegen_expression(KernelCodegen *k, const Expression *expression) {
    LLVMBuilderRef builder = k->builder;
    switch (expression->kind) {
    case EXPRESSION_CONSTANT:
        return codegen_index(k->codegen, expression->constant);
    case EXPRESSION_VARIABLE:
        if (expression->variable == VARIABLE_BEGIN || expression->variable == VARIABLE_END)
            return k->variables[expression->variable];
        return LLVMBuildLoad2(builder, k->codegen->index, k->variables[expression->variable], "");
    default:
        break;
    }
    if (expression->kind == EXPRESSION_ELEMENT)
        return emit_element(k, expression);
    LLVMValueRef a = codegen_expression(k, expression->left);
    LLVMValueRef b = codegen_expression(k, expression->right);
    switch (expression->kind) {
    case EXPRESSION_ADD:
        return LLVMBuildNSWAdd(builder, a, b, "");
    case EXPRESSION_MULTIPLY:
        return LLVMBuildNSWMul(builder, a, b, "");
    case EXPRESSION_DIVIDE:
        return LLVMBuildUDiv(builder, a, b, "");
    case EXPRESSION_REMAINDER:
        return LLVMBuildURem(builder, a, b, "");
    case EXPRESSION_MINIMUM:
        return LLVMBuildSelect(builder, LLVMBuildICmp(builder, LLVMIntSLT, a, b, ""), a, b, "");
    case EXPRESSION_MAXIMUM:
        return LLVMBuildSelect(builder, LLVMBuildICmp(builder, LLVMIntSGT, a, b, ""), a, b, "");
    case EXPRESSION_CONSTANT:
    case EXPRESSION_VARIABLE:
    case EXPRESSION_ELEMENT:
        break;
    }
    assert(false && "unknown expression");
    return NULL;
}

/* ---- addresses ---- */

/* Where a parameter or a local begins, and what its elements are. */
static LLVMValueRef buffer_address(KernelCodegen *k, int parameter, LLVMTypeRef *element) {
    *element = codegen_lane_type(k->codegen, kernel_buffer_element(k->kernel, parameter));
    return parameter >= MAX_KERNEL_PARAMETERS ? k->locals[parameter - MAX_KERNEL_PARAMETERS]
                                              : k->parameters[parameter];
}

static LLVMValueRef emit_displacement(
    KernelCodegen *k, LLVMTypeRef element, LLVMValueRef address, int64_t displacement) {
    LLVMValueRef index = codegen_index(k->codegen, displacement);
    return LLVMBuildGEP2(k->builder, element, address, &index, 1, "");
}

static bool is_let(const Block *block, int variable) {
    for (const Statement *statement = block->first; statement; statement = statement->next)
        if ((statement->kind == STATEMENT_LET && statement->variable == variable) ||
            (statement->kind == STATEMENT_IF && is_let(&statement->body, variable)))
            return true;
    return false;
}

/* Whether the expression is the same in all rounds of the loop. */
static bool is_invariant(const InnerLoop *loop, const Expression *expression) {
    switch (expression->kind) {
    case EXPRESSION_CONSTANT:
        return true;
    case EXPRESSION_VARIABLE:
        return expression->variable != loop->statement->variable &&
               !is_let(&loop->statement->body, expression->variable);
    case EXPRESSION_ELEMENT:
        return false;
    default:
        return is_invariant(loop, expression->left) && is_invariant(loop, expression->right);
    }
}

/* By what the loop's variable is multiplied in a sum; 0 for what is no such sum. */
static int64_t factor_in(const InnerLoop *loop, const Expression *sum) {
    int64_t factor;
    const Expression *left = sum->left, *right = sum->right;
    if (sum->kind == EXPRESSION_ADD)
        return is_invariant(loop, right)  ? factor_in(loop, left)
               : is_invariant(loop, left) ? factor_in(loop, right)
                                          : 0;
    bool product = sum->kind == EXPRESSION_MULTIPLY && left->kind == EXPRESSION_VARIABLE &&
                   left->variable == loop->statement->variable &&
                   expression_is_constant(right, &factor);
    return product ? factor : 0;
}

/* Before the loop its variable has its first value, so the offset is that of the first round. */
static void begin_pointer(KernelCodegen *k, InnerLoop *loop, MovingPointer *pointer) {
    LLVMBuilderRef builder = k->builder;
    LLVMBasicBlockRef here = LLVMGetInsertBlock(builder);
    LLVMBasicBlockRef entry = LLVMGetEntryBasicBlock(k->function);
    LLVMPositionBuilderBefore(builder, LLVMGetFirstInstruction(entry));
    pointer->slot = LLVMBuildAlloca(builder, k->codegen->pointer, "");
    LLVMPositionBuilderBefore(builder, LLVMGetBasicBlockTerminator(loop->before));
    LLVMValueRef base = buffer_address(k, pointer->parameter, &pointer->element);
    LLVMValueRef index = codegen_expression(k, pointer->offset);
    LLVMBuildStore(
        builder, LLVMBuildGEP2(builder, pointer->element, base, &index, 1, ""), pointer->slot);
    LLVMPositionBuilderAtEnd(builder, here);
}

/* The address by a pointer that moves; NULL where an index does as well, or too many move. */
static LLVMValueRef emit_moving(KernelCodegen *k, int parameter, const Expression *offset) {
    enum { MOST_OF_ADDRESS = 2 }; /* an address multiplies by that itself */
    InnerLoop *loop = k->inner;
    int64_t factor = loop ? factor_in(loop, offset) : 0;
    if (factor <= MOST_OF_ADDRESS)
        return NULL;
    int i = 0;
    while (i < loop->pointer_count && (loop->pointers[i].parameter != parameter ||
                                          !expressions_are_equal(loop->pointers[i].offset, offset)))
        i++;
    if (i == MOST_POINTERS)
        return NULL;
    if (i == loop->pointer_count) {
        loop->pointers[i] = (MovingPointer){
            .parameter = parameter, .offset = offset, .increment = factor * loop->statement->step};
        begin_pointer(k, loop, &loop->pointers[loop->pointer_count++]);
    }
    return LLVMBuildLoad2(k->builder, k->codegen->pointer, loop->pointers[i].slot, "");
}

/* The variable part and the constant part of an offset are separate steps, so that neighbouring
 * accesses share the first and differ in a displacement only. */
LLVMValueRef codegen_address(KernelCodegen *k, int parameter, const Expression *offset) {
    LLVMTypeRef element;
    LLVMValueRef address = buffer_address(k, parameter, &element);
    int64_t displacement = 0;
    const Expression *variable = offset;
    if (offset->kind == EXPRESSION_ADD && offset->right->kind == EXPRESSION_CONSTANT) {
        displacement = offset->right->constant;
        variable = offset->left;
    } else if (expression_is_constant(offset, &displacement)) {
        variable = NULL;
    }
    LLVMValueRef moving = variable ? emit_moving(k, parameter, variable) : NULL;
    if (moving) {
        address = moving;
    } else if (variable) {
        LLVMValueRef index = codegen_expression(k, variable);
        address = LLVMBuildGEP2(k->builder, element, address, &index, 1, "");
    }
    return displacement == 0 ? address : emit_displacement(k, element, address, displacement);
}

/* ---- loops ---- */

bool codegen_reduces_strength(const Target *target) {
    enum { LANES_OF_AVX512 = 16 };
    return target->architecture != ARCHITECTURE_X86_64 || target->lanes < LANES_OF_AVX512;
}

static bool has_loop(const Block *block) {
    for (const Statement *statement = block->first; statement; statement = statement->next)
        if (statement->kind == STATEMENT_FOR ||
            (statement->kind == STATEMENT_IF && has_loop(&statement->body)))
            return true;
    return false;
}

void codegen_enter_loop(KernelCodegen *k, InnerLoop *loop) {
    if (has_loop(&loop->statement->body))
        codegen_hide_addresses(k, loop->statement);
    else if (!codegen_reduces_strength(k->codegen->target))
        k->inner = loop;
}

void codegen_leave_loop(KernelCodegen *k, const InnerLoop *loop) {
    k->inner = NULL;
    for (int i = 0; i < loop->pointer_count; i++) {
        const MovingPointer *pointer = &loop->pointers[i];
        LLVMValueRef at = LLVMBuildLoad2(k->builder, k->codegen->pointer, pointer->slot, "");
        LLVMBuildStore(k->builder, emit_displacement(k, pointer->element, at, pointer->increment),
            pointer->slot);
    }
}
