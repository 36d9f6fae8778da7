/* The module of a program: kernels, one function per step, and the two public functions. */
#include "backends/emit/llvm/codegen.h"
#include "backends/program/options.h"
#include "backends/program/parallel.h"
#include "backends/program/program.h"
#include "backends/program/scratch.h"
#include "backends/program/status.h"
#include "backends/program/summary.h"
#include "backends/program/workspace.h"
#include "backends/target/target.h"
#include "ir/arena.h"
#include "ir/kernel.h"
#include <stdio.h>
#include <string.h>

typedef struct ModuleCodegen {
    Codegen codegen;
    const Program *program;
    LLVMTypeRef step_type;
    LLVMValueRef weights; /* NULL where they are a file of their own */
    LLVMValueRef *kernels, *steps;
} ModuleCodegen;

/* Of a library that holds them. */
static LLVMValueRef declare_weights(Codegen *codegen, const Program *program) {
    LLVMTypeRef type =
        LLVMArrayType2(LLVMInt8TypeInContext(codegen->context), program->weights.length);
    LLVMValueRef weights = LLVMAddGlobal(codegen->module, type, codegen_weights_symbol(program));
    LLVMSetGlobalConstant(weights, 1);
    LLVMSetAlignment(weights, 64);
    LLVMSetVisibility(weights, LLVMHiddenVisibility);
    return weights;
}

/* ---- steps ---- */

static LLVMValueRef pointer_of(ModuleCodegen *m, LLVMValueRef array, int index) {
    LLVMBuilderRef builder = m->codegen.builder;
    LLVMValueRef place = LLVMConstInt(m->codegen.index, (unsigned long long)index, 0);
    LLVMValueRef address = LLVMBuildGEP2(builder, m->codegen.pointer, array, &place, 1, "");
    return LLVMBuildLoad2(builder, m->codegen.pointer, address, "");
}

/* Where the caller says how far rows of an input of bytes are apart. */
static LLVMValueRef row_bytes_pointer(ModuleCodegen *m, LLVMValueRef inputs, int input) {
    int pointers = m->program->input_count + (m->program->weights_file ? 1 : 0);
    LLVMValueRef before = LLVMConstInt(m->codegen.index, (unsigned long long)pointers, 0);
    LLVMValueRef place = LLVMConstInt(
        m->codegen.index, (unsigned long long)program_row_bytes_place(m->program, input), 0);
    LLVMValueRef first =
        LLVMBuildGEP2(m->codegen.builder, m->codegen.pointer, inputs, &before, 1, "");
    return LLVMBuildGEP2(m->codegen.builder, m->codegen.i32, first, &place, 1, "");
}

static LLVMValueRef argument_pointer(
    ModuleCodegen *m, LLVMValueRef context, const Argument *argument, LaneType element) {
    LLVMBuilderRef builder = m->codegen.builder;
    const Buffer *buffer = &m->program->buffers[argument->buffer];
    LLVMValueRef base = NULL;
    int64_t bytes = argument->offset * lane_bytes(element);
    switch (buffer->kind) {
    case BUFFER_WEIGHTS:
        if (m->weights)
            base = m->weights;
        else
            base = pointer_of(m, codegen_context_field(&m->codegen, context, CONTEXT_INPUTS),
                m->program->input_count);
        bytes += m->weights ? 0 : (int64_t)sizeof *m->program->weights_file;
        break;
    case BUFFER_WORKSPACE:
        base = codegen_context_field(&m->codegen, context, CONTEXT_WORKSPACE);
        bytes += buffer->offset;
        break;
    case BUFFER_INPUT:
    case BUFFER_OUTPUT:
        base = codegen_context_field(
            &m->codegen, context, buffer->kind == BUFFER_INPUT ? CONTEXT_INPUTS : CONTEXT_OUTPUTS);
        base = pointer_of(m, base, buffer->index);
        break;
    case BUFFER_ROW_BYTES:
        base = row_bytes_pointer(
            m, codegen_context_field(&m->codegen, context, CONTEXT_INPUTS), buffer->index);
        break;
    }
    LLVMValueRef offset = LLVMConstInt(m->codegen.index, (unsigned long long)bytes, 0);
    return LLVMBuildGEP2(builder, LLVMInt8TypeInContext(m->codegen.context), base, &offset, 1, "");
}

