/* Building kernels: parameters, registers, and a cursor that appends statements. */
#include "ir/kernel.h"
#include <assert.h>
#include <string.h>

static int add_variable(Kernel *kernel, const char *name) {
    ARENA_GROW(
        kernel->arena, kernel->variables, kernel->variable_count, kernel->variable_capacity, 8);
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
    return kernel_parameter_of(builder, role, name, LANE_F32);
}

int kernel_parameter_of(
    KernelBuilder *builder, ParameterRole role, const char *name, LaneType element) {
    Kernel *kernel = builder->kernel;
    assert(kernel->parameter_count < MAX_KERNEL_PARAMETERS);
    kernel->parameters[kernel->parameter_count] = (KernelParameter){name, role, element};
    return kernel->parameter_count++;
}

int kernel_local(KernelBuilder *builder, int64_t floats) {
    return kernel_local_of(builder, LANE_F32, floats);
}

int kernel_local_of(KernelBuilder *builder, LaneType element, int64_t numbers) {
    Kernel *kernel = builder->kernel;
    int64_t bytes = numbers * lane_bytes(element), size = lane_bytes(LANE_F32);
    assert(kernel->local_count < MAX_KERNEL_LOCALS);
    kernel->local_floats[kernel->local_count] = (bytes + size - 1) / size;
    kernel->local_elements[kernel->local_count] = element;
    return MAX_KERNEL_PARAMETERS + kernel->local_count++;
}

int kernel_packing_local(KernelBuilder *builder, int64_t floats) {
    builder->kernel->local_packs[builder->kernel->local_count] = true;
    return kernel_local(builder, floats);
}

int kernel_register(KernelBuilder *builder, int lanes) {
    return kernel_register_of(builder, LANE_F32, lanes);
}

int kernel_register_of(KernelBuilder *builder, LaneType type, int lanes) {
    Kernel *kernel = builder->kernel;
    int types_capacity = kernel->register_capacity; /* that of the lanes, too */
    ARENA_GROW(kernel->arena, kernel->register_types, kernel->register_count, types_capacity, 32);
    ARENA_GROW(kernel->arena, kernel->register_lanes, kernel->register_count,
        kernel->register_capacity, 32);
    kernel->register_lanes[kernel->register_count] = lanes;
    kernel->register_types[kernel->register_count] = type;
    return kernel->register_count++;
}

const Expression *kernel_variable(KernelBuilder *builder, int variable) {
    Expression *expression = ARENA_NEW(builder->arena, Expression);
    expression->kind = EXPRESSION_VARIABLE;
    expression->variable = variable;
    return expression;
}

const Expression *kernel_threads(KernelBuilder *builder, int threads) {
    builder->kernel->threads = threads;
    builder->kernel->thread_variable = add_variable(builder->kernel, "thread");
    return kernel_variable(builder, builder->kernel->thread_variable);
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

const Expression *kernel_let(KernelBuilder *builder, const char *name, const Expression *value) {
    if (value->kind == EXPRESSION_CONSTANT || value->kind == EXPRESSION_VARIABLE)
        return value;
    Statement *statement = append_statement(builder, STATEMENT_LET);
    statement->variable = add_variable(builder->kernel, name);
    statement->begin = value;
    return kernel_variable(builder, statement->variable);
}

Statement *kernel_append(KernelBuilder *builder, StatementKind kind) {
    return append_statement(builder, kind);
}

void kernel_open(KernelBuilder *builder, Statement *statement) {
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

void kernel_broadcast_quad(
    KernelBuilder *builder, int destination, int parameter, const Expression *offset) {
    append_access(builder, INSTRUCTION_broadcast_quad, destination, -1, parameter, offset, 0, 4);
}

void kernel_broadcast_pair(
    KernelBuilder *builder, int destination, int parameter, const Expression *offset) {
    append_access(builder, INSTRUCTION_broadcast_pair, destination, -1, parameter, offset, 0, 2);
}

void kernel_store(KernelBuilder *builder, int source, int parameter, const Expression *offset,
    int first_lane, int lane_count) {
    append_access(
        builder, INSTRUCTION_store, -1, source, parameter, offset, first_lane, lane_count);
}

void kernel_prefetch(KernelBuilder *builder, int parameter, const Expression *offset) {
    append_access(builder, INSTRUCTION_prefetch, -1, -1, parameter, offset, 0, 1);
}

void kernel_barrier(KernelBuilder *builder) {
    append_instruction(builder, INSTRUCTION_barrier, -1, -1, -1, -1);
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

void kernel_dot_add(KernelBuilder *builder, int destination, int a, int b, int c) {
    append_instruction(builder, INSTRUCTION_dot_add, destination, a, b, c);
}

void kernel_signed_dot_add(KernelBuilder *builder, int destination, int a, int b, int c) {
    append_instruction(builder, INSTRUCTION_signed_dot_add, destination, a, b, c);
}

void kernel_half_dot_add(KernelBuilder *builder, int destination, int a, int b, int c) {
    append_instruction(builder, INSTRUCTION_half_dot_add, destination, a, b, c);
}

void kernel_pair_add(KernelBuilder *builder, int destination, int a, int b, int c) {
    append_instruction(builder, INSTRUCTION_pair_add, destination, a, b, c);
}

void kernel_permute(KernelBuilder *builder, int destination, int a, int b, const int *indices) {
    append_instruction(builder, INSTRUCTION_permute, destination, a, b, -1)->indices = indices;
}
