/* Runs kernels: statements, integers and accesses. */
#include "ir/kernel_interpret.h"
#include "ir/kernel_compute.h"
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

typedef struct KernelInterpreter {
    const Kernel *kernel;
    KernelBuffer buffers[MAX_KERNEL_PARAMETERS + MAX_KERNEL_LOCALS];
    int64_t *variables;
    RegisterBits *registers;
    KernelRun *run;
    Arena *arena;
} KernelInterpreter;

/* Always false. */
static bool fail(KernelInterpreter *interpreter, const Statement *statement, const char *what) {
    Text text = {0};
    if (statement != NULL && statement->kind == STATEMENT_INSTRUCTION)
        kernel_print_instruction(interpreter->kernel, &statement->instruction, &text);
    else if (statement != NULL)
        text_append(&text, statement->kind == STATEMENT_FOR  ? "for "
                           : statement->kind == STATEMENT_IF ? "if"
                                                             : "let ");
    if (statement != NULL && statement->kind != STATEMENT_INSTRUCTION &&
        statement->kind != STATEMENT_IF)
        text_format(&text, "%s%d", interpreter->kernel->variables[statement->variable],
            statement->variable);
    interpreter->run->fault = arena_format(interpreter->arena, "%s%s%s",
        text.length > 0 ? text.data : "", text.length > 0 ? ": " : "", what);
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

/* NULL, or what is wrong. */
static const char *expression_value(
    const KernelInterpreter *interpreter, const Expression *expression, int64_t *value) {
    int64_t a = 0, b = 0, at;
    const char *fault = NULL;
    if (expression->kind == EXPRESSION_CONSTANT || expression->kind == EXPRESSION_VARIABLE) {
        *value = expression->kind == EXPRESSION_CONSTANT
                     ? expression->constant
                     : interpreter->variables[expression->variable];
        return NULL;
    }
    fault = expression_value(interpreter, expression->left, &a);
    if (fault == NULL && expression->right != NULL)
        fault = expression_value(interpreter, expression->right, &b);
    if (fault != NULL)
        return fault;
    bool good = true;
    switch (expression->kind) {
    case EXPRESSION_ADD:
        good = !__builtin_add_overflow(a, b, value);
        break;
    case EXPRESSION_MULTIPLY:
        good = !__builtin_mul_overflow(a, b, value);
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
    case EXPRESSION_ELEMENT: {
        const KernelBuffer *table = &interpreter->buffers[expression->variable];
        int32_t element;
        if (!is_inside(table, a, 1, sizeof element, table->readable, &at))
            return "an element outside of its table";
        memcpy(&element, table->begin + at, sizeof element);
        *value = element;
        break;
    }
    case EXPRESSION_CONSTANT:
    case EXPRESSION_VARIABLE:
        break;
    }
    return good ? NULL : "an integer overflows";
}

/* ---- accesses ---- */

static void read_lanes(
    const unsigned char *bytes, int64_t size, int first, int count, RegisterBits *value) {
    for (int i = 0; i < count; i++) {
        uint32_t bits = 0;
        memcpy(&bits, bytes + i * size, (size_t)size); /* little-endian, as all of riffle */
        value->lanes[first + i] = bits;
    }
}

/* What was read is spread over all lanes, again and again. */
static void spread(int lanes, int count, RegisterBits *value) {
    for (int i = count; i < lanes; i++)
        value->lanes[i] = value->lanes[i - count];
}

static bool access_memory(KernelInterpreter *interpreter, const Statement *statement) {
    const Instruction *instruction = &statement->instruction;
    const Kernel *kernel = interpreter->kernel;
    MemoryAccess access = instruction_info(instruction->kind)->access;
    int64_t size = lane_bytes(kernel_buffer_element(kernel, instruction->parameter)), offset, at;
    int count = instruction->lane_count;
    const char *fault = expression_value(interpreter, instruction->offset, &offset);
    if (fault != NULL)
        return fail(interpreter, statement, fault);
    const KernelBuffer *buffer = &interpreter->buffers[instruction->parameter];
    int64_t limit = access == ACCESS_WRITE ? buffer->writable : buffer->readable;
    if (!is_inside(buffer, offset, count, size, limit, &at))
        return fail(interpreter, statement,
            arena_format(interpreter->arena,
                "element %" PRId64 " is outside: the buffer has %" PRId64
                " bytes, and begins at %" PRId64,
                offset, limit, buffer->offset));
    if (access == ACCESS_WRITE) {
        const RegisterBits *source = &interpreter->registers[instruction->sources[0]];
        for (int i = 0; i < count; i++)
            memcpy(buffer->begin + at + i * size, &source->lanes[instruction->first_lane + i],
                (size_t)size);
        return true;
    }
    RegisterBits *destination = &interpreter->registers[instruction->destination];
    *destination = (RegisterBits){0};
    read_lanes(buffer->begin + at, size, instruction->first_lane, count, destination);
    if (instruction->kind != INSTRUCTION_load)
        spread(kernel->register_lanes[instruction->destination], count, destination);
    return true;
}

/* ---- statements ---- */

static bool run_statements(KernelInterpreter *interpreter, const Block *block);

static bool take_step(KernelInterpreter *interpreter, const Statement *statement) {
    return interpreter->run->steps_left-- > 0 ||
           fail(interpreter, statement, "more steps than allowed");
}

static bool run_instruction(KernelInterpreter *interpreter, const Statement *statement) {
    const Instruction *instruction = &statement->instruction;
    switch (instruction_info(instruction->kind)->access) {
    case ACCESS_NONE:
        kernel_compute(interpreter->kernel, instruction, interpreter->registers);
        return true;
    case ACCESS_HINT: /* may be of any address */
        return true;
    case ACCESS_READ:
    case ACCESS_WRITE:
        break;
    }
    return access_memory(interpreter, statement);
}

static bool run_for(
    KernelInterpreter *interpreter, const Statement *statement, int64_t begin, int64_t end) {
    int64_t *variable = &interpreter->variables[statement->variable];
    for (*variable = begin; *variable < end;) {
        int64_t now = *variable;
        if (!take_step(interpreter, statement) || !run_statements(interpreter, &statement->body))
            return false;
        if (__builtin_add_overflow(now, statement->step, variable))
            return fail(interpreter, statement, "an integer overflows");
    }
    return true;
}

static bool run_statement(KernelInterpreter *interpreter, const Statement *statement) {
    int64_t begin, end = 0;
    if (!take_step(interpreter, statement))
        return false;
    if (statement->kind == STATEMENT_INSTRUCTION)
        return run_instruction(interpreter, statement);
    const char *fault = expression_value(interpreter, statement->begin, &begin);
    if (fault == NULL && statement->end != NULL)
        fault = expression_value(interpreter, statement->end, &end);
    if (fault != NULL)
        return fail(interpreter, statement, fault);
    if (statement->kind == STATEMENT_FOR)
        return run_for(interpreter, statement, begin, end);
    if (statement->kind == STATEMENT_LET)
        interpreter->variables[statement->variable] = begin;
    return statement->kind == STATEMENT_LET || begin >= end ||
           run_statements(interpreter, &statement->body);
}

static bool run_statements(KernelInterpreter *interpreter, const Block *block) {
    for (const Statement *statement = block->first; statement; statement = statement->next)
        if (!run_statement(interpreter, statement))
            return false;
    return true;
}

bool kernel_interpret(const Kernel *kernel, const KernelBuffer *buffers, int64_t begin, int64_t end,
    KernelRun *run, Arena *arena) {
    KernelInterpreter interpreter = {.kernel = kernel, .run = run, .arena = arena};
    run->fault = NULL;
    if (kernel->threads > 0)
        return fail(&interpreter, NULL, "a kernel of threads, which are not run");
    if (kernel->parameter_count > 0)
        memcpy(interpreter.buffers, buffers, (size_t)kernel->parameter_count * sizeof *buffers);
    for (int i = 0; i < kernel->local_count; i++) {
        int64_t bytes = kernel->local_floats[i] * (int64_t)sizeof(float);
        interpreter.buffers[MAX_KERNEL_PARAMETERS + i] =
            (KernelBuffer){ARENA_ARRAY(arena, unsigned char, bytes), 0, bytes, bytes};
    }
    interpreter.variables = ARENA_ARRAY(arena, int64_t, kernel->variable_count);
    interpreter.registers = ARENA_ARRAY(arena, RegisterBits, kernel->register_count);
    interpreter.variables[VARIABLE_BEGIN] = begin;
    interpreter.variables[VARIABLE_END] = end;
    return run_statements(&interpreter, &kernel->body);
}