/* void step(context, begin, end): a task of the caller's parallel_for. */
static LLVMValueRef emit_step(ModuleCodegen *m, int index) {
    const Step *step = &m->program->steps[index];
    const Kernel *kernel = m->program->kernels[step->kernel];
    char name[32];
    snprintf(name, sizeof name, "step_%d", index);
    LLVMValueRef function = LLVMAddFunction(m->codegen.module, name, m->step_type);
    LLVMSetLinkage(function, LLVMInternalLinkage);
    codegen_mark(&m->codegen, function, LLVMAttributeFunctionIndex, "nounwind");
    LLVMBuilderRef builder = m->codegen.builder;
    LLVMPositionBuilderAtEnd(
        builder, LLVMAppendBasicBlockInContext(m->codegen.context, function, "entry"));
    LLVMValueRef arguments[MAX_KERNEL_PARAMETERS + MAX_KERNEL_LOCALS + 2];
    LLVMValueRef context = LLVMGetParam(function, 0);
    unsigned count = (unsigned)kernel->parameter_count;
    for (unsigned i = 0; i < count; i++)
        arguments[i] =
            argument_pointer(m, context, &step->arguments[i], kernel->parameters[i].element);
    for (int i = 0; i < kernel->local_count; i++)
        if (kernel->local_is_scratch[i])
            arguments[count++] = codegen_scratch(&m->codegen, m->program, index, i, context);
    arguments[count] = LLVMGetParam(function, 1);
    arguments[count + 1] = LLVMGetParam(function, 2);
    LLVMValueRef callee = m->kernels[step->kernel];
    LLVMBuildCall2(builder, LLVMGlobalGetValueType(callee), callee, arguments, count + 2, "");
    LLVMBuildRetVoid(builder);
    return function;
}

/* ---- the public functions ---- */

/* Returns `status` from the function when the condition holds, and goes on in a new block. */
static void return_if(ModuleCodegen *m, LLVMValueRef function, LLVMValueRef condition, int status) {
    LLVMBuilderRef builder = m->codegen.builder;
    LLVMBasicBlockRef fail = LLVMAppendBasicBlockInContext(m->codegen.context, function, "fail");
    LLVMBasicBlockRef next = LLVMAppendBasicBlockInContext(m->codegen.context, function, "next");
    LLVMBuildCondBr(builder, condition, fail, next);
    LLVMPositionBuilderAtEnd(builder, fail);
    LLVMBuildRet(builder, LLVMConstInt(m->codegen.i32, (unsigned long long)status, 0));
    LLVMPositionBuilderAtEnd(builder, next);
}

static void check_pointers(ModuleCodegen *m, LLVMValueRef function, LLVMValueRef array, int count) {
    LLVMBuilderRef builder = m->codegen.builder;
    return_if(m, function, LLVMBuildIsNull(builder, array, ""), STATUS_NULL_POINTER);
    for (int i = 0; i < count; i++)
        return_if(m, function, LLVMBuildIsNull(builder, pointer_of(m, array, i), ""),
            STATUS_NULL_POINTER);
}

static void check_alignment(
    ModuleCodegen *m, LLVMValueRef function, LLVMValueRef pointer, int status) {
    LLVMBuilderRef builder = m->codegen.builder;
    LLVMValueRef bits = LLVMBuildPtrToInt(builder, pointer, m->codegen.index, "");
    bits =
        LLVMBuildAnd(builder, bits, LLVMConstInt(m->codegen.index, WORKSPACE_ALIGNMENT - 1, 0), "");
    LLVMValueRef zero = LLVMConstNull(m->codegen.index);
    return_if(m, function, LLVMBuildICmp(builder, LLVMIntNE, bits, zero, ""), status);
}

/* Whether the file begins as that of this library does. It costs a few instructions; the checksum
 * is looked at by who loads the file. */
