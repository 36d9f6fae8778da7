/* The instructions of the kernel IR on integers, by what x86-64 has for them: SSE to AVX-512, with
 * and without VNNI. Vectors have 128, 256 or 512 bits. */
#include "backends/emit/llvm/codegen.h"
#include "ir/kernel.h"
#include <assert.h>
#include <string.h>

/* The names of one operation on vectors of 16, 32 and 64 bytes. */
typedef struct VectorNames {
    const char *name[3];
} VectorNames;

static const char *name_for(const VectorNames *names, int64_t bytes) {
    assert(bytes == 16 || bytes == 32 || bytes == 64);
    return names->name[bytes == 16 ? 0 : bytes == 32 ? 1 : 2];
}

/* Calls an intrinsic on operands that are vectors of other lanes but equal bits. */
static LLVMValueRef call_on_bits(Codegen *codegen, const VectorNames *names, int64_t bytes,
    LLVMValueRef *operands, unsigned count, LLVMTypeRef result) {
    const char *name = name_for(names, bytes);
    unsigned id = LLVMLookupIntrinsicID(name, strlen(name));
    LLVMTypeRef type = LLVMIntrinsicGetType(codegen->context, id, NULL, 0), wanted[4];
    LLVMValueRef arguments[4];
    assert(LLVMCountParamTypes(type) == count && count <= 4);
    LLVMGetParamTypes(type, wanted);
    for (unsigned i = 0; i < count; i++)
        arguments[i] = LLVMBuildBitCast(codegen->builder, operands[i], wanted[i], "");
    LLVMValueRef value = codegen_intrinsic(codegen, name, NULL, arguments, count);
    return LLVMBuildBitCast(codegen->builder, value, result, "");
}

static LLVMValueRef splat(const Codegen *codegen, LaneType type, int value, int lanes) {
    LLVMTypeRef element = LLVMGetElementType(codegen_vector_type(codegen, type, lanes));
    LLVMValueRef numbers[64];
    assert(lanes <= 64);
    for (int i = 0; i < lanes; i++)
        numbers[i] = LLVMConstInt(element, (unsigned long long)(long long)value, 1);
    return LLVMConstVector(numbers, (unsigned)lanes);
}

/* Without VNNI pairs of products are added in 16 bits, which |b| <= 64 keeps from saturating. */
static LLVMValueRef emit_dot_add(Codegen *codegen, LLVMValueRef *sources, int lanes) {
    static const VectorNames dot = {{"llvm.x86.avx512.vpdpbusd.128", "llvm.x86.avx512.vpdpbusd.256",
        "llvm.x86.avx512.vpdpbusd.512"}};
    static const VectorNames pairs = {{"llvm.x86.ssse3.pmadd.ub.sw.128",
        "llvm.x86.avx2.pmadd.ub.sw", "llvm.x86.avx512.pmaddubs.w.512"}};
    static const VectorNames sums = {
        {"llvm.x86.sse2.pmadd.wd", "llvm.x86.avx2.pmadd.wd", "llvm.x86.avx512.pmaddw.d.512"}};
    LLVMTypeRef type = codegen_vector_type(codegen, LANE_S32, lanes);
    int64_t bytes = 4 * (int64_t)lanes;
    if (codegen->target->bytes == BYTES_IN_QUADS) {
        LLVMValueRef operands[3] = {sources[2], sources[0], sources[1]};
        return call_on_bits(codegen, &dot, bytes, operands, 3, type);
    }
    LLVMTypeRef words = codegen_vector_type(codegen, LANE_S16, 2 * lanes);
    LLVMValueRef operands[2] = {call_on_bits(codegen, &pairs, bytes, sources, 2, words),
        splat(codegen, LANE_S16, 1, 2 * lanes)};
    LLVMValueRef sum = call_on_bits(codegen, &sums, bytes, operands, 2, type);
    return LLVMBuildAdd(codegen->builder, sources[2], sum, "");
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

/* The conversion makes -2^31 of all that does not fit, so what is too large is cut off before. */
static LLVMValueRef emit_to_integer(Codegen *codegen, LLVMValueRef value, int lanes) {
    static const VectorNames names = {{"llvm.x86.sse2.cvtps2dq", "llvm.x86.avx.cvt.ps2dq.256",
        "llvm.x86.avx512.mask.cvtps2dq.512"}};
    enum { CURRENT_DIRECTION = 4 };
    LLVMTypeRef type = codegen_vector_type(codegen, LANE_S32, lanes);
    LLVMValueRef operands[4] = {emit_at_most_255(codegen, value, lanes), LLVMGetUndef(type),
        LLVMConstAllOnes(codegen->i16), LLVMConstInt(codegen->i32, CURRENT_DIRECTION, 0)};
    return call_on_bits(codegen, &names, 4 * (int64_t)lanes, operands, lanes == 16 ? 4 : 1, type);
}

static LLVMValueRef emit_pack(Codegen *codegen, LLVMValueRef *sources, LaneType type, int lanes) {
    static const VectorNames words = {
        {"llvm.x86.sse2.packssdw.128", "llvm.x86.avx2.packssdw", "llvm.x86.avx512.packssdw.512"}};
    static const VectorNames bytes = {
        {"llvm.x86.sse2.packuswb.128", "llvm.x86.avx2.packuswb", "llvm.x86.avx512.packuswb.512"}};
    return call_on_bits(codegen, type == LANE_U8 ? &bytes : &words, lanes * lane_bytes(type),
        sources, 2, codegen_vector_type(codegen, type, lanes));
}

static LLVMValueRef emit_larger(
    Codegen *codegen, LLVMIntPredicate predicate, LLVMValueRef a, LLVMValueRef b) {
    LLVMValueRef larger = LLVMBuildICmp(codegen->builder, predicate, a, b, "");
    return LLVMBuildSelect(codegen->builder, larger, a, b, "");
}

static LLVMValueRef emit_narrow(Codegen *codegen, LLVMValueRef value, int lanes) {
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
