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

int64_t lane_bytes(LaneType type) {
    static const int64_t bytes[] = {[LANE_F32] = 4,
        [LANE_S32] = 4,
        [LANE_S16] = 2,
        [LANE_U8] = 1,
        [LANE_BF16] = 2,
        [LANE_TYPE_COUNT] = 0};
    return bytes[type];
}

const char *lane_type_name(LaneType type) {
    static const char *const names[] = {[LANE_F32] = "f32",
        [LANE_S32] = "s32",
        [LANE_S16] = "s16",
        [LANE_U8] = "u8",
        [LANE_BF16] = "bf16",
        [LANE_TYPE_COUNT] = ""};
    return names[type];
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

const Expression *expression_element(Arena *arena, int parameter, const Expression *index) {
    Expression *expression = ARENA_NEW(arena, Expression);
    expression->kind = EXPRESSION_ELEMENT;
    expression->variable = parameter;
    expression->left = index;
    return expression;
}

bool expression_is_constant(const Expression *expression, int64_t *constant) {
    if (expression->kind != EXPRESSION_CONSTANT)
        return false;
    *constant = expression->constant;
    return true;
}

bool expressions_are_equal(const Expression *a, const Expression *b) {
    if (a == b)
        return true;
    if (a->kind != b->kind)
        return false;
    if (a->kind == EXPRESSION_CONSTANT)
        return a->constant == b->constant;
    if (a->kind == EXPRESSION_VARIABLE)
        return a->variable == b->variable;
    return a->kind != EXPRESSION_ELEMENT && expressions_are_equal(a->left, b->left) &&
           expressions_are_equal(a->right, b->right);
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
    if (kernel->register_count == kernel->register_capacity) {
        int capacity = kernel->register_capacity * 2 + 32;
        int *all_lanes = ARENA_ARRAY(kernel->arena, int, capacity);
        LaneType *types = ARENA_ARRAY(kernel->arena, LaneType, capacity);
        size_t count = (size_t)kernel->register_count;
        if (count > 0) {
            memcpy(all_lanes, kernel->register_lanes, count * sizeof *all_lanes);
            memcpy(types, kernel->register_types, count * sizeof *types);
        }
        kernel->register_lanes = all_lanes;
        kernel->register_types = types;
        kernel->register_capacity = capacity;
    }
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

void kernel_pair_add(KernelBuilder *builder, int destination, int a, int b, int c) {
    append_instruction(builder, INSTRUCTION_pair_add, destination, a, b, c);
}

void kernel_permute(KernelBuilder *builder, int destination, int a, int b, const int *indices) {
    append_instruction(builder, INSTRUCTION_permute, destination, a, b, -1)->indices = indices;
}

/* ---- reading ---- */

LaneType kernel_buffer_element(const Kernel *kernel, int parameter) {
    return parameter >= MAX_KERNEL_PARAMETERS
               ? kernel->local_elements[parameter - MAX_KERNEL_PARAMETERS]
               : kernel->parameters[parameter].element;
}

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

/* The type of a register; that of floats when there is no such register. */
static LaneType type_of(const Kernel *kernel, int index) {
    return lanes_of(kernel, index) > 0 ? kernel->register_types[index] : LANE_F32;
}

static bool is_register(const Kernel *kernel, int index, LaneType type, int lanes) {
    return type_of(kernel, index) == type && lanes_of(kernel, index) == lanes;
}

/* Whether destination and sources are all of one type. */
static bool all_are(const Kernel *kernel, const Instruction *instruction, LaneType type) {
    bool good = instruction->destination < 0 || type_of(kernel, instruction->destination) == type;
    for (int i = 0; i < instruction_info(instruction->kind)->source_count; i++)
        good = good && type_of(kernel, instruction->sources[i]) == type;
    return good;
}

static bool types_fit(const Kernel *kernel, const Instruction *instruction, int lanes) {
    int destination = instruction->destination;
    const int *sources = instruction->sources;
    switch (instruction->kind) {
    case INSTRUCTION_splat:
    case INSTRUCTION_load:
    case INSTRUCTION_store:
    case INSTRUCTION_prefetch:
        return true;
    case INSTRUCTION_move:
        return all_are(kernel, instruction, type_of(kernel, destination));
    case INSTRUCTION_maximum:
    case INSTRUCTION_permute:
        return all_are(kernel, instruction, LANE_F32) || all_are(kernel, instruction, LANE_U8) ||
               (instruction->kind == INSTRUCTION_permute &&
                   all_are(kernel, instruction, LANE_BF16));
    case INSTRUCTION_broadcast_quad:
        return is_register(kernel, destination, LANE_U8, lanes) && lanes % 4 == 0;
    case INSTRUCTION_dot_add:
        return is_register(kernel, destination, LANE_S32, lanes) &&
               is_register(kernel, sources[0], LANE_U8, 4 * lanes) &&
               is_register(kernel, sources[1], LANE_U8, 4 * lanes) &&
               is_register(kernel, sources[2], LANE_S32, lanes);
    case INSTRUCTION_broadcast_pair:
        return is_register(kernel, destination, LANE_BF16, lanes) && lanes % 2 == 0;
    case INSTRUCTION_pair_add:
        return is_register(kernel, destination, LANE_F32, lanes) &&
               is_register(kernel, sources[0], LANE_BF16, 2 * lanes) &&
               is_register(kernel, sources[1], LANE_BF16, 2 * lanes) &&
               is_register(kernel, sources[2], LANE_F32, lanes);
    case INSTRUCTION_widen_even:
    case INSTRUCTION_widen_odd:
        return is_register(kernel, destination, LANE_F32, lanes) &&
               is_register(kernel, sources[0], LANE_BF16, 2 * lanes);
    case INSTRUCTION_to_float:
        return is_register(kernel, destination, LANE_F32, lanes) &&
               is_register(kernel, sources[0], LANE_S32, lanes);
    case INSTRUCTION_to_integer:
        return is_register(kernel, destination, LANE_S32, lanes) &&
               is_register(kernel, sources[0], LANE_F32, lanes);
    case INSTRUCTION_widen: {
        LaneType from = type_of(kernel, destination) == LANE_F32 ? LANE_BF16 : LANE_U8;
        return (from == LANE_BF16 || type_of(kernel, destination) == LANE_S32) &&
               is_register(kernel, sources[0], from, lanes);
    }
    case INSTRUCTION_narrow: {
        LaneType from = type_of(kernel, destination) == LANE_BF16 ? LANE_F32 : LANE_S32;
        return (from == LANE_F32 || type_of(kernel, destination) == LANE_U8) &&
               is_register(kernel, sources[0], from, lanes);
    }
    case INSTRUCTION_pack: {
        LaneType from = type_of(kernel, destination) == LANE_U8 ? LANE_S16 : LANE_S32;
        return (from == LANE_S16 || type_of(kernel, destination) == LANE_S16) &&
               is_register(kernel, sources[0], from, lanes / 2) &&
               is_register(kernel, sources[1], from, lanes / 2) &&
               lanes * lane_bytes(type_of(kernel, destination)) % 16 == 0;
    }
    default:
        return all_are(kernel, instruction, LANE_F32);
    }
}

static const char *access_fault(const Kernel *kernel, const Instruction *instruction, int lanes) {
    MemoryAccess access = instruction_info(instruction->kind)->access;
    int local = instruction->parameter - MAX_KERNEL_PARAMETERS;
    bool is_local = local >= 0 && local < kernel->local_count;
    if (!is_local &&
        (instruction->parameter < 0 || instruction->parameter >= kernel->parameter_count))
        return "a parameter is out of range";
    ParameterRole role =
        is_local ? PARAMETER_UPDATE : kernel->parameters[instruction->parameter].role;
    bool writes = role == PARAMETER_WRITE;
    if (role != PARAMETER_UPDATE && (access == ACCESS_WRITE) != writes)
        return "a parameter is read and written against its role";
    if (instruction->first_lane < 0 || instruction->lane_count < 1 ||
        instruction->first_lane + instruction->lane_count > lanes)
        return "an access covers lanes that the register has not";
    LaneType element = kernel_buffer_element(kernel, instruction->parameter);
    int accessed = access == ACCESS_WRITE ? instruction->sources[0] : instruction->destination;
    if (accessed >= 0 && lane_bytes(element) != lane_bytes(type_of(kernel, accessed)))
        return "the lanes of a register are not as large as the numbers of the buffer";
    return NULL;
}

static const char *permute_fault(const Kernel *kernel, const Instruction *instruction, int lanes) {
    int a = lanes_of(kernel, instruction->sources[0]);
    if (a != lanes_of(kernel, instruction->sources[1]))
        return "the sources of a permute differ in lanes";
    for (int lane = 0; lane < lanes; lane++)
        if (instruction->indices[lane] < 0 || instruction->indices[lane] >= 2 * a)
            return "a permute takes a lane that its sources have not";
    return NULL;
}

static bool has_free_lanes(InstructionKind kind) {
    return kind == INSTRUCTION_permute || kind == INSTRUCTION_reduce_add ||
           kind == INSTRUCTION_reduce_maximum || kind == INSTRUCTION_dot_add ||
           kind == INSTRUCTION_pair_add || kind == INSTRUCTION_widen_even ||
           kind == INSTRUCTION_widen_odd || kind == INSTRUCTION_pack;
}

static const char *instruction_fault(const Kernel *kernel, const Instruction *instruction) {
    const InstructionInfo *info = instruction_info(instruction->kind);
    if (instruction->kind == INSTRUCTION_barrier)
        return kernel->threads > 0 ? NULL : "a barrier outside of a kernel of threads";
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
        if (!has_free_lanes(instruction->kind) && source_lanes != lanes)
            return "source and destination differ in lanes";
    }
    if (!types_fit(kernel, instruction, lanes))
        return "a register has lanes of another type than the instruction wants";
    const char *fault =
        info->access == ACCESS_NONE ? NULL : access_fault(kernel, instruction, lanes);
    if (!fault && instruction->kind == INSTRUCTION_permute)
        fault = permute_fault(kernel, instruction, lanes);
    return fault;
}

/* Which variables differ from thread to thread. */
static bool is_divergent(const Expression *expression, const bool *divergent) {
    switch (expression->kind) {
    case EXPRESSION_CONSTANT:
        return false;
    case EXPRESSION_VARIABLE:
        return divergent[expression->variable];
    case EXPRESSION_ELEMENT:
        return is_divergent(expression->left, divergent);
    case EXPRESSION_ADD:
    case EXPRESSION_MULTIPLY:
    case EXPRESSION_DIVIDE:
    case EXPRESSION_REMAINDER:
    case EXPRESSION_MINIMUM:
    case EXPRESSION_MAXIMUM:
        break;
    }
    return is_divergent(expression->left, divergent) || is_divergent(expression->right, divergent);
}

static const char *expression_fault(const Kernel *kernel, const Expression *expression) {
    if (expression->kind == EXPRESSION_CONSTANT)
        return NULL;
    if (expression->kind == EXPRESSION_VARIABLE)
        return expression->variable >= 0 && expression->variable < kernel->variable_count
                   ? NULL
                   : "a variable is out of range";
    if (expression->kind == EXPRESSION_ELEMENT) {
        bool table = expression->variable >= 0 && expression->variable < kernel->parameter_count &&
                     kernel->parameters[expression->variable].role == PARAMETER_TABLE;
        return table ? expression_fault(kernel, expression->left)
                     : "an element is taken of what is no table";
    }
    const char *fault = expression_fault(kernel, expression->left);
    return fault ? fault : expression_fault(kernel, expression->right);
}

/* `diverges`: some threads of the block may not run it. */
static const char *block_fault(
    const Kernel *kernel, const Block *block, bool *divergent, bool diverges) {
    for (const Statement *statement = block->first; statement; statement = statement->next) {
        const char *fault = NULL;
        const Instruction *instruction = &statement->instruction;
        if (statement->kind == STATEMENT_INSTRUCTION) {
            fault = instruction_fault(kernel, instruction);
            if (!fault && instruction->offset)
                fault = expression_fault(kernel, instruction->offset);
            if (!fault && diverges && instruction->kind == INSTRUCTION_barrier)
                fault = "a barrier that not all threads reach";
        } else {
            bool begin = is_divergent(statement->begin, divergent);
            bool end = statement->end && is_divergent(statement->end, divergent);
            fault = expression_fault(kernel, statement->begin);
            if (!fault && statement->end)
                fault = expression_fault(kernel, statement->end);
            if (statement->kind != STATEMENT_IF)
                divergent[statement->variable] = begin;
            if (!fault)
                fault = block_fault(kernel, &statement->body, divergent, diverges || begin || end);
        }
        if (fault)
            return fault;
    }
    return NULL;
}

const char *kernel_fault(const Kernel *kernel) {
    bool *divergent = ARENA_ARRAY(kernel->arena, bool, kernel->variable_count + 1);
    if (kernel->threads > 0)
        divergent[kernel->thread_variable] = true;
    return block_fault(kernel, &kernel->body, divergent, false);
}
