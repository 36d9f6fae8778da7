#include "ir/kernel_lanes.h"

LaneMask lane_range(int first, int count) {
    LaneMask lanes = count >= MOST_LANES ? ~(LaneMask)0 : ((LaneMask)1 << count) - 1;
    return lanes << first;
}

/* ---- which lanes reach a store ---- */

static LaneMask permuted_sources(
    const Instruction *instruction, LaneMask used, int lanes, int source_lanes, int source) {
    LaneMask mask = 0;
    for (int i = 0; i < lanes; i++) {
        int from = instruction->indices[i] - source * source_lanes;
        if ((used >> i & 1) && from >= 0 && from < source_lanes)
            mask |= (LaneMask)1 << from;
    }
    return mask;
}

/* Bytes 4i to 4i+3 for each lane i that is used. */
static LaneMask quads_of(LaneMask used, int lanes) {
    LaneMask mask = 0;
    for (int i = 0; i < lanes; i++)
        if (used >> i & 1)
            mask |= lane_range(4 * i, 4);
    return mask;
}

/* Lanes 2i and 2i+1, or one of them, for each lane i that is used. */
static LaneMask pairs_of(LaneMask used, int lanes, int first, int count) {
    LaneMask mask = 0;
    for (int i = 0; i < lanes; i++)
        if (used >> i & 1)
            mask |= lane_range(2 * i + first, count);
    return mask;
}

/* A pack's sources take turns: `block` lanes of the result from one, then from the other. */
static LaneMask packed_sources(LaneMask used, int lanes, int block, int source) {
    LaneMask mask = 0;
    for (int i = 0; i < lanes; i++)
        if ((used >> i & 1) && i / block % 2 == source)
            mask |= (LaneMask)1 << (i / block / 2 * block + i % block);
    return mask;
}

/* The lanes of its source that the instruction needs for the lanes of its result that are used. */
static LaneMask needed_lanes(
    const Kernel *kernel, const LaneMask *used_lanes, const Instruction *instruction, int source) {
    const int *lanes = kernel->register_lanes;
    if (instruction->kind == INSTRUCTION_store)
        return lane_range(instruction->first_lane, instruction->lane_count);
    LaneMask used = used_lanes[instruction->destination];
    int source_lanes = lanes[instruction->sources[source]];
    if (instruction->kind == INSTRUCTION_permute)
        return permuted_sources(
            instruction, used, lanes[instruction->destination], source_lanes, source);
    if ((instruction->kind == INSTRUCTION_dot_add ||
            instruction->kind == INSTRUCTION_signed_dot_add) &&
        source < 2)
        return quads_of(used, lanes[instruction->destination]);
    if (instruction->kind == INSTRUCTION_half_dot_add && source < 2) {
        int lanes_here = lanes[instruction->destination];
        LaneMask pairs = pairs_of(used, lanes_here, 0, 2);
        return pairs | pairs << 2 * lanes_here;
    }
    if (instruction->kind == INSTRUCTION_pair_add && source < 2)
        return pairs_of(used, lanes[instruction->destination], 0, 2);
    if (instruction->kind == INSTRUCTION_widen_even || instruction->kind == INSTRUCTION_widen_odd)
        return pairs_of(
            used, lanes[instruction->destination], instruction->kind == INSTRUCTION_widen_odd, 1);
    if (instruction->kind == INSTRUCTION_pack) {
        LaneType type = kernel->register_types[instruction->destination];
        return packed_sources(
            used, lanes[instruction->destination], (int)(8 / lane_bytes(type)), source);
    }
    if (instruction->kind == INSTRUCTION_reduce_add ||
        instruction->kind == INSTRUCTION_reduce_maximum)
        return used != 0 ? lane_range(0, source_lanes) : 0;
    return used;
}

static bool spread_used_lanes(const Kernel *kernel, const Block *block, LaneMask *used_lanes) {
    bool changed = false;
    for (const Statement *statement = block->first; statement; statement = statement->next) {
        if (statement->kind != STATEMENT_INSTRUCTION) {
            changed |= spread_used_lanes(kernel, &statement->body, used_lanes);
            continue;
        }
        const Instruction *instruction = &statement->instruction;
        int sources = instruction_info(instruction->kind)->source_count;
        for (int i = 0; i < sources; i++) {
            LaneMask *used = &used_lanes[instruction->sources[i]];
            LaneMask more = *used | needed_lanes(kernel, used_lanes, instruction, i);
            changed |= more != *used;
            *used = more;
        }
    }
    return changed;
}

LaneMask *kernel_used_lanes(const Kernel *kernel, Arena *arena) {
    LaneMask *used = ARENA_ARRAY(arena, LaneMask, kernel->register_count + 1);
    while (spread_used_lanes(kernel, &kernel->body, used))
        continue;
    return used;
}

/* ---- registers ---- */

