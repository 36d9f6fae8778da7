/* Inside the LLVM backend: from kernels to LLVM functions. */
#ifndef RIFFLE_BACKENDS_EMIT_LLVM_CODEGEN_H
#define RIFFLE_BACKENDS_EMIT_LLVM_CODEGEN_H

#include "backends/emit/emit.h"
#include "backends/program/loop_schedule.h"
#include "backends/program/program.h"
#include "backends/program/summary.h"
#include "backends/target/target.h"
#include "ir/diagnostics.h"
#include "ir/kernel.h"
#include "ir/text.h"
#include <llvm-c/Core.h>
#include <llvm-c/TargetMachine.h>
#include <signal.h>

typedef struct Codegen {
    LLVMContextRef context;
    LLVMModuleRef module;
    LLVMBuilderRef builder;
    const Target *target;
    const LoopSchedule *loops; /* that have an order */
    LLVMTypeRef float_type, i8, i16, i32, pointer, void_type;
    LLVMTypeRef index; /* as wide as a pointer: of offsets and counts (size_t) */
} Codegen;

/* ---- codegen.c: what all ask for ---- */

void codegen_begin(Codegen *codegen, LLVMContextRef context, const char *name, const Target *target,
    LLVMTargetMachineRef machine);
void codegen_end(Codegen *codegen); /* keeps the module */
/* A string attribute on a function, such as "target-cpu". */
void codegen_attribute(
    const Codegen *codegen, LLVMValueRef function, const char *key, const char *value);
/* An attribute without value on a function (LLVMAttributeFunctionIndex) or on parameter 1, 2, ...
 */
void codegen_mark(const Codegen *codegen, LLVMValueRef function, int index, const char *name);

LLVMTypeRef codegen_lane_type(const Codegen *codegen, LaneType type);
/* A vector of that type, or for one lane a number. */
LLVMTypeRef codegen_vector_type(const Codegen *codegen, LaneType type, int lanes);
/* Of a vector or a number. */
LLVMTypeRef codegen_element_type(LLVMTypeRef type);
LLVMValueRef codegen_shuffle_indices(const Codegen *codegen, const int *indices, int count);
/* Lanes first..first+count-1 of a vector as a vector (or a number) of their own. */
LLVMValueRef codegen_extract_lanes(
    const Codegen *codegen, LLVMValueRef vector, int first, int count);
/* A call of an intrinsic that is overloaded by `type`, or not at all where that is NULL. */
LLVMValueRef codegen_intrinsic(
    Codegen *codegen, const char *name, LLVMTypeRef type, LLVMValueRef *arguments, unsigned count);

/* "NAME_word", of the program's level where it has one; and the same of the whole library. */
char *codegen_symbol(const Program *program, const char *word);
char *codegen_library_symbol(const Program *program, const char *word);
char *codegen_weights_symbol(const Program *program); /* which variants share */
/* NAME_word, which the user calls. */
LLVMValueRef codegen_public_function(
    Codegen *codegen, const Program *program, const char *word, LLVMTypeRef type);

/* ---- the others ---- */

/* kernel.c: the function of a kernel, internal: void (pointers..., size_t begin, size_t end).
 * Behind the pointers of its parameters are those of its scratch. */
LLVMValueRef codegen_kernel(Codegen *codegen, const Kernel *kernel);

/* integers.c: the result of an instruction on integers that does not access memory; `lanes` and
 * `type` are those of the destination. */
LLVMValueRef codegen_integers(Codegen *codegen, const Instruction *instruction,
    LLVMValueRef *sources, LaneType type, int lanes);

/* halves.c: the same of an instruction on numbers of bf16 or f16. */
LLVMValueRef codegen_halves(Codegen *codegen, const Instruction *instruction, LLVMValueRef *sources,
    LaneType type, int lanes);

/* module.c: a module with all kernels, NAME_run and NAME_run_parallel; where the program is one
 * level of a library, these are hidden and have the level's word behind them. */
LLVMModuleRef codegen_program(
    LLVMContextRef context, const Program *program, LLVMTargetMachineRef machine);
/* A module that defines NAME_weights. */
LLVMModuleRef codegen_weights(
    LLVMContextRef context, const Program *program, LLVMTargetMachineRef machine);

/* scratch.c: the context of the steps, { inputs, outputs, workspace, slot }: of a run, or of one
 * thread. The slot is that of the thread in the scratch of a step (backends/program/scratch.h). */