static void check_weights(ModuleCodegen *m, LLVMValueRef function) {
    LLVMBuilderRef builder = m->codegen.builder;
    const WeightsFileHeader *header = m->program->weights_file;
    LLVMTypeRef word = LLVMInt64TypeInContext(m->codegen.context);
    LLVMValueRef file = pointer_of(m, LLVMGetParam(function, 0), m->program->input_count);
    return_if(m, function, LLVMBuildIsNull(builder, file, ""), STATUS_NULL_POINTER);
    check_alignment(m, function, file, STATUS_MISALIGNED_WEIGHTS);
    const uint64_t known[] = {header->mark, header->version, header->layout, header->bytes};
    for (unsigned i = 0; i < sizeof known / sizeof *known; i++) {
        LLVMValueRef index = LLVMConstInt(m->codegen.index, i, 0);
        LLVMValueRef address = LLVMBuildGEP2(builder, word, file, &index, 1, "");
        LLVMValueRef number = LLVMBuildLoad2(builder, word, address, "");
        LLVMValueRef expected = LLVMConstInt(word, known[i], 0);
        return_if(
            m, function, LLVMBuildICmp(builder, LLVMIntNE, number, expected, ""), STATUS_WEIGHTS);
    }
}

static void check_row_bytes(ModuleCodegen *m, LLVMValueRef function) {
    LLVMBuilderRef builder = m->codegen.builder;
    for (int i = 0; i < m->program->buffer_count; i++) {
        const Buffer *buffer = &m->program->buffers[i];
        if (buffer->row_bytes == 0)
            continue;
        LLVMValueRef address = row_bytes_pointer(m, LLVMGetParam(function, 0), buffer->index);
        LLVMValueRef given = LLVMBuildLoad2(builder, m->codegen.i32, address, "");
        LLVMValueRef least = LLVMConstInt(m->codegen.i32, (unsigned long long)buffer->row_bytes, 0);
        LLVMValueRef wrong = LLVMBuildAnd(builder,
            LLVMBuildICmp(builder, LLVMIntNE, given, LLVMConstNull(m->codegen.i32), ""),
            LLVMBuildICmp(builder, LLVMIntSLT, given, least, ""), "");
        return_if(m, function, wrong, STATUS_ROW_BYTES);
    }
}

/* Begins the function with room for the context, or for all that a shared run needs. */
static LLVMValueRef check_and_make_context(ModuleCodegen *m, LLVMValueRef function, bool shared) {
    LLVMBuilderRef builder = m->codegen.builder;
    LLVMTypeRef type = codegen_context_type(&m->codegen);
    LLVMPositionBuilderAtEnd(
        builder, LLVMAppendBasicBlockInContext(m->codegen.context, function, "entry"));
    LLVMValueRef context = shared ? codegen_parallel_frame(&m->codegen, m->program)
                                  : LLVMBuildAlloca(builder, type, "context");
    check_pointers(m, function, LLVMGetParam(function, 0), m->program->input_count);
    check_pointers(m, function, LLVMGetParam(function, 1), m->program->output_count);
    LLVMValueRef workspace = LLVMGetParam(function, 2);
    return_if(m, function, LLVMBuildIsNull(builder, workspace, ""), STATUS_NULL_POINTER);
    check_alignment(m, function, workspace, STATUS_MISALIGNED_WORKSPACE);
    if (m->program->weights_file)
        check_weights(m, function);
    check_row_bytes(m, function);
    for (unsigned field = 0; field < CONTEXT_POINTERS; field++)
        LLVMBuildStore(builder, LLVMGetParam(function, field),
            LLVMBuildStructGEP2(builder, type, context, field, ""));
    codegen_set_slot(&m->codegen, context, LLVMConstNull(m->codegen.index));
    return context;
}

static LLVMValueRef extent_of(ModuleCodegen *m, int step) {
    const Kernel *kernel = m->program->kernels[m->program->steps[step].kernel];
    return LLVMConstInt(m->codegen.index, (unsigned long long)kernel->extent, 0);
}

