#include "ir/kernel_thread.h"
#include "ir/kernel_watch.h"
#include <inttypes.h>
#include <string.h>

bool kernel_machine_fail(KernelMachine *machine, const KernelThread *thread,
    const Statement *statement, const char *what) {
    const Kernel *kernel = machine->kernel;
    Text text = {0};
    if (statement != NULL && statement->kind == STATEMENT_INSTRUCTION)
        kernel_print_instruction(kernel, &statement->instruction, &text);
    else if (statement != NULL && statement->kind == STATEMENT_IF)
        text_append(&text, "if");
    else if (statement != NULL)
        text_format(&text, "%s %s%d", statement->kind == STATEMENT_FOR ? "for" : "let",
            kernel->variables[statement->variable], statement->variable);
    text_format(&text, "%s%s", text.length > 0 ? ": " : "", what);
    if (kernel->threads > 0 && thread != NULL)
        text_format(&text, " (thread %d of item %" PRId64 ")", thread->index,
            thread->variables[VARIABLE_BEGIN]);
    machine->run->fault = arena_copy_string(machine->arena, text.data);
    text_free(&text);
    return false;
}

/* ---- integers ---- */

static bool is_inside(const KernelBuffer *buffer, int64_t offset, int64_t count, int64_t size,
    int64_t limit, int64_t *at) {
    return !__builtin_mul_overflow(offset, size, at) &&
           !__builtin_add_overflow(*at, buffer->offset, at) && *at >= 0 &&
           *at <= limit - count * size;
}

static bool table_element(const KernelBuffer *table, int64_t index, int64_t *value) {
    int32_t element;
    int64_t at;
    if (!is_inside(table, index, 1, sizeof element, table->readable, &at))
        return false;
    memcpy(&element, table->begin + at, sizeof element);
    *value = element;
    return true;
}

static const char *expression_value(const KernelMachine *machine, const KernelThread *thread,
    const Expression *expression, int64_t *value);

/* NULL, or what is wrong. */
static const char *combined_value(const KernelMachine *machine, const KernelThread *thread,
    const Expression *expression, int64_t *value) {
    int64_t a = 0, b = 0;
    bool overflows = false;
    const char *fault = expression_value(machine, thread, expression->left, &a);
    if (fault == NULL && expression->right != NULL)
        fault = expression_value(machine, thread, expression->right, &b);
    if (fault != NULL)
        return fault;
    switch (expression->kind) {
    case EXPRESSION_ADD:
        overflows = __builtin_add_overflow(a, b, value);
        break;
    case EXPRESSION_MULTIPLY:
        overflows = __builtin_mul_overflow(a, b, value);
        break;
    case EXPRESSION_DIVIDE:
    case EXPRESSION_REMAINDER:
        if (a < 0 || b <= 0)
            return "a division of what is negative, or by what is not positive";
        *value = expression->kind == EXPRESSION_DIVIDE ? a / b : a % b;
        break;
    case EXPRESSION_MINIMUM:
        *value = a < b ? a : b;
        break;
    case EXPRESSION_MAXIMUM:
        *value = a > b ? a : b;
        break;
    case EXPRESSION_ELEMENT:
        return table_element(&machine->buffers[expression->variable], a, value)
                   ? NULL
                   : "an element outside of its table";
    case EXPRESSION_CONSTANT:
    case EXPRESSION_VARIABLE:
        break;
    }
    if (machine->kernel->threads > 0) /* which compute in 32 bits */
        overflows = overflows || *value != (int32_t)*value;
    return overflows ? "an integer overflows" : NULL;
}

static const char *expression_value(const KernelMachine *machine, const KernelThread *thread,
    const Expression *expression, int64_t *value) {
    if (expression->kind == EXPRESSION_CONSTANT)
        *value = expression->constant;
    else if (expression->kind == EXPRESSION_VARIABLE)
        *value = thread->variables[expression->variable];
    else
        return combined_value(machine, thread, expression, value);
    return NULL;
}

/* ---- accesses ---- */

/* NULL, or what threads do wrong at byte `at` of the buffer. */
static const char *threads_fault(const KernelMachine *machine, const KernelThread *thread,
    const Instruction *instruction, int64_t offset, int64_t at) {
    const KernelBuffer *buffer = &machine->buffers[instruction->parameter];
    bool shared = instruction->parameter >= MAX_KERNEL_PARAMETERS;
    bool write = instruction_info(instruction->kind)->access == ACCESS_WRITE;
    int64_t size = lane_bytes(kernel_buffer_element(machine->kernel, instruction->parameter));
    int count = instruction->lane_count;
    if (at % (size * count) != 0)
        return arena_format(
            machine->arena, "element %" PRId64 " is not aligned to %d of them", offset, count);
    if (buffer->words == NULL)
        return NULL;
    int64_t first = at / (int64_t)sizeof(uint32_t);
    int64_t last = (at + size * count - 1) / (int64_t)sizeof(uint32_t);
    return kernel_watch(buffer->words + first, (int)(last - first) + 1, shared, write,
        thread->index, machine->run, offset, machine->arena);
}