enum {
    CONTEXT_INPUTS,
    CONTEXT_OUTPUTS,
    CONTEXT_WORKSPACE,
    CONTEXT_SLOT,
    CONTEXT_FIELDS,
    CONTEXT_POINTERS = CONTEXT_SLOT
};
LLVMTypeRef codegen_context_type(const Codegen *codegen);
LLVMValueRef codegen_context_field(const Codegen *codegen, LLVMValueRef context, unsigned field);
/* A copy in the frame of the function that grows. */
LLVMValueRef codegen_context_copy(const Codegen *codegen, LLVMValueRef context);
void codegen_set_slot(const Codegen *codegen, LLVMValueRef context, LLVMValueRef slot);
/* Where a local of the step's kernel is, which is scratch. */
LLVMValueRef codegen_scratch(
    const Codegen *codegen, const Program *program, int step, int local, LLVMValueRef context);
/* The task of a loop over the slots of a step that has scratch: each does a part of the items. */
LLVMValueRef codegen_slots_task(
    Codegen *codegen, const Program *program, int step, LLVMValueRef function);

/* parallel.c: the task of a run that is shared out (backends/program/parallel.h), of the functions
 * of its steps. Its context is a frame on the caller's stack, which begins with that of the steps;
 * it is started before each run, and resumed before each loop until all is done. */
LLVMValueRef codegen_parallel_task(
    Codegen *codegen, const Program *program, const LLVMValueRef *steps);
LLVMValueRef codegen_parallel_frame(Codegen *codegen, const Program *program);
void codegen_parallel_start(Codegen *codegen, const Program *program, LLVMValueRef frame);
void codegen_parallel_resume(Codegen *codegen, LLVMValueRef frame);
LLVMValueRef codegen_parallel_is_done(Codegen *codegen, const Program *program, LLVMValueRef frame);

/* gpu.c: a module with the kernels of a GPU as entries. */
LLVMModuleRef codegen_gpu_program(
    LLVMContextRef context, const Program *program, LLVMTargetMachineRef machine);
/* threads.c: an integer that the hardware holds in a register of its own. */
LLVMValueRef codegen_special_register(Codegen *codegen, const char *name);
/* The thread's index in its block; a barrier of the block; memory that the block shares.
 */
LLVMValueRef codegen_thread(Codegen *codegen);
void codegen_barrier(Codegen *codegen);
LLVMValueRef codegen_shared(Codegen *codegen, int64_t floats);

/* dispatch.c: a module with the public functions of a program with levels. */
LLVMModuleRef codegen_dispatch(
    LLVMContextRef context, const Program *program, LLVMTargetMachineRef machine);

/* dispatch_arm.c: the number of the level for the core that runs this now, as far as the system
 * tells. The builder goes on in another block of the function. */
LLVMValueRef codegen_core_level(
    const Codegen *codegen, LLVMValueRef function, const ProgramLevels *levels);

/* emit.c */
LLVMTargetMachineRef target_machine_create(const Target *target, Diagnostics *diagnostics);
bool optimise_module(LLVMModuleRef module, LLVMTargetMachineRef machine, Diagnostics *diagnostics);
bool emit_module(LLVMModuleRef module, LLVMTargetMachineRef machine, EmitKind kind, Text *out,
    Diagnostics *diagnostics);

/* stack.c: what LLVM says of the frames of a module that it makes code of. */
typedef struct StackFrame {
    LLVMValueRef function;
    int64_t bytes; /* of its frame */
    int64_t path;  /* with the functions that it calls; 0: not known yet */
} StackFrame;

typedef struct StackFrames {
    StackFrame *rows;
    int count;
    bool good; /* LLVM said nothing that was not understood */
} StackFrames;

/* Before the code is made; the frames must live as long as the context, or until freed after the
 * code was made. */
void codegen_ask_frames(LLVMContextRef context, LLVMModuleRef module, StackFrames *frames);
void codegen_free_frames(StackFrames *frames);
/* After: an upper bound of the stack from the call of any function of the module on, without that
 * of functions which are not in it. */
int64_t codegen_stack_bytes(const StackFrames *frames);

/* endings.c: from now on, where LLVM would end the process it ends with a message of riffle's. */
void codegen_expect_endings(void);

/* Between begin and end LLVM works, and nobody else: abort() and crashes are its doing. */
typedef struct LlvmWork {
    struct sigaction abort_before, crash_before;
    stack_t stack_before;
} LlvmWork;

void llvm_work_begin(LlvmWork *work);
void llvm_work_end(const LlvmWork *work);

#endif