static void emit_run(ModuleCodegen *m) {
    LLVMTypeRef pointer = m->codegen.pointer, types[3] = {pointer, pointer, pointer};
    LLVMTypeRef type = LLVMFunctionType(m->codegen.i32, types, 3, 0);
    LLVMValueRef function =
        LLVMAddFunction(m->codegen.module, codegen_symbol(m->program, "run"), type);
    codegen_mark(&m->codegen, function, LLVMAttributeFunctionIndex, "nounwind");
    if (m->program->level)
        LLVMSetVisibility(function, LLVMHiddenVisibility);
    LLVMValueRef context = check_and_make_context(m, function, false);
    for (int i = 0; i < m->program->step_count; i++) {
        LLVMValueRef arguments[3] = {context, LLVMConstNull(m->codegen.index), extent_of(m, i)};
        LLVMBuildCall2(m->codegen.builder, m->step_type, m->steps[i], arguments, 3, "");
    }
    LLVMBuildRet(m->codegen.builder, LLVMConstInt(m->codegen.i32, STATUS_OK, 0));
}

static LLVMValueRef add_run_parallel(ModuleCodegen *m) {
    LLVMTypeRef pointer = m->codegen.pointer;
    LLVMTypeRef types[5] = {pointer, pointer, pointer, pointer, pointer};
    LLVMTypeRef type = LLVMFunctionType(m->codegen.i32, types, 5, 0);
    LLVMValueRef function =
        LLVMAddFunction(m->codegen.module, codegen_symbol(m->program, "run_parallel"), type);
    /* Elsewhere what parallel_for throws may pass; here its table would ask for a library. */
    if (m->codegen.target->architecture == ARCHITECTURE_ARM)
        codegen_mark(&m->codegen, function, LLVMAttributeFunctionIndex, "nounwind");
    if (m->program->level)
        LLVMSetVisibility(function, LLVMHiddenVisibility);
    return function;
}

static void call_parallel_for(ModuleCodegen *m, LLVMValueRef function, LLVMValueRef task,
    LLVMValueRef context, LLVMValueRef count) {
    LLVMTypeRef pointer = m->codegen.pointer;
    LLVMTypeRef types[4] = {pointer, pointer, pointer, m->codegen.index};
    LLVMTypeRef type = LLVMFunctionType(m->codegen.void_type, types, 4, 0);
    LLVMValueRef parallel_for = LLVMGetParam(function, 3), pool = LLVMGetParam(function, 4);
    LLVMValueRef arguments[4] = {pool, task, context, count};
    LLVMBuildCall2(m->codegen.builder, type, parallel_for, arguments, 4, "");
}

static void emit_shared_run(
    ModuleCodegen *m, LLVMValueRef function, LLVMValueRef task, LLVMValueRef frame) {
    LLVMBuilderRef builder = m->codegen.builder;
    LLVMContextRef context = m->codegen.context;
    LLVMBasicBlockRef entry = LLVMGetInsertBlock(builder);
    LLVMBasicBlockRef loop = LLVMAppendBasicBlockInContext(context, function, "loop");
    LLVMBasicBlockRef again = LLVMAppendBasicBlockInContext(context, function, "again");
    LLVMBasicBlockRef done = LLVMAppendBasicBlockInContext(context, function, "done");
    LLVMValueRef one = LLVMConstInt(m->codegen.i32, 1, 0);
    LLVMValueRef most =
        LLVMConstInt(m->codegen.i32, (unsigned long long)parallel_most_loops(m->program), 0);
    codegen_parallel_start(&m->codegen, m->program, frame);
    LLVMBuildBr(builder, loop);
    LLVMPositionBuilderAtEnd(builder, loop);
    LLVMValueRef left = LLVMBuildPhi(builder, m->codegen.i32, "loops_left");
    codegen_parallel_resume(&m->codegen, frame);
    call_parallel_for(m, function, task, frame, LLVMConstInt(m->codegen.index, STINTS, 0));
    LLVMValueRef is_done = codegen_parallel_is_done(&m->codegen, m->program, frame);
    LLVMBuildCondBr(builder, is_done, done, again);
    LLVMPositionBuilderAtEnd(builder, again);
    LLVMValueRef fewer = LLVMBuildSub(builder, left, one, "");
    return_if(m, function, LLVMBuildIsNull(builder, fewer, ""), STATUS_PARALLEL_FOR);
    LLVMBasicBlockRef next = LLVMGetInsertBlock(builder);
    LLVMBuildBr(builder, loop);
    LLVMAddIncoming(left, (LLVMValueRef[]){most, fewer}, (LLVMBasicBlockRef[]){entry, next}, 2);
    LLVMPositionBuilderAtEnd(builder, done);
}

