/* The instructions of the kernel IR on integers, by what the target has for them (intrinsics.def).
 */
#include "backends/emit/llvm/codegen.h"
#include "backends/emit/llvm/intrinsics.h"
#include "ir/kernel.h"
#include <assert.h>

static LLVMValueRef splat(const Codegen *codegen, LaneType type, int value, int lanes) {
    LLVMTypeRef element = LLVMGetElementType(codegen_vector_type(codegen, type, lanes));
    LLVMValueRef numbers[64];
    assert(lanes <= 64);
    for (int i = 0; i < lanes; i++)
        numbers[i] = LLVMConstInt(element, (unsigned long long)(long long)value, 1);
    return LLVMConstVector(numbers, (unsigned)lanes);
}

static LLVMValueRef emit_dot_add(Codegen *codegen, LLVMValueRef *sources, int lanes) {
    LLVMTypeRef type = codegen_vector_type(codegen, LANE_S32, lanes);
    LLVMValueRef operands[3] = {sources[2], sources[0], sources[1]};
    return codegen_call(codegen, INTRINSIC_ADD_QUADS, 4 * (int64_t)lanes, operands, 3, type);
}

/* Half of the products of two vectors of 16 signed bytes, in 16 bits. */
static LLVMValueRef emit_byte_products(Codegen *codegen, LLVMValueRef *sources, int first) {
    enum { HALF = 8 };
    LLVMTypeRef words = codegen_vector_type(codegen, LANE_S16, HALF);
    LLVMValueRef wide[2];
    for (int i = 0; i < 2; i++)
        wide[i] = LLVMBuildSExt(
            codegen->builder, codegen_extract_lanes(codegen, sources[i], first, HALF), words, "");
    return LLVMBuildMul(codegen->builder, wide[0], wide[1], "");
}

static LLVMValueRef emit_signed_dot_add(Codegen *codegen, LLVMValueRef *sources, int lanes) {
    LLVMTypeRef type = codegen_vector_type(codegen, LANE_S32, lanes);
    /* The last operand may be a lane. */
    LLVMValueRef operands[3] = {sources[2], sources[1], sources[0]};
    return codegen_call(codegen, INTRINSIC_ADD_SIGNED_QUADS, 4 * (int64_t)lanes, operands, 3, type);
}

/* In steps: products in 16 bits, which the sum of two does not leave since |b| <= 127, and then
 * in 32.
 */
static LLVMValueRef emit_half_dot_add(Codegen *codegen, LLVMValueRef *sources, int lanes) {
    LLVMTypeRef type = codegen_vector_type(codegen, LANE_S32, lanes);
    LLVMValueRef words = LLVMBuildAdd(codegen->builder, emit_byte_products(codegen, sources, 0),
        emit_byte_products(codegen, sources, 2 * lanes), "");
    LLVMValueRef sums =
        codegen_call(codegen, INTRINSIC_ADD_PAIRS_OF_WORDS, 4 * (int64_t)lanes, &words, 1, type);
    return LLVMBuildAdd(codegen->builder, sources[2], sums, "");
}

static LLVMValueRef emit_pair_add(Codegen *codegen, LLVMValueRef *sources, int lanes) {
    LLVMTypeRef type = codegen_vector_type(codegen, LANE_S32, lanes);
    LLVMValueRef products = codegen_call(
        codegen, INTRINSIC_MULTIPLY_PAIRS_OF_WORDS, 4 * (int64_t)lanes, sources, 2, type);
    return LLVMBuildAdd(codegen->builder, sources[2], products, "");
}

/* ---- registers of several vectors of NEON ---- */

enum { NEON_LANES = NEON_BYTES / 4 };

/* The vectors one after the other, twice as long each time. */
static LLVMValueRef join(Codegen *codegen, LLVMValueRef *parts, int count, int lanes) {
    int indices[64];
    for (int i = 0; i < count * lanes; i++)
        indices[i] = i;
    for (; count > 1; count /= 2, lanes *= 2)
        for (int i = 0; i < count / 2; i++)
            parts[i] = LLVMBuildShuffleVector(codegen->builder, parts[2 * i], parts[2 * i + 1],
                codegen_shuffle_indices(codegen, indices, 2 * lanes), "");
    return parts[0];
}

