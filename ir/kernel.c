/* Kernel IR: expressions, building, and the rules that a kernel keeps. */
#include "ir/kernel.h"
#include <assert.h>
#include <string.h>

static const InstructionInfo instruction_table[INSTRUCTION_COUNT] = {
#define NONE ACCESS_NONE
#define READ ACCESS_READ
#define WRITE ACCESS_WRITE
#define HINT ACCESS_HINT
#define INSTRUCTION(name, sources, access, meaning) {#name, sources, access, meaning},
#include "ir/kernel.def"
#undef NONE
#undef READ
#undef WRITE
#undef HINT
};

const InstructionInfo *instruction_info(InstructionKind kind) {
    assert(kind < INSTRUCTION_COUNT);
    return &instruction_table[kind];
}

/* ---- expressions ---- */

static const Expression *make_expression(
    Arena *arena, ExpressionKind kind, const Expression *left, const Expression *right) {
    Expression *expression = ARENA_NEW(arena, Expression);
    expression->kind = kind;
    expression->left = left;
    expression->right = right;
    return expression;
}

const Expression *expression_constant(Arena *arena, int64_t constant) {
    Expression *expression = ARENA_NEW(arena, Expression);
    expression->kind = EXPRESSION_CONSTANT;
    expression->constant = constant;
    return expression;
}

bool expression_is_constant(const Expression *expression, int64_t *constant) {
    if (expression->kind != EXPRESSION_CONSTANT)
        return false;
    *constant = expression->constant;
    return true;
}

const Expression *expression_add(Arena *arena, const Expression *a, const Expression *b) {
    int64_t x, y;
    if (expression_is_constant(a, &x) && expression_is_constant(b, &y))
        return expression_constant(arena, x + y);
    if (expression_is_constant(a, &x))
        return expression_offset(arena, b, x);
    if (expression_is_constant(b, &y))
        return expression_offset(arena, a, y);
    return make_expression(arena, EXPRESSION_ADD, a, b);
}

const Expression *expression_offset(Arena *arena, const Expression *a, int64_t constant) {
    if (constant == 0)
        return a;
    if (a->kind == EXPRESSION_CONSTANT)
        return expression_constant(arena, a->constant + constant);
    /* (x + c) + d is x + (c + d): constants end up in the displacement of an address. */
    if (a->kind == EXPRESSION_ADD && a->right->kind == EXPRESSION_CONSTANT)
        return expression_offset(arena, a->left, a->right->constant + constant);
    return make_expression(arena, EXPRESSION_ADD, a, expression_constant(arena, constant));
}

const Expression *expression_multiply(Arena *arena, const Expression *a, int64_t factor) {
    if (factor == 0)
        return expression_constant(arena, 0);
    if (factor == 1)
        return a;
    if (a->kind == EXPRESSION_CONSTANT)
        return expression_constant(arena, a->constant * factor);
    if (a->kind == EXPRESSION_MULTIPLY) /* the right side is constant */
        return expression_multiply(arena, a->left, a->right->constant * factor);
    return make_expression(arena, EXPRESSION_MULTIPLY, a, expression_constant(arena, factor));
}

const Expression *expression_divide(Arena *arena, const Expression *a, int64_t divisor) {
    assert(divisor > 0);
    if (divisor == 1)
        return a;
    if (a->kind == EXPRESSION_CONSTANT)
        return expression_constant(arena, a->constant / divisor);
    return make_expression(arena, EXPRESSION_DIVIDE, a, expression_constant(arena, divisor));
}

const Expression *expression_remainder(Arena *arena, const Expression *a, int64_t divisor) {
    assert(divisor > 0);
    if (divisor == 1)
        return expression_constant(arena, 0);
    if (a->kind == EXPRESSION_CONSTANT)
        return expression_constant(arena, a->constant % divisor);
    return make_expression(arena, EXPRESSION_REMAINDER, a, expression_constant(arena, divisor));
}

const Expression *expression_minimum(Arena *arena, const Expression *a, const Expression *b) {
    int64_t x, y;
    if (expression_is_constant(a, &x) && expression_is_constant(b, &y))
        return x < y ? a : b;
    return make_expression(arena, EXPRESSION_MINIMUM, a, b);
}

const Expression *expression_maximum(Arena *arena, const Expression *a, const Expression *b) {
    int64_t x, y;
    if (expression_is_constant(a, &x) && expression_is_constant(b, &y))
        return x > y ? a : b;
    return make_expression(arena, EXPRESSION_MAXIMUM, a, b);
}

/* ---- building ---- */

static int add_variable(Kernel *kernel, const char *name) {
    if (kernel->variable_count == kernel->variable_capacity) {
        int capacity = kernel->variable_capacity * 2 + 8;
        const char **names = ARENA_ARRAY(kernel->arena, const char *, capacity);
        if (kernel->variable_count > 0)
            memcpy(names, kernel->variables, (size_t)kernel->variable_count * sizeof *names);
        kernel->variables = names;
        kernel->variable_capacity = capacity;
    }
    kernel->variables[kernel->variable_count] = name;
    return kernel->variable_count++;
}

