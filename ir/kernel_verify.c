/* The rules that a kernel keeps. */
#include "ir/kernel.h"

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

/* Arithmetic is of f32; some of it of f16, too. */
static bool computes_f16(InstructionKind kind) {
    switch (kind) {
    case INSTRUCTION_broadcast:
    case INSTRUCTION_add:
    case INSTRUCTION_subtract:
    case INSTRUCTION_multiply:
    case INSTRUCTION_minimum:
    case INSTRUCTION_maximum:
    case INSTRUCTION_maximum_or_nan:
    case INSTRUCTION_multiply_add:
    case INSTRUCTION_permute:
        return true;
    default:
        return false;
    }
}

static bool types_fit(const Kernel *kernel, const Instruction *instruction, int lanes) {
    int destination = instruction->destination;
    const int *sources = instruction->sources;
    if (computes_f16(instruction->kind) && all_are(kernel, instruction, LANE_F16))
        return true;
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
    case INSTRUCTION_multiply_add:
        return all_are(kernel, instruction, LANE_F32) ||
               (is_register(kernel, destination, LANE_S32, lanes) &&
                   is_register(kernel, sources[0], LANE_S16, lanes) &&
                   is_register(kernel, sources[1], LANE_S16, lanes) &&
                   is_register(kernel, sources[2], LANE_S32, lanes));
    case INSTRUCTION_flip:
        return all_are(kernel, instruction, LANE_U8);
    case INSTRUCTION_dot_add:
    case INSTRUCTION_signed_dot_add:
    case INSTRUCTION_half_dot_add:
        return is_register(kernel, destination, LANE_S32, lanes) &&
               is_register(kernel, sources[0], LANE_U8, 4 * lanes) &&
               is_register(kernel, sources[1], LANE_U8, 4 * lanes) &&
               is_register(kernel, sources[2], LANE_S32, lanes);
    case INSTRUCTION_broadcast_pair:
        return is_register(kernel, destination, LANE_BF16, lanes) && lanes % 2 == 0;
    case INSTRUCTION_pair_add: {
        LaneType sum = type_of(kernel, destination) == LANE_F32 ? LANE_F32 : LANE_S32;
        LaneType from = sum == LANE_F32 ? LANE_BF16 : LANE_S16;
        return is_register(kernel, destination, sum, lanes) &&
               is_register(kernel, sources[0], from, 2 * lanes) &&
               is_register(kernel, sources[1], from, 2 * lanes) &&
               is_register(kernel, sources[2], sum, lanes);
    }
    case INSTRUCTION_widen_even:
    case INSTRUCTION_widen_odd: {
        LaneType to = type_of(kernel, destination) == LANE_F32 ? LANE_F32 : LANE_S16;
        return is_register(kernel, destination, to, lanes) &&
               is_register(kernel, sources[0], to == LANE_F32 ? LANE_BF16 : LANE_U8, 2 * lanes);
    }
    case INSTRUCTION_to_float:
        return is_register(kernel, destination, LANE_F32, lanes) &&
               is_register(kernel, sources[0], LANE_S32, lanes);
    case INSTRUCTION_to_integer:
        return is_register(kernel, destination, LANE_S32, lanes) &&
               is_register(kernel, sources[0], LANE_F32, lanes);
    case INSTRUCTION_widen: {
        LaneType from = type_of(kernel, sources[0]), to = type_of(kernel, destination);
        return from == LANE_BF16 || from == LANE_F16
                   ? to == LANE_F32
                   : from == LANE_U8 && (to == LANE_S32 || to == LANE_S16);
    }
    case INSTRUCTION_narrow: {
        LaneType to = type_of(kernel, destination);
        LaneType from = to == LANE_BF16 || to == LANE_F16 ? LANE_F32 : LANE_S32;
        return (from == LANE_F32 || to == LANE_U8) && is_register(kernel, sources[0], from, lanes);
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

/* Whether lanes of the type can hold the constant: integers only what is one, within their range.
 */
static bool constant_fits(LaneType type, float constant) {
    static const struct {
        float least, most;
    } ranges[LANE_TYPE_COUNT] = {
        [LANE_S32] = {-0x1p31f, 0x1.fffffep30f},
        [LANE_S16] = {INT16_MIN, INT16_MAX},
        [LANE_U8] = {0, UINT8_MAX},
    };
    if (type == LANE_F32 || type == LANE_BF16 || type == LANE_F16)
        return true;
    return constant >= ranges[type].least && constant <= ranges[type].most &&
           constant == (float)(int64_t)constant;
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
           kind == INSTRUCTION_signed_dot_add || kind == INSTRUCTION_half_dot_add ||
           kind == INSTRUCTION_pair_add || kind == INSTRUCTION_widen_even ||
           kind == INSTRUCTION_widen_odd || kind == INSTRUCTION_pack;
}

const char *kernel_instruction_fault(const Kernel *kernel, const Instruction *instruction) {
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
    if (instruction->kind == INSTRUCTION_splat &&
        !constant_fits(type_of(kernel, instruction->destination), instruction->constant))
        return "the lanes of the register cannot hold the constant";
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
            fault = kernel_instruction_fault(kernel, instruction);
            if (!fault && instruction->offset)
                fault = expression_fault(kernel, instruction->offset);
            if (!fault && diverges && instruction->kind == INSTRUCTION_barrier)
                fault = "a barrier that not all threads reach";
        } else {
            fault = expression_fault(kernel, statement->begin);
            if (!fault && statement->end)
                fault = expression_fault(kernel, statement->end);
            if (fault)
                return fault;
            bool begin = is_divergent(statement->begin, divergent);
            bool end = statement->end && is_divergent(statement->end, divergent);
            if (statement->kind != STATEMENT_IF)
                divergent[statement->variable] = begin;
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
