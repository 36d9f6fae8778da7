#include "backends/emit/llvm/intrinsics.h"
#include <assert.h>
#include <string.h>

typedef enum Needs {
    NEEDS_NOTHING,
    NEEDS_BYTES,
    NEEDS_QUADS,
    NEEDS_SIGNED_QUADS,
    NEEDS_BF16
} Needs;

typedef struct IntrinsicRow {
    Needs needs;
    const char *x86[3]; /* of 16, 32 and 64 bytes */
    const char *neon;
    unsigned types;
} IntrinsicRow;

static const IntrinsicRow rows[INTRINSIC_COUNT] = {
#define INTRINSIC(identifier, needs, sse, avx2, avx512, neon, types)                               \
    [INTRINSIC_##identifier] = {NEEDS_##needs, {sse, avx2, avx512}, neon, types},
#include "backends/emit/llvm/intrinsics.def"
};

static bool has(const Target *target, Needs needs) {
    switch (needs) {
    case NEEDS_NOTHING:
        return true;
    case NEEDS_BYTES:
        return target->bytes != BYTES_NONE;
    case NEEDS_QUADS:
        return target->bytes == BYTES_IN_QUADS;
    case NEEDS_SIGNED_QUADS:
        return target->bytes >= BYTES_IN_SIGNED_QUADS;
    case NEEDS_BF16:
        break;
    }
    return target->bf16 != BF16_NONE;
}

/* In the column of the target's ISA; NULL: none. */
static const char *name_for(const Target *target, Intrinsic intrinsic, int64_t bytes) {
    const IntrinsicRow *row = &rows[intrinsic];
    bool is_vector = bytes == 16 || bytes == 32 || bytes == 64;
    if (!is_vector || bytes > lane_bytes(LANE_F32) * target->lanes || !has(target, row->needs))
        return NULL;
    switch (target->architecture) {
    case ARCHITECTURE_X86_64:
        return row->x86[bytes / 32];
    case ARCHITECTURE_AARCH64:
        return row->neon;
    default:
        return NULL;
    }
}

bool has_intrinsic(const Target *target, Intrinsic intrinsic, int64_t bytes) {
    const char *name = name_for(target, intrinsic, bytes);
    return name && LLVMLookupIntrinsicID(name, strlen(name)) != 0;
}

LLVMValueRef codegen_call(Codegen *codegen, Intrinsic intrinsic, int64_t bytes,
    LLVMValueRef *operands, unsigned count, LLVMTypeRef result) {
    const char *name = name_for(codegen->target, intrinsic, bytes);
    assert(name && count <= 4);
    unsigned id = LLVMLookupIntrinsicID(name, strlen(name));
    LLVMTypeRef types[2] = {result, LLVMTypeOf(operands[count - 1])}, wanted[4];
    size_t type_count = LLVMIntrinsicIsOverloaded(id) ? rows[intrinsic].types : 0;
    LLVMTypeRef type = LLVMIntrinsicGetType(codegen->context, id, types, type_count);
    LLVMValueRef function = LLVMGetIntrinsicDeclaration(codegen->module, id, types, type_count);
    LLVMValueRef arguments[4];
    assert(LLVMCountParamTypes(type) == count);
    LLVMGetParamTypes(type, wanted);
    for (unsigned i = 0; i < count; i++)
        arguments[i] = LLVMBuildBitCast(codegen->builder, operands[i], wanted[i], "");
    LLVMValueRef value = LLVMBuildCall2(codegen->builder, type, function, arguments, count, "");
    return LLVMBuildBitCast(codegen->builder, value, result, "");
}

/* ---- what there is no code for ---- */

static bool has_pack(const Target *target, LaneType type, int64_t bytes) {
    bool words = type == LANE_S16;
    return has_intrinsic(target, words ? INTRINSIC_PACK_WORDS : INTRINSIC_PACK_BYTES, bytes) ||
           has_intrinsic(
               target, words ? INTRINSIC_NARROW_TO_WORDS : INTRINSIC_NARROW_TO_BYTES, bytes);
}

/* Of a register of 32-bit numbers; on NEON longer ones are several vectors. */
static int64_t bytes_of(const Kernel *kernel, int index, const Target *target) {
    int64_t bytes = 4LL * kernel->register_lanes[index];
    bool parts = target->architecture == ARCHITECTURE_AARCH64 && bytes % NEON_BYTES == 0;
    return parts ? NEON_BYTES : bytes;
}

static bool has_code(const Kernel *kernel, const Instruction *instruction, const Target *target) {
    int destination = instruction->destination;
    switch (instruction->kind) {
    case INSTRUCTION_dot_add:
        return has_intrinsic(
            target, INTRINSIC_ADD_QUADS, 4LL * kernel->register_lanes[destination]);
    case INSTRUCTION_signed_dot_add:
        return has_intrinsic(
            target, INTRINSIC_ADD_SIGNED_QUADS, 4LL * kernel->register_lanes[destination]);
    case INSTRUCTION_half_dot_add:
        return has_intrinsic(
            target, INTRINSIC_ADD_PAIRS_OF_WORDS, 4LL * kernel->register_lanes[destination]);
    case INSTRUCTION_pack: {
        LaneType type = kernel->register_types[destination];
        return has_pack(target, type, lane_bytes(type) * kernel->register_lanes[destination]);
    }
    case INSTRUCTION_multiply_add:
        return kernel->register_types[destination] != LANE_S32 ||
               has_intrinsic(target, INTRINSIC_MULTIPLY_WORDS, NEON_BYTES);
    case INSTRUCTION_to_integer:
        return has_intrinsic(target, INTRINSIC_ROUND, bytes_of(kernel, destination, target));
    case INSTRUCTION_pair_add:
        return has_intrinsic(target,
            kernel->register_types[destination] == LANE_F32 ? INTRINSIC_ADD_PAIRS_OF_BF16
                                                            : INTRINSIC_MULTIPLY_PAIRS_OF_WORDS,
            4LL * kernel->register_lanes[destination]);
    case INSTRUCTION_narrow: /* elsewhere LLVM calls a function for it */
        return kernel->register_types[destination] != LANE_BF16 || target->bf16 != BF16_NONE;
    case INSTRUCTION_barrier:
        return target->gpu != NULL;
    default:
        return true;
    }
}

static const char *block_fault(const Kernel *kernel, const Block *block, const Target *target) {
    for (const Statement *statement = block->first; statement; statement = statement->next) {
        if (statement->kind != STATEMENT_INSTRUCTION) {
            const char *fault = block_fault(kernel, &statement->body, target);
            if (fault)
                return fault;
        } else if (!has_code(kernel, &statement->instruction, target)) {
            return instruction_info(statement->instruction.kind)->name;
        }
    }
    return NULL;
}

const char *llvm_kernel_fault(const Kernel *kernel, const Target *target) {
    if (kernel->threads > 0 && target->gpu == NULL)
        return "threads of a GPU";
    return block_fault(kernel, &kernel->body, target);
}