void kernel_begin(KernelBuilder *builder, Arena *arena, int64_t extent) {
    memset(builder, 0, sizeof *builder);
    builder->arena = arena;
    Kernel *kernel = builder->kernel = ARENA_NEW(arena, Kernel);
    kernel->arena = arena;
    kernel->name = "";
    kernel->extent = extent;
    add_variable(kernel, "begin");
    add_variable(kernel, "end");
    builder->stack[0] = &kernel->body;
}

int kernel_parameter(KernelBuilder *builder, ParameterRole role, const char *name) {
    Kernel *kernel = builder->kernel;
    assert(kernel->parameter_count < MAX_KERNEL_PARAMETERS);
    kernel->parameters[kernel->parameter_count] = (KernelParameter){name, role};
    return kernel->parameter_count++;
}

int kernel_local(KernelBuilder *builder, int64_t floats) {
    Kernel *kernel = builder->kernel;
    assert(kernel->local_count < MAX_KERNEL_LOCALS);
    kernel->local_floats[kernel->local_count] = floats;
    return MAX_KERNEL_PARAMETERS + kernel->local_count++;
}

int kernel_register(KernelBuilder *builder, int lanes) {
    Kernel *kernel = builder->kernel;
    if (kernel->register_count == kernel->register_capacity) {
        int capacity = kernel->register_capacity * 2 + 32;
        int *registers = ARENA_ARRAY(kernel->arena, int, capacity);
        if (kernel->register_count > 0)
            memcpy(registers, kernel->register_lanes,
                (size_t)kernel->register_count * sizeof *registers);
        kernel->register_lanes = registers;
        kernel->register_capacity = capacity;
    }
    kernel->register_lanes[kernel->register_count] = lanes;
    return kernel->register_count++;
}

const Expression *kernel_variable(KernelBuilder *builder, int variable) {
    Expression *expression = ARENA_NEW(builder->arena, Expression);
    expression->kind = EXPRESSION_VARIABLE;
    expression->variable = variable;
    return expression;
}

static Statement *append_statement(KernelBuilder *builder, StatementKind kind) {
    Statement *statement = ARENA_NEW(builder->arena, Statement);
    statement->kind = kind;
    Block *block = builder->stack[builder->depth];
    if (block->last)
        block->last->next = statement;
    else
        block->first = statement;
    block->last = statement;
    return statement;
}

static void open_block(KernelBuilder *builder, Block *block) {
    assert(builder->depth + 1 < (int)(sizeof builder->stack / sizeof *builder->stack));
    builder->stack[++builder->depth] = block;
}

const Expression *kernel_open_for(KernelBuilder *builder, const char *name, const Expression *begin,
    const Expression *end, int64_t step) {
    assert(step > 0);
    int64_t first, last;
    if (expression_is_constant(begin, &first) && expression_is_constant(end, &last) &&
        first < last && first + step >= last) {
        open_block(builder, builder->stack[builder->depth]);
        return begin;
    }
    Statement *statement = append_statement(builder, STATEMENT_FOR);
    statement->variable = add_variable(builder->kernel, name);
    statement->begin = begin;
    statement->end = end;
    statement->step = step;
    open_block(builder, &statement->body);
    return kernel_variable(builder, statement->variable);
}

const Expression *kernel_open_range(
    KernelBuilder *builder, const char *name, int64_t begin, int64_t end, int64_t step) {
    return kernel_open_for(builder, name, expression_constant(builder->arena, begin),
        expression_constant(builder->arena, end), step);
}

void kernel_open_if_less(KernelBuilder *builder, const Expression *a, const Expression *b) {
    Statement *statement = append_statement(builder, STATEMENT_IF);
    statement->begin = a;
    statement->end = b;
    open_block(builder, &statement->body);
}

void kernel_close(KernelBuilder *builder) {
    assert(builder->depth > 0);
    builder->depth--;
}

static Instruction *append_instruction(
    KernelBuilder *builder, InstructionKind kind, int destination, int a, int b, int c) {
    Instruction *instruction = &append_statement(builder, STATEMENT_INSTRUCTION)->instruction;
    *instruction = (Instruction){.kind = kind, .destination = destination, .sources = {a, b, c}};
    return instruction;
}

void kernel_splat(KernelBuilder *builder, int destination, float constant) {
    append_instruction(builder, INSTRUCTION_splat, destination, -1, -1, -1)->constant = constant;
}

static void append_access(KernelBuilder *builder, InstructionKind kind, int destination, int source,
    int parameter, const Expression *offset, int first_lane, int lane_count) {
    Instruction *instruction = append_instruction(builder, kind, destination, source, -1, -1);
    instruction->parameter = parameter;
    instruction->offset = offset;
    instruction->first_lane = first_lane;
    instruction->lane_count = lane_count;
}

