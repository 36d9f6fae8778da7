/* The instructions of the kernel IR on numbers of bf16, by what the target has for them
 * (intrinsics.def). Here such a number is an integer of 16 bits, the upper half of a float. Those
 * of f16 are LLVM's halves, which become f32 and back by its own conversions. */
#include "backends/emit/llvm/codegen.h"
#include "backends/emit/llvm/intrinsics.h"
#include "ir/kernel.h"
#include <assert.h>

static LLVMValueRef emit_pair_add(Codegen *codegen, LLVMValueRef *sources, int lanes) {
    LLVMValueRef operands[3] = {sources[2], sources[0], sources[1]};
    return codegen_call(codegen, INTRINSIC_ADD_PAIRS_OF_BF16, 4 * (int64_t)lanes, operands, 3,
        codegen_vector_type(codegen, LANE_F32, lanes));
}

/* A vector of pairs as one of 32-bit numbers, whose upper half is the second of each. */
static LLVMValueRef as_words(Codegen *codegen, LLVMValueRef pairs, int lanes) {
    return LLVMBuildBitCast(
        codegen->builder, pairs, codegen_vector_type(codegen, LANE_S32, lanes), "");
}

static LLVMValueRef word_splat(Codegen *codegen, uint32_t value, int lanes) {
    LLVMValueRef words[16], word = LLVMConstInt(codegen->i32, value, 0);
    assert(lanes <= 16);
    for (int i = 0; i < lanes; i++)
        words[i] = word;
    return lanes == 1 ? word : LLVMConstVector(words, (unsigned)lanes);
}

static LLVMValueRef upper_half(Codegen *codegen, LLVMValueRef words, int lanes) {
    LLVMValueRef bits = LLVMBuildShl(codegen->builder, words, word_splat(codegen, 16, lanes), "");
    return LLVMBuildBitCast(
        codegen->builder, bits, codegen_vector_type(codegen, LANE_F32, lanes), "");
}

static LLVMValueRef emit_widen_odd(Codegen *codegen, LLVMValueRef pairs, int lanes) {
    LLVMValueRef words = as_words(codegen, pairs, lanes);
    words = LLVMBuildAnd(codegen->builder, words, word_splat(codegen, 0xffff0000u, lanes), "");
    return LLVMBuildBitCast(
        codegen->builder, words, codegen_vector_type(codegen, LANE_F32, lanes), "");
}

static LLVMValueRef emit_narrow(Codegen *codegen, LLVMValueRef value, int lanes) {
    LLVMTypeRef number = LLVMBFloatTypeInContext(codegen->context);
    LLVMTypeRef type = lanes == 1 ? number : LLVMVectorType(number, (unsigned)lanes);
    value = LLVMBuildFPTrunc(codegen->builder, value, type, "");
    return LLVMBuildBitCast(
        codegen->builder, value, codegen_vector_type(codegen, LANE_BF16, lanes), "");
}

static bool is_f16(LLVMValueRef value) {
    return LLVMGetTypeKind(codegen_element_type(LLVMTypeOf(value))) == LLVMHalfTypeKind;
}

LLVMValueRef codegen_halves(Codegen *codegen, const Instruction *instruction, LLVMValueRef *sources,
    LaneType type, int lanes) {
    bool widens = instruction->kind == INSTRUCTION_widen;
    if (widens && is_f16(sources[0]))
        return LLVMBuildFPExt(
            codegen->builder, sources[0], codegen_vector_type(codegen, LANE_F32, lanes), "");
    if (type == LANE_F16)
        return LLVMBuildFPTrunc(
            codegen->builder, sources[0], codegen_vector_type(codegen, type, lanes), "");
    switch (instruction->kind) {
    case INSTRUCTION_pair_add:
        return emit_pair_add(codegen, sources, lanes);
    case INSTRUCTION_widen_even:
        return upper_half(codegen, as_words(codegen, sources[0], lanes), lanes);
    case INSTRUCTION_widen_odd:
        return emit_widen_odd(codegen, sources[0], lanes);
    case INSTRUCTION_widen: {
        LLVMTypeRef words = codegen_vector_type(codegen, LANE_S32, lanes);
        return upper_half(codegen, LLVMBuildZExt(codegen->builder, sources[0], words, ""), lanes);
    }
    case INSTRUCTION_narrow:
        return emit_narrow(codegen, sources[0], lanes);
    default:
        break;
    }
    assert(false && "not an instruction on bf16");
    return NULL;
}