/* NULL and the byte of the buffer where the access begins, or what is wrong. */
static const char *find_place(const KernelMachine *machine, const KernelThread *thread,
    const Instruction *instruction, int64_t *at) {
    int64_t size = lane_bytes(kernel_buffer_element(machine->kernel, instruction->parameter));
    int64_t offset;
    const char *fault = expression_value(machine, thread, instruction->offset, &offset);
    if (fault != NULL)
        return fault;
    const KernelBuffer *buffer = &machine->buffers[instruction->parameter];
    bool write = instruction_info(instruction->kind)->access == ACCESS_WRITE;
    int64_t limit = write ? buffer->writable : buffer->readable;
    if (!is_inside(buffer, offset, instruction->lane_count, size, limit, at))
        return arena_format(machine->arena,
            "element %" PRId64 " is outside: the buffer has %" PRId64
            " bytes, and begins at %" PRId64,
            offset, limit, buffer->offset);
    return machine->kernel->threads > 0 ? threads_fault(machine, thread, instruction, offset, *at)
                                        : NULL;
}

static bool access_memory(
    KernelMachine *machine, KernelThread *thread, const Statement *statement) {
    const Instruction *instruction = &statement->instruction;
    int64_t at;
    const char *fault = find_place(machine, thread, instruction, &at);
    if (fault == NULL && instruction->kind == INSTRUCTION_store)
        fault = machine->arithmetic->store(machine, instruction, &thread->registers, at);
    else if (fault == NULL)
        machine->arithmetic->load(machine, instruction, &thread->registers, at);
    return fault == NULL || kernel_machine_fail(machine, thread, statement, fault);
}

/* ---- statements ---- */

static bool sources_have_values(const KernelThread *thread, const Instruction *instruction) {
    for (int i = 0; i < instruction_info(instruction->kind)->source_count; i++)
        if (!thread->has_value[instruction->sources[i]])
            return false;
    return true;
}

static bool run_instruction(
    KernelMachine *machine, KernelThread *thread, const Statement *statement) {
    const Instruction *instruction = &statement->instruction;
    if (!sources_have_values(thread, instruction))
        return kernel_machine_fail(machine, thread, statement, "a register that has no value yet");
    switch (instruction_info(instruction->kind)->access) {
    case ACCESS_NONE:
        if (instruction->kind == INSTRUCTION_barrier) {
            thread->state = THREAD_WAITS;
            thread->barrier = statement;
            return true;
        }
        machine->arithmetic->compute(machine->kernel, instruction, &thread->registers);
        break;
    case ACCESS_HINT: /* may be of any address */
        return true;
    case ACCESS_READ:
    case ACCESS_WRITE:
        if (!access_memory(machine, thread, statement))
            return false;
        break;
    }
    if (instruction->destination >= 0)
        thread->has_value[instruction->destination] = true;
    return true;
}

static bool take_step(KernelMachine *machine, KernelThread *thread, const Statement *statement) {
    return machine->run->steps_left-- > 0 ||
           kernel_machine_fail(machine, thread, statement, "more steps than allowed");
}

static void open_frame(
    KernelThread *thread, const Block *block, const Statement *loop, int64_t end) {
    thread->frames[thread->depth++] = (KernelFrame){block->first, loop, end};
}

/* The end of a block: once more, or on behind it. */
static bool close_frame(KernelMachine *machine, KernelThread *thread) {
    KernelFrame *frame = &thread->frames[thread->depth - 1];
    const Statement *loop = frame->loop;
    if (loop != NULL) {
        int64_t *variable = &thread->variables[loop->variable];
        if (__builtin_add_overflow(*variable, loop->step, variable))
            return kernel_machine_fail(machine, thread, loop, "an integer overflows");
        if (*variable < frame->end) {
            frame->next = loop->body.first;
            return take_step(machine, thread, loop);
        }
    }
    if (--thread->depth == 0)
        thread->state = THREAD_ENDED;
    return true;
}

static bool run_statement(
    KernelMachine *machine, KernelThread *thread, const Statement *statement) {
    int64_t begin, end = 0;
    if (!take_step(machine, thread, statement))
        return false;
    if (statement->kind == STATEMENT_INSTRUCTION)
        return run_instruction(machine, thread, statement);
    const char *fault = expression_value(machine, thread, statement->begin, &begin);
    if (fault == NULL && statement->end != NULL)
        fault = expression_value(machine, thread, statement->end, &end);
    if (fault != NULL)
        return kernel_machine_fail(machine, thread, statement, fault);
    if (statement->kind != STATEMENT_IF)
        thread->variables[statement->variable] = begin;
    if (statement->kind == STATEMENT_LET || begin >= end)
        return true;
    open_frame(thread, &statement->body, statement->kind == STATEMENT_FOR ? statement : NULL, end);
    return statement->kind == STATEMENT_IF || take_step(machine, thread, statement);
}

bool kernel_thread_step(KernelMachine *machine, KernelThread *thread) {
    KernelFrame *frame = &thread->frames[thread->depth - 1];
    const Statement *statement = frame->next;
    if (statement == NULL)
        return close_frame(machine, thread);
    frame->next = statement->next;
    return run_statement(machine, thread, statement);
}

void kernel_thread_begin(
    const KernelMachine *machine, KernelThread *thread, int64_t item_begin, int64_t item_end) {
    const Kernel *kernel = machine->kernel;
    memset(thread->has_value, 0, (size_t)kernel->register_count * sizeof *thread->has_value);
    thread->variables[VARIABLE_BEGIN] = item_begin;
    thread->variables[VARIABLE_END] = item_end;
    if (kernel->threads > 0)
        thread->variables[kernel->thread_variable] = thread->index;
    thread->state = THREAD_RUNS;
    thread->depth = 0;
    open_frame(thread, &kernel->body, NULL, 0);
}