void kernel_load(KernelBuilder *builder, int destination, int parameter, const Expression *offset,
    int first_lane, int lane_count) {
    append_access(
        builder, INSTRUCTION_load, destination, -1, parameter, offset, first_lane, lane_count);
}

void kernel_broadcast(
    KernelBuilder *builder, int destination, int parameter, const Expression *offset) {
    append_access(builder, INSTRUCTION_broadcast, destination, -1, parameter, offset, 0, 1);
}

void kernel_store(KernelBuilder *builder, int source, int parameter, const Expression *offset,
    int first_lane, int lane_count) {
    append_access(
        builder, INSTRUCTION_store, -1, source, parameter, offset, first_lane, lane_count);
}

void kernel_prefetch(KernelBuilder *builder, int parameter, const Expression *offset) {
    append_access(builder, INSTRUCTION_prefetch, -1, -1, parameter, offset, 0, 1);
}

void kernel_unary(KernelBuilder *builder, InstructionKind kind, int destination, int a) {
    append_instruction(builder, kind, destination, a, -1, -1);
}

void kernel_binary(KernelBuilder *builder, InstructionKind kind, int destination, int a, int b) {
    append_instruction(builder, kind, destination, a, b, -1);
}

void kernel_multiply_add(KernelBuilder *builder, int destination, int a, int b, int c) {
    append_instruction(builder, INSTRUCTION_multiply_add, destination, a, b, c);
}

void kernel_permute(KernelBuilder *builder, int destination, int a, int b, const int *indices) {
    append_instruction(builder, INSTRUCTION_permute, destination, a, b, -1)->indices = indices;
}

/* ---- reading ---- */

int64_t kernel_local_bytes(const Kernel *kernel) {
    int64_t bytes = 0;
    for (int i = 0; i < kernel->local_count; i++)
        bytes += kernel->local_floats[i] * (int64_t)sizeof(float);
    return bytes;
}

/* The lanes of a register, or 0 when there is no such register. */
static int lanes_of(const Kernel *kernel, int index) {
    return index >= 0 && index < kernel->register_count ? kernel->register_lanes[index] : 0;
}

static const char *instruction_fault(const Kernel *kernel, const Instruction *instruction) {
    const InstructionInfo *info = instruction_info(instruction->kind);
    int lanes = lanes_of(kernel, instruction->kind == INSTRUCTION_store ? instruction->sources[0]
                                                                        : instruction->destination);
    if (instruction->kind == INSTRUCTION_prefetch)
        lanes = 1;
    if (lanes <= 0)
        return "a register is out of range";
    for (int i = 0; i < info->source_count; i++) {
        int source_lanes = lanes_of(kernel, instruction->sources[i]);
        if (source_lanes <= 0)
            return "a source register is out of range";
        bool free_lanes = instruction->kind == INSTRUCTION_permute ||
                          instruction->kind == INSTRUCTION_reduce_add ||
                          instruction->kind == INSTRUCTION_reduce_maximum;
        if (!free_lanes && source_lanes != lanes)
            return "source and destination differ in lanes";
    }
    if (info->access != ACCESS_NONE) {
        int local = instruction->parameter - MAX_KERNEL_PARAMETERS;
        bool is_local = local >= 0 && local < kernel->local_count;
        if (!is_local &&
            (instruction->parameter < 0 || instruction->parameter >= kernel->parameter_count))
            return "a parameter is out of range";
        bool writes =
            !is_local && kernel->parameters[instruction->parameter].role == PARAMETER_WRITE;
        if (!is_local && (info->access == ACCESS_WRITE) != writes)
            return "a parameter is read and written against its role";
        if (instruction->first_lane < 0 || instruction->lane_count < 1 ||
            instruction->first_lane + instruction->lane_count > lanes)
            return "an access covers lanes that the register has not";
    }
    if (instruction->kind == INSTRUCTION_permute) {
        int a = lanes_of(kernel, instruction->sources[0]);
        if (a != lanes_of(kernel, instruction->sources[1]))
            return "the sources of a permute differ in lanes";
        for (int lane = 0; lane < lanes; lane++)
            if (instruction->indices[lane] < 0 || instruction->indices[lane] >= 2 * a)
                return "a permute takes a lane that its sources have not";
    }
    return NULL;
}

static const char *block_fault(const Kernel *kernel, const Block *block) {
    for (const Statement *statement = block->first; statement; statement = statement->next) {
        const char *fault = statement->kind == STATEMENT_INSTRUCTION
                                ? instruction_fault(kernel, &statement->instruction)
                                : block_fault(kernel, &statement->body);
        if (fault)
            return fault;
    }
    return NULL;
}

const char *kernel_fault(const Kernel *kernel) {
    return block_fault(kernel, &kernel->body);
}
