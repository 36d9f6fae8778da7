/* A loop whose instructions have an order (backends/program/loop_schedule.h) as one piece of inline
 * assembly, which LLVM does not look into: it chooses the registers, and the order stays. */
#include "backends/emit/llvm/kernel.h"
#include "backends/program/loop_schedule.h"
#include "ir/kernel.h"
#include "ir/text.h"
#include <assert.h>
#include <string.h>

enum { MOST_OPERANDS = 96, WHOLE_VECTOR_BYTES = 16 };

/* Operands are numbered: sums, pointers, the count of rounds, which come in and go out; then
 * vectors and integers, which are only written. */
typedef struct AsmLoop {
    const LoopSchedule *schedule;
    Text text, constraints;
    LLVMTypeRef types[MOST_OPERANDS], input_types[MOST_OPERANDS];
    LLVMValueRef inputs[MOST_OPERANDS];
    unsigned operand_count, input_count;
} AsmLoop;

static int pointer_operand(const LoopSchedule *schedule, int pointer) {
    return schedule->sum_count + pointer;
}

static int count_operand(const LoopSchedule *schedule) {
    return schedule->sum_count + schedule->pointer_count;
}

static int vector_operand(const LoopSchedule *schedule, int vector) {
    return count_operand(schedule) + 1 + vector;
}

static int integer_operand(const LoopSchedule *schedule, int integer) {
    return vector_operand(schedule, schedule->vector_count) + integer;
}

/* What an instruction adds by itself; more is an input behind those that go out as well. */
static bool is_addend(int64_t bytes) {
    enum { MOST = 4095 };
    return bytes >= 0 && bytes <= MOST;
}

static int addend_operand(const LoopSchedule *schedule, int pointer) {
    int outputs = integer_operand(schedule, schedule->integer_count);
    int operand = outputs + count_operand(schedule) + 1;
    for (int i = 0; i < pointer; i++)
        operand += !is_addend(schedule->pointers[i].increment);
    return operand;
}

static void print_action(const LoopSchedule *schedule, const LoopAction *action, Text *text) {
    int vector = vector_operand(schedule, action->vector);
    int integer = integer_operand(schedule, action->integer);
    int pointer = pointer_operand(schedule, action->pointer), count = count_operand(schedule);
    long long bytes = action->bytes;
    switch (action->kind) {
    case ACTION_MULTIPLY_ADD:
        text_format(text,
            schedule->type == LANE_F16 ? "fmla $%d.8h, $%d.8h, $%d.h[%d]\n"
                                       : "fmla $%d.4s, $%d.4s, $%d.s[%d]\n",
            action->sum, vector, vector_operand(schedule, action->value), action->lane);
        break;
    case ACTION_LOAD:
        text_format(text, "ldr ${%d:q}, [$%d, #%lld]\n", vector, pointer, bytes);
        break;
    case ACTION_LOAD_LOW:
        text_format(text, "ldr ${%d:d}, [$%d, #%lld]\n", vector, pointer, bytes);
        break;
    case ACTION_LOAD_HIGH:
        text_format(text, "ldr $%d, [$%d, #%lld]\n", integer, pointer, bytes);
        break;
    case ACTION_INSERT_HIGH:
        text_format(text, "mov $%d.d[1], $%d\n", vector, integer);
        break;
    case ACTION_PREFETCH:
        text_format(text, "prfm pldl2keep, [$%d, #%lld]\n", pointer, bytes);
        break;
    case ACTION_COUNT:
        text_format(text, "subs $%d, $%d, #%lld\n", count, count, (long long)schedule->loop->step);
        break;
    case ACTION_NEXT:
        if (is_addend(bytes))
            text_format(text, "add $%d, $%d, #%lld\n", integer, pointer, bytes);
        else
            text_format(text, "add $%d, $%d, $%d\n", integer, pointer,
                addend_operand(schedule, action->pointer));
        break;
    case ACTION_CHOOSE:
        text_format(text, "csel $%d, $%d, $%d, gt\n", pointer, integer, pointer);
        break;
    case ACTION_REPEAT:
        text_append(text, "b.gt 1b\n");
        break;
    case ACTION_KINDS:
        assert(false);
    }
}