static RegisterState loaded_state(const Kernel *kernel, const Instruction *instruction) {
    int parameter = instruction->parameter;
    LaneMask all = lane_range(0, kernel->register_lanes[instruction->destination]);
    bool repeated = instruction->kind == INSTRUCTION_broadcast ||
                    instruction->kind == INSTRUCTION_broadcast_quad ||
                    instruction->kind == INSTRUCTION_broadcast_pair;
    LaneMask lanes = repeated ? all : lane_range(instruction->first_lane, instruction->lane_count);
    if (parameter < MAX_KERNEL_PARAMETERS &&
        kernel->parameters[parameter].role == PARAMETER_WEIGHTS)
        return (RegisterState){.constant = all};
    return (RegisterState){.moved = lanes, .constant = all & ~lanes};
}

static RegisterState permuted_state(
    const Kernel *kernel, const Instruction *instruction, const RegisterState *registers) {
    const RegisterState *a = &registers[instruction->sources[0]];
    const RegisterState *b = &registers[instruction->sources[1]];
    int lanes = kernel->register_lanes[instruction->destination];
    int source_lanes = kernel->register_lanes[instruction->sources[0]];
    RegisterState state = {0};
    for (int i = 0; i < lanes; i++) {
        int from = instruction->indices[i];
        const RegisterState *source = from < source_lanes ? a : b;
        from -= from < source_lanes ? 0 : source_lanes;
        state.moved |= (source->moved >> from & 1) << i;
        state.constant |= (source->constant >> from & 1) << i;
    }
    return state;
}

static bool is_splat_of(const RegisterState *state, float value) {
    return state->is_splat && state->value == value;
}

/* Arithmetic that changes nothing is no arithmetic: x + 0, x * 1, the larger of x and x. */
static RegisterState computed_state(
    const Instruction *instruction, const RegisterState *registers) {
    const RegisterState *states[3] = {NULL};
    int sources = instruction_info(instruction->kind)->source_count;
    for (int i = 0; i < sources; i++)
        states[i] = &registers[instruction->sources[i]];
    InstructionKind kind = instruction->kind;
    bool product = kind == INSTRUCTION_multiply ||
                   (kind == INSTRUCTION_multiply_add && is_splat_of(states[2], 0));
    bool sum = kind == INSTRUCTION_add;
    bool either = kind == INSTRUCTION_minimum || kind == INSTRUCTION_maximum ||
                  kind == INSTRUCTION_maximum_or_nan;
    if ((product && is_splat_of(states[0], 1)) || (sum && is_splat_of(states[0], 0)))
        return *states[1];
    if ((product && is_splat_of(states[1], 1)) || (sum && is_splat_of(states[1], 0)) ||
        (kind == INSTRUCTION_subtract && is_splat_of(states[1], 0)) ||
        (kind == INSTRUCTION_divide && is_splat_of(states[1], 1)) ||
        (either && instruction->sources[0] == instruction->sources[1]))
        return *states[0];
    return (RegisterState){0};
}

RegisterState register_state_after(
    const Kernel *kernel, const Instruction *instruction, const RegisterState *registers) {
    switch (instruction->kind) {
    case INSTRUCTION_splat:
        return (RegisterState){
            .constant = ~(LaneMask)0, .is_splat = true, .value = instruction->constant};
    case INSTRUCTION_load:
    case INSTRUCTION_broadcast:
    case INSTRUCTION_broadcast_quad:
    case INSTRUCTION_broadcast_pair:
        return loaded_state(kernel, instruction);
    case INSTRUCTION_move:
        return registers[instruction->sources[0]];
    case INSTRUCTION_permute:
        return permuted_state(kernel, instruction, registers);
    case INSTRUCTION_add:
    case INSTRUCTION_subtract:
    case INSTRUCTION_multiply:
    case INSTRUCTION_divide:
    case INSTRUCTION_minimum:
    case INSTRUCTION_maximum:
    case INSTRUCTION_maximum_or_nan:
    case INSTRUCTION_is_less:
    case INSTRUCTION_multiply_add:
    case INSTRUCTION_floor:
    case INSTRUCTION_square_root:
    case INSTRUCTION_power_of_two:
    case INSTRUCTION_exponent:
    case INSTRUCTION_reduce_add:
    case INSTRUCTION_reduce_maximum:
        return computed_state(instruction, registers);
    case INSTRUCTION_dot_add:
    case INSTRUCTION_signed_dot_add:
    case INSTRUCTION_half_dot_add:
    case INSTRUCTION_flip:
    case INSTRUCTION_pair_add:
    case INSTRUCTION_widen_even:
    case INSTRUCTION_widen_odd:
    case INSTRUCTION_to_float:
    case INSTRUCTION_to_integer:
    case INSTRUCTION_widen:
    case INSTRUCTION_narrow:
    case INSTRUCTION_pack:
    case INSTRUCTION_store:
    case INSTRUCTION_prefetch:
    case INSTRUCTION_barrier:
    case INSTRUCTION_COUNT:
        break;
    }
    return (RegisterState){0};
}

bool register_state_equal(const RegisterState *a, const RegisterState *b) {
    return a->moved == b->moved && a->constant == b->constant && a->is_splat == b->is_splat &&
           (!a->is_splat || a->value == b->value);
}