static LLVMValueRef emit_multiply_add(Codegen *codegen, LLVMValueRef *sources, int lanes) {
    LLVMTypeRef type = codegen_vector_type(codegen, LANE_S32, NEON_LANES);
    LLVMValueRef parts[16];
    for (int i = 0; i < lanes / NEON_LANES; i++) {
        LLVMValueRef operands[2] = {
            codegen_extract_lanes(codegen, sources[0], i * NEON_LANES, NEON_LANES),
            codegen_extract_lanes(codegen, sources[1], i * NEON_LANES, NEON_LANES)};
        parts[i] = codegen_call(codegen, INTRINSIC_MULTIPLY_WORDS, NEON_BYTES, operands, 2, type);
    }
    return LLVMBuildAdd(
        codegen->builder, join(codegen, parts, lanes / NEON_LANES, NEON_LANES), sources[2], "");
}

/* The even or the odd bytes of a vector. */
static LLVMValueRef emit_every_second(
    Codegen *codegen, LLVMValueRef bytes, bool odd, LLVMTypeRef type, int lanes) {
    LLVMValueRef words = LLVMBuildBitCast(codegen->builder, bytes, type, "");
    if (odd)
        return LLVMBuildLShr(codegen->builder, words, splat(codegen, LANE_S16, 8, lanes), "");
    return LLVMBuildAnd(codegen->builder, words, splat(codegen, LANE_S16, 255, lanes), "");
}

/* The least of a number and 255; of NaN NaN. x86 has it as one instruction. */
static LLVMValueRef emit_at_most_255(Codegen *codegen, LLVMValueRef value, int lanes) {
    LLVMTypeRef type = codegen_vector_type(codegen, LANE_F32, lanes);
    LLVMValueRef numbers[64];
    assert(lanes <= 64);
    for (int i = 0; i < lanes; i++)
        numbers[i] = LLVMConstReal(LLVMGetElementType(type), 255);
    LLVMValueRef most = LLVMConstVector(numbers, (unsigned)lanes);
    LLVMValueRef over = LLVMBuildFCmp(codegen->builder, LLVMRealOLT, most, value, "");
    return LLVMBuildSelect(codegen->builder, over, most, value, "");
}

/* What is too large is cut off before on x86, which makes -2^31 of all that does not fit, and with
 * 64 bytes takes a mask and a direction of rounding, too. NEON makes the nearest that fits of it,
 * and 0 of NaN. */
static LLVMValueRef emit_to_integer(Codegen *codegen, LLVMValueRef value, int lanes) {
    enum { CURRENT_DIRECTION = 4 };
    LLVMTypeRef type = codegen_vector_type(codegen, LANE_S32, lanes);
    bool x86 = codegen->target->architecture == ARCHITECTURE_X86_64;
    LLVMValueRef operands[4] = {x86 ? emit_at_most_255(codegen, value, lanes) : value,
        LLVMGetUndef(type), LLVMConstAllOnes(codegen->i16),
        LLVMConstInt(codegen->i32, CURRENT_DIRECTION, 0)};
    if (x86)
        return codegen_call(
            codegen, INTRINSIC_ROUND, 4 * (int64_t)lanes, operands, lanes == 16 ? 4 : 1, type);
    LLVMValueRef parts[16];
    for (int i = 0; i < lanes / NEON_LANES; i++) {
        LLVMValueRef part = codegen_extract_lanes(codegen, value, i * NEON_LANES, NEON_LANES);
        parts[i] = codegen_call(codegen, INTRINSIC_ROUND, NEON_BYTES, &part, 1,
            codegen_vector_type(codegen, LANE_S32, NEON_LANES));
    }
    return join(codegen, parts, lanes / NEON_LANES, NEON_LANES);
}

/* Of two vectors at once, or of one after the other. */
static LLVMValueRef emit_pack(Codegen *codegen, LLVMValueRef *sources, LaneType type, int lanes) {
    LLVMTypeRef result = codegen_vector_type(codegen, type, lanes);
    int64_t bytes = lanes * lane_bytes(type);
    Intrinsic pack = type == LANE_U8 ? INTRINSIC_PACK_BYTES : INTRINSIC_PACK_WORDS;
    if (has_intrinsic(codegen->target, pack, bytes))
        return codegen_call(codegen, pack, bytes, sources, 2, result);
    Intrinsic narrow = type == LANE_U8 ? INTRINSIC_NARROW_TO_BYTES : INTRINSIC_NARROW_TO_WORDS;
    LLVMTypeRef half = codegen_vector_type(codegen, type, lanes / 2);
    LLVMValueRef indices[64], halves[2];
    for (int i = 0; i < 2; i++)
        halves[i] = codegen_call(codegen, narrow, bytes, &sources[i], 1, half);
    for (int i = 0; i < lanes; i++)
        indices[i] = LLVMConstInt(codegen->i32, (unsigned)i, 0);
    return LLVMBuildShuffleVector(
        codegen->builder, halves[0], halves[1], LLVMConstVector(indices, (unsigned)lanes), "");
}