static void add_operand(AsmLoop *loop, LLVMTypeRef type, const char *register_class) {
    assert(loop->operand_count < MOST_OPERANDS);
    text_format(&loop->constraints, "=&%s,", register_class);
    loop->types[loop->operand_count++] = type;
}

static void add_input(
    AsmLoop *loop, LLVMTypeRef type, LLVMValueRef value, const char *register_class) {
    loop->inputs[loop->input_count] = value;
    loop->input_types[loop->input_count++] = type;
    add_operand(loop, type, register_class);
}

static LLVMValueRef pointer_value(KernelCodegen *k, const LoopPointer *pointer) {
    LLVMValueRef address = codegen_address(k, pointer->parameter, pointer->offset);
    LLVMValueRef bytes = codegen_index(k->codegen, pointer->bytes);
    return LLVMBuildGEP2(k->builder, k->codegen->i8, address, &bytes, 1, "");
}

static void add_operands(KernelCodegen *k, AsmLoop *loop, LLVMValueRef rounds) {
    const LoopSchedule *schedule = loop->schedule;
    LLVMTypeRef vector = codegen_vector_type(
        k->codegen, schedule->type, WHOLE_VECTOR_BYTES / (int)lane_bytes(schedule->type));
    for (int i = 0; i < schedule->sum_count; i++)
        add_input(loop, vector,
            LLVMBuildLoad2(k->builder, vector, k->registers[schedule->sums[i]], ""), "w");
    for (int i = 0; i < schedule->pointer_count; i++)
        add_input(loop, k->codegen->pointer, pointer_value(k, &schedule->pointers[i]), "r");
    add_input(loop, k->codegen->index, rounds, "r");
    for (int i = 0; i < schedule->vector_count; i++)
        add_operand(
            loop, vector, schedule->type == LANE_F16 && i >= schedule->first_value ? "x" : "w");
    for (int i = 0; i < schedule->integer_count; i++)
        add_operand(loop, k->codegen->index, "r");
    for (unsigned i = 0; i < loop->input_count; i++)
        text_format(&loop->constraints, "%u,", i);
    for (int i = 0; i < schedule->pointer_count; i++)
        if (!is_addend(schedule->pointers[i].increment)) {
            loop->inputs[loop->input_count] =
                codegen_index(k->codegen, schedule->pointers[i].increment);
            loop->input_types[loop->input_count++] = k->codegen->index;
            text_append(&loop->constraints, "r,");
        }
    text_append(&loop->constraints, "~{cc},~{memory}");
}

void codegen_scheduled_loop(
    KernelCodegen *k, const LoopSchedule *schedule, LLVMValueRef begin, LLVMValueRef end) {
    AsmLoop loop = {.schedule = schedule};
    add_operands(k, &loop, LLVMBuildSub(k->builder, end, begin, ""));
    for (int i = 0; i < schedule->before_count; i++)
        print_action(schedule, &schedule->before[i], &loop.text);
    text_append(&loop.text, "1:\n");
    for (int i = 0; i < schedule->round_count; i++)
        print_action(schedule, &schedule->round[i], &loop.text);
    LLVMTypeRef result =
        LLVMStructTypeInContext(k->codegen->context, loop.types, loop.operand_count, 0);
    LLVMTypeRef type = LLVMFunctionType(result, loop.input_types, loop.input_count, 0);
    LLVMValueRef code = LLVMGetInlineAsm(type, loop.text.data, loop.text.length,
        loop.constraints.data, loop.constraints.length, 1, 0, LLVMInlineAsmDialectATT, 0);
    LLVMValueRef after = LLVMBuildCall2(k->builder, type, code, loop.inputs, loop.input_count, "");
    for (int i = 0; i < schedule->sum_count; i++)
        LLVMBuildStore(k->builder, LLVMBuildExtractValue(k->builder, after, (unsigned)i, ""),
            k->registers[schedule->sums[i]]);
    text_free(&loop.text);
    text_free(&loop.constraints);
}