/* Replaces the steps that have scratch by tasks of loops over its slots. */
static void emit_slots_tasks(ModuleCodegen *m) {
    for (int i = 0; i < m->program->step_count; i++)
        if (step_scratch_slots(m->program, i) > 0)
            m->steps[i] = codegen_slots_task(&m->codegen, m->program, i, m->steps[i]);
}

/* int NAME_run_parallel(inputs, outputs, workspace, parallel_for, pool) */
static void emit_run_parallel(ModuleCodegen *m) {
    bool shared = m->program->loops == LOOP_PER_RUN;
    if (!shared)
        emit_slots_tasks(m);
    LLVMValueRef task = shared ? codegen_parallel_task(&m->codegen, m->program, m->steps) : NULL;
    LLVMValueRef function = add_run_parallel(m);
    LLVMValueRef context = check_and_make_context(m, function, shared);
    LLVMValueRef parallel_for = LLVMGetParam(function, 3);
    return_if(
        m, function, LLVMBuildIsNull(m->codegen.builder, parallel_for, ""), STATUS_NULL_POINTER);
    if (shared)
        emit_shared_run(m, function, task, context);
    for (int i = 0; !shared && i < m->program->step_count; i++) {
        int slots = step_scratch_slots(m->program, i);
        LLVMValueRef count = LLVMConstInt(m->codegen.index, (unsigned long long)slots, 0);
        call_parallel_for(m, function, m->steps[i], context, slots > 0 ? count : extent_of(m, i));
    }
    LLVMBuildRet(m->codegen.builder, LLVMConstInt(m->codegen.i32, STATUS_OK, 0));
}

static void mark_functions(ModuleCodegen *m) {
    const Target *target = m->codegen.target;
    for (LLVMValueRef function = LLVMGetFirstFunction(m->codegen.module); function;
        function = LLVMGetNextFunction(function)) {
        if (LLVMIsDeclaration(function))
            continue;
        codegen_attribute(&m->codegen, function, "target-cpu", target->cpu);
        if (target->features[0])
            codegen_attribute(&m->codegen, function, "target-features", target->features);
        if (target->lanes == 16)
            codegen_attribute(&m->codegen, function, "prefer-vector-width", "512");
    }
}

LLVMModuleRef codegen_program(
    LLVMContextRef context, const Program *program, LLVMTargetMachineRef machine) {
    ModuleCodegen m = {.program = program};
    codegen_begin(&m.codegen, context, program->name, program->target, machine);
    m.codegen.loops = program->loop_schedules;
    LLVMTypeRef step_types[3] = {m.codegen.pointer, m.codegen.index, m.codegen.index};
    m.step_type = LLVMFunctionType(m.codegen.void_type, step_types, 3, 0);
    if (!program->weights_file)
        m.weights = declare_weights(&m.codegen, program);
    m.kernels = ARENA_ARRAY(program->arena, LLVMValueRef, program->kernel_count + 1);
    m.steps = ARENA_ARRAY(program->arena, LLVMValueRef, program->step_count + 1);
    for (int i = 0; i < program->kernel_count; i++)
        m.kernels[i] = codegen_kernel(&m.codegen, program->kernels[i]);
    for (int i = 0; i < program->step_count; i++)
        m.steps[i] = emit_step(&m, i);
    emit_run(&m);
    emit_run_parallel(&m);
    mark_functions(&m);
    codegen_end(&m.codegen);
    return m.codegen.module;
}

LLVMModuleRef codegen_weights(
    LLVMContextRef context, const Program *program, LLVMTargetMachineRef machine) {
    Codegen codegen;
    codegen_begin(&codegen, context, codegen_weights_symbol(program), program->target, machine);
    LLVMValueRef weights = declare_weights(&codegen, program);
    LLVMSetInitializer(weights, LLVMConstNull(LLVMGlobalGetValueType(weights)));
    codegen_end(&codegen);
    return codegen.module;
}