static LLVMValueRef emit_larger(
    Codegen *codegen, LLVMIntPredicate predicate, LLVMValueRef a, LLVMValueRef b) {
    LLVMValueRef larger = LLVMBuildICmp(codegen->builder, predicate, a, b, "");
    return LLVMBuildSelect(codegen->builder, larger, a, b, "");
}

/* By the instructions that NEON has for it; 8 lanes, or 4 as the lower ones of 8. */
static LLVMValueRef emit_narrow_by_steps(Codegen *codegen, LLVMValueRef value, int lanes) {
    enum { HALF = 8 };
    LLVMValueRef parts[2];
    for (int i = 0; i < 2; i++) {
        LLVMValueRef part =
            codegen_extract_lanes(codegen, value, i * NEON_LANES % lanes, NEON_LANES);
        parts[i] = codegen_call(codegen, INTRINSIC_NARROW_TO_WORDS, NEON_BYTES, &part, 1,
            codegen_vector_type(codegen, LANE_S16, NEON_LANES));
    }
    LLVMValueRef words = join(codegen, parts, 2, NEON_LANES);
    LLVMValueRef bytes = codegen_call(codegen, INTRINSIC_NARROW_TO_BYTES, NEON_BYTES, &words, 1,
        codegen_vector_type(codegen, LANE_U8, HALF));
    return lanes == HALF ? bytes : codegen_extract_lanes(codegen, bytes, 0, lanes);
}

static LLVMValueRef emit_narrow(Codegen *codegen, LLVMValueRef value, int lanes) {
    if ((lanes == NEON_LANES || lanes == 2 * NEON_LANES) &&
        has_intrinsic(codegen->target, INTRINSIC_NARROW_TO_BYTES, NEON_BYTES))
        return emit_narrow_by_steps(codegen, value, lanes);
    value = emit_larger(codegen, LLVMIntSGT, value, splat(codegen, LANE_S32, 0, lanes));
    value = emit_larger(codegen, LLVMIntSLT, value, splat(codegen, LANE_S32, 255, lanes));
    return LLVMBuildTrunc(
        codegen->builder, value, codegen_vector_type(codegen, LANE_U8, lanes), "");
}

LLVMValueRef codegen_integers(Codegen *codegen, const Instruction *instruction,
    LLVMValueRef *sources, LaneType type, int lanes) {
    LLVMTypeRef result = codegen_vector_type(codegen, type, lanes);
    switch (instruction->kind) {
    case INSTRUCTION_dot_add:
        return emit_dot_add(codegen, sources, lanes);
    case INSTRUCTION_multiply_add:
        return emit_multiply_add(codegen, sources, lanes);
    case INSTRUCTION_signed_dot_add:
        return emit_signed_dot_add(codegen, sources, lanes);
    case INSTRUCTION_half_dot_add:
        return emit_half_dot_add(codegen, sources, lanes);
    case INSTRUCTION_flip:
        return LLVMBuildXor(codegen->builder, sources[0], splat(codegen, LANE_U8, -128, lanes), "");
    case INSTRUCTION_pair_add:
        return emit_pair_add(codegen, sources, lanes);
    case INSTRUCTION_widen_even:
    case INSTRUCTION_widen_odd:
        return emit_every_second(
            codegen, sources[0], instruction->kind == INSTRUCTION_widen_odd, result, lanes);
    case INSTRUCTION_to_float:
        return LLVMBuildSIToFP(codegen->builder, sources[0], result, "");
    case INSTRUCTION_to_integer:
        return emit_to_integer(codegen, sources[0], lanes);
    case INSTRUCTION_widen:
        return LLVMBuildZExt(codegen->builder, sources[0], result, "");
    case INSTRUCTION_narrow:
        return emit_narrow(codegen, sources[0], lanes);
    case INSTRUCTION_pack:
        return emit_pack(codegen, sources, type, lanes);
    case INSTRUCTION_maximum:
        return emit_larger(codegen, LLVMIntUGT, sources[0], sources[1]);
    default:
        break;
    }
    assert(false && "not an instruction on integers");
    return NULL;
}
