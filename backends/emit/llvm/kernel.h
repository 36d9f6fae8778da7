/* Inside kernel.c, instructions.c, memory.c and address.c: a kernel that becomes an LLVM function.
 */
#ifndef RIFFLE_BACKENDS_EMIT_LLVM_KERNEL_H
#define RIFFLE_BACKENDS_EMIT_LLVM_KERNEL_H

#include "backends/emit/llvm/codegen.h"
#include "backends/program/loop_schedule.h"
#include "ir/kernel.h"

enum { MOST_POINTERS = 8 };

/* An address that a loop moves on by additions. */
typedef struct MovingPointer {
    int parameter;
    const Expression *offset;
    LLVMTypeRef element;
    LLVMValueRef slot;
    int64_t increment;
} MovingPointer;

/* A loop that has none inside. Addresses which have a product of its variable are pointers that
 * move: what LLVM's loop strength reduction would make of them, in a fraction of its time. (An
 * index register beside the pointer would cost a multiply-add one more operation.) */
typedef struct InnerLoop {
    const Statement *statement;
    LLVMBasicBlockRef before; /* ends with the branch into the loop */
    MovingPointer pointers[MOST_POINTERS];
    int pointer_count;
} InnerLoop;

typedef struct KernelCodegen {
    Codegen *codegen;
    const Kernel *kernel;
    LLVMBuilderRef builder;
    LLVMValueRef function;
    LLVMValueRef *registers; /* stack slots */
    LLVMValueRef *variables; /* stack slots; begin and end are plain parameters */
    LLVMValueRef parameters[MAX_KERNEL_PARAMETERS];
    LLVMValueRef locals[MAX_KERNEL_LOCALS];
    InnerLoop *inner; /* that is being printed; NULL outside of one */
} KernelCodegen;

static inline LLVMTypeRef codegen_register_type(const KernelCodegen *k, int index) {
    const Kernel *kernel = k->kernel;
    return codegen_vector_type(
        k->codegen, kernel->register_types[index], kernel->register_lanes[index]);
}

/* instructions.c: what an instruction does; registers have slots. */
void codegen_instruction(KernelCodegen *k, const Instruction *instruction);

/* memory.c */
LLVMValueRef codegen_load(KernelCodegen *k, const Instruction *instruction, int lanes);
void codegen_store(KernelCodegen *k, const Instruction *instruction, LLVMValueRef value, int lanes);
void codegen_prefetch(KernelCodegen *k, const Instruction *instruction);
/* A vector or a number that is aligned as kernels promise. */
LLVMValueRef codegen_load_number(KernelCodegen *k, LLVMTypeRef type, LLVMValueRef address);
/* Four bytes, or two numbers of bf16, as one number. */
LLVMValueRef codegen_load_quad(KernelCodegen *k, LLVMValueRef address);
LLVMValueRef codegen_load_pair(KernelCodegen *k, LLVMValueRef address);

/* address.c */
LLVMValueRef codegen_index(const Codegen *codegen, int64_t value);
LLVMValueRef codegen_expression(KernelCodegen *k, const Expression *expression);
/* Of a parameter or a local, in elements. */
LLVMValueRef codegen_address(KernelCodegen *k, int parameter, const Expression *offset);
/* Whether LLVM looks for variables in place of products of loop variables; else loops here have
 * pointers that move. */
bool codegen_reduces_strength(const Target *target);
/* Around the body of a loop: before its first statement, and before its variable is increased. */
void codegen_enter_loop(KernelCodegen *k, InnerLoop *loop);
void codegen_leave_loop(KernelCodegen *k, const InnerLoop *loop);

/* scheduled_loop.c: the loop as its schedule has it; it runs at least once, and its variable has
 * its first value. */
void codegen_scheduled_loop(
    KernelCodegen *k, const LoopSchedule *schedule, LLVMValueRef begin, LLVMValueRef end);

/* reload.c: at the begin of an outer loop's body. Where it loads more from the same places in each
 * round than registers hold, k->parameters are those addresses for the body: LLVM cannot tell that
 * they are the same. */
void codegen_hide_addresses(KernelCodegen *k, const Statement *loop);

#endif
