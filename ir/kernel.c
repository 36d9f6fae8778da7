/* Kernel IR: the table of instructions, and what registers and buffers are made of. */
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
        [LANE_F16] = 2,
        [LANE_TYPE_COUNT] = 0};
    return bytes[type];
}

bool lane_is_whole(LaneType type) {
    return type == LANE_U8 || type == LANE_S16 || type == LANE_S32;
}

int64_t parameter_bytes(const KernelParameter *parameter) {
    return parameter->role == PARAMETER_TABLE ? (int64_t)sizeof(int32_t)
                                              : lane_bytes(parameter->element);
}

const char *lane_type_name(LaneType type) {
    static const char *const names[] = {[LANE_F32] = "f32",
        [LANE_S32] = "s32",
        [LANE_S16] = "s16",
        [LANE_U8] = "u8",
        [LANE_BF16] = "bf16",
        [LANE_F16] = "f16",
        [LANE_TYPE_COUNT] = ""};
    return names[type];
}

LaneType kernel_buffer_element(const Kernel *kernel, int parameter) {
    return parameter >= MAX_KERNEL_PARAMETERS
               ? kernel->local_elements[parameter - MAX_KERNEL_PARAMETERS]
               : kernel->parameters[parameter].element;
}

int64_t kernel_local_bytes(const Kernel *kernel) {
    int64_t bytes = 0;
    for (int i = 0; i < kernel->local_count; i++)
        if (!kernel->local_is_scratch[i])
            bytes += kernel->local_floats[i] * (int64_t)sizeof(float);
    return bytes;
}

static bool is_taken(
    const Kernel *kernel, const char *const *names, int index, const char *candidate) {
    const char *name = kernel->parameters[index].name;
    for (int i = 0; i < kernel->parameter_count; i++) {
        const char *other = i < index ? names[i] : kernel->parameters[i].name;
        if (strcmp(other, candidate) == 0 && (i < index || (i > index && candidate != name)))
            return true;
    }
    return false;
}

const char **kernel_parameter_names(const Kernel *kernel, Arena *arena) {
    const char **names = ARENA_ARRAY(arena, const char *, kernel->parameter_count + 1);
    for (int i = 0; i < kernel->parameter_count; i++) {
        names[i] = kernel->parameters[i].name;
        for (int number = 2; is_taken(kernel, names, i, names[i]); number++)
            names[i] = arena_format(arena, "%s_%d", kernel->parameters[i].name, number);
    }
    return names;
}

const char *parameter_role_name(ParameterRole role) {
    static const char *const names[] = {[PARAMETER_READ] = "read",
        [PARAMETER_WRITE] = "write",
        [PARAMETER_UPDATE] = "update",
        [PARAMETER_WEIGHTS] = "weights",
        [PARAMETER_TABLE] = "table"};
    return names[role];
}

int64_t kernel_scratch_offset(const Kernel *kernel, int local) {
    enum { ALIGNMENT = 64 };
    int64_t bytes = 0;
    for (int i = 0; i < local; i++)
        if (kernel->local_is_scratch[i])
            bytes += (kernel->local_floats[i] * (int64_t)sizeof(float) + ALIGNMENT - 1) /
                     ALIGNMENT * ALIGNMENT;
    return bytes;
}

int64_t kernel_scratch_bytes(const Kernel *kernel) {
    return kernel_scratch_offset(kernel, kernel->local_count);
}
