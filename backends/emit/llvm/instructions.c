/* The instructions of kernels as values of LLVM, one for one; those on integers and on bf16 have
 * files of their own. */
#include "backends/emit/llvm/codegen.h"
#include "backends/emit/llvm/kernel.h"
#include "ir/kernel.h"
#include "ir/kernel_lanes.h"
#include <assert.h>

static LLVMTypeRef vector_type(const Codegen *codegen, int lanes) {
    return codegen_vector_type(codegen, LANE_F32, lanes);
}

static LLVMValueRef emit_spread(KernelCodegen *k, LLVMValueRef scalar, int lanes) {
    if (lanes == 1)
        return scalar;
    LLVMTypeRef type = LLVMVectorType(LLVMTypeOf(scalar), (unsigned)lanes);
    LLVMValueRef one = LLVMBuildInsertElement(
        k->builder, LLVMGetUndef(type), scalar, LLVMConstInt(k->codegen->i32, 0, 0), "");
    return LLVMBuildShuffleVector(k->builder, one, LLVMGetUndef(type),
        LLVMConstNull(LLVMVectorType(k->codegen->i32, (unsigned)lanes)), "");
}

static LLVMValueRef emit_constant_of(LLVMTypeRef type, double value, int lanes) {
    LLVMValueRef scalar = LLVMConstReal(codegen_element_type(type), value);
    LLVMValueRef lanes_of_it[64];
    if (lanes == 1)
        return scalar;
    for (int i = 0; i < lanes; i++)
        lanes_of_it[i] = scalar;
    return LLVMConstVector(lanes_of_it, (unsigned)lanes);
}

static LLVMValueRef emit_constant(KernelCodegen *k, double value, int lanes) {
    return emit_constant_of(k->codegen->float_type, value, lanes);
}

static LLVMValueRef emit_intrinsic(
    KernelCodegen *k, const char *name, LLVMTypeRef type, LLVMValueRef *arguments, unsigned count) {
    return codegen_intrinsic(k->codegen, name, type, arguments, count);
}

static LLVMTypeRef integer_type(KernelCodegen *k, int lanes) {
    return lanes == 1 ? k->codegen->i32 : LLVMVectorType(k->codegen->i32, (unsigned)lanes);
}

static LLVMValueRef integer_splat(KernelCodegen *k, int value, int lanes) {
    LLVMValueRef scalar = LLVMConstInt(k->codegen->i32, (unsigned long long)value, 0);
    LLVMValueRef lanes_of_it[64];
    if (lanes == 1)
        return scalar;
    for (int i = 0; i < lanes; i++)
        lanes_of_it[i] = scalar;
    return LLVMConstVector(lanes_of_it, (unsigned)lanes);
}

/* Through the conversion to int, which every vector unit has; llvm.floor would be a call without
 * SSE4. */
static LLVMValueRef emit_floor_vector(KernelCodegen *k, LLVMValueRef value, int lanes) {
    LLVMTypeRef type = vector_type(k->codegen, lanes);
    LLVMValueRef truncated = LLVMBuildSIToFP(
        k->builder, LLVMBuildFPToSI(k->builder, value, integer_type(k, lanes), ""), type, "");
    LLVMValueRef lower = LLVMBuildFSub(k->builder, truncated, emit_constant(k, 1.0, lanes), "");
    LLVMValueRef above = LLVMBuildFCmp(k->builder, LLVMRealOGT, truncated, value, "");
    return LLVMBuildSelect(k->builder, above, lower, truncated, "");
}

/* The exponent field of a float is its power of two plus 127. */
static LLVMValueRef emit_power_of_two(KernelCodegen *k, LLVMValueRef value, int lanes) {
    LLVMValueRef exponent = LLVMBuildFPToSI(k->builder, value, integer_type(k, lanes), "");
    exponent = LLVMBuildAdd(k->builder, exponent, integer_splat(k, 127, lanes), "");
    LLVMValueRef bits = LLVMBuildShl(k->builder, exponent, integer_splat(k, 23, lanes), "");
    return LLVMBuildBitCast(k->builder, bits, vector_type(k->codegen, lanes), "");
}

static LLVMValueRef emit_exponent(KernelCodegen *k, LLVMValueRef value, int lanes) {
    LLVMValueRef bits = LLVMBuildBitCast(k->builder, value, integer_type(k, lanes), "");
    bits = LLVMBuildLShr(k->builder, bits, integer_splat(k, 23, lanes), "");
    bits = LLVMBuildAnd(k->builder, bits, integer_splat(k, 255, lanes), "");
    LLVMValueRef exponent = LLVMBuildSub(k->builder, bits, integer_splat(k, 127, lanes), "");
    return LLVMBuildSIToFP(k->builder, exponent, vector_type(k->codegen, lanes), "");
}

static LLVMValueRef emit_select(
    KernelCodegen *k, LLVMRealPredicate predicate, LLVMValueRef a, LLVMValueRef b) {
    return LLVMBuildSelect(k->builder, LLVMBuildFCmp(k->builder, predicate, a, b, ""), a, b, "");
}

/* The larger or the smaller, NaN where one of them is. Zeros of both signs are equal, which spares
 * x86 instructions. */
static LLVMValueRef emit_extreme_or_nan(
    KernelCodegen *k, const char *name, LLVMValueRef a, LLVMValueRef b) {
    LLVMValueRef extreme = emit_intrinsic(k, name, LLVMTypeOf(a), (LLVMValueRef[]){a, b}, 2);
    LLVMSetFastMathFlags(extreme, LLVMFastMathNoSignedZeros);
    return extreme;
}

/* The same, where it may be either if a is NaN. ARM has an instruction for the former, of floats,
 * and would compare and choose by two. */
static LLVMValueRef emit_extreme(
    KernelCodegen *k, LLVMRealPredicate predicate, LLVMValueRef a, LLVMValueRef b) {
    Architecture architecture = k->codegen->target->architecture;
    bool arm = architecture == ARCHITECTURE_AARCH64 || architecture == ARCHITECTURE_ARM;
    if (!arm || codegen_element_type(LLVMTypeOf(a)) != k->codegen->float_type)
        return emit_select(k, predicate, a, b);
    const char *name = predicate == LLVMRealOGT ? "llvm.maximum" : "llvm.minimum";
    return emit_extreme_or_nan(k, name, a, b);
}

/* Folds halves onto each other until one lane is left. */
static LLVMValueRef emit_reduce(
    KernelCodegen *k, InstructionKind kind, LLVMValueRef value, int lanes) {
    while (lanes > 1) {
        lanes /= 2;
        LLVMValueRef low = codegen_extract_lanes(k->codegen, value, 0, lanes),
                     high = codegen_extract_lanes(k->codegen, value, lanes, lanes);
        value = kind == INSTRUCTION_reduce_add ? LLVMBuildFAdd(k->builder, low, high, "")
                                               : emit_extreme(k, LLVMRealOGT, low, high);
    }
    return value;
}

static LLVMValueRef read_register(KernelCodegen *k, int index) {
    return LLVMBuildLoad2(k->builder, codegen_register_type(k, index), k->registers[index], "");
}

/* Whether the bytes move four by four: sets quads to which. */
static bool moves_quads(const int *indices, int lanes, int *quads) {
    for (int i = 0; i < lanes; i++)
        if (indices[i] % 4 != i % 4 || indices[i] / 4 != indices[i / 4 * 4] / 4)
            return false;
    for (int i = 0; i < lanes / 4; i++)
        quads[i] = indices[4 * i] / 4;
    return lanes % 4 == 0;
}

/* As a permute of 32 bits: LLVM knows that NEON's dot products take such a lane. */
static LLVMValueRef emit_quad_permute(
    KernelCodegen *k, const int *quads, LLVMValueRef *sources, int lanes) {
    LLVMTypeRef bytes = LLVMTypeOf(sources[0]);
    LLVMTypeRef type = codegen_vector_type(k->codegen, LANE_S32, (int)LLVMGetVectorSize(bytes) / 4);
    LLVMValueRef words[2];
    for (int i = 0; i < 2; i++)
        words[i] = LLVMBuildBitCast(k->builder, sources[i], type, "");
    LLVMValueRef permuted = LLVMBuildShuffleVector(
        k->builder, words[0], words[1], codegen_shuffle_indices(k->codegen, quads, lanes / 4), "");
    return LLVMBuildBitCast(
        k->builder, permuted, codegen_vector_type(k->codegen, LANE_U8, lanes), "");
}

static LLVMValueRef emit_permute(
    KernelCodegen *k, const Instruction *instruction, LLVMValueRef a, LLVMValueRef b, int lanes) {
    if (lanes == 1 && LLVMGetTypeKind(LLVMTypeOf(a)) != LLVMVectorTypeKind)
        return instruction->indices[0] == 0 ? a : b;
    if (LLVMGetTypeKind(LLVMTypeOf(a)) != LLVMVectorTypeKind) {
        LLVMValueRef joined = LLVMGetUndef(LLVMVectorType(LLVMTypeOf(a), (unsigned)lanes));
        for (int i = 0; i < lanes; i++)
            joined =
                LLVMBuildInsertElement(k->builder, joined, instruction->indices[i] == 0 ? a : b,
                    LLVMConstInt(k->codegen->i32, (unsigned)i, 0), "");
        return joined;
    }
    LLVMValueRef permuted = LLVMBuildShuffleVector(
        k->builder, a, b, codegen_shuffle_indices(k->codegen, instruction->indices, lanes), "");
    return lanes == 1 ? codegen_extract_lanes(k->codegen, permuted, 0, 1) : permuted;
}

static LLVMValueRef emit_value(KernelCodegen *k, const Instruction *instruction, int lanes) {
    LLVMBuilderRef builder = k->builder;
    LLVMValueRef sources[3] = {NULL, NULL, NULL};
    int source_count = instruction_info(instruction->kind)->source_count;
    for (int i = 0; i < source_count; i++)
        sources[i] = read_register(k, instruction->sources[i]);
    LLVMValueRef a = sources[0], b = sources[1];
    LaneType lane = k->kernel->register_types[instruction->destination];
    LLVMTypeRef type = codegen_vector_type(k->codegen, lane, lanes);
    switch (instruction->kind) {
    case INSTRUCTION_splat:
        if (lane != LANE_F32 && lane != LANE_F16)
            return emit_spread(k,
                LLVMConstInt(codegen_element_type(type),
                    (unsigned long long)(long long)instruction->constant, 1),
                lanes);
        return emit_constant_of(type, (double)instruction->constant, lanes);
    case INSTRUCTION_load:
        return codegen_load(k, instruction, lanes);
    case INSTRUCTION_broadcast:
        return emit_spread(k,
            codegen_load_number(k, codegen_element_type(type),
                codegen_address(k, instruction->parameter, instruction->offset)),
            lanes);
    case INSTRUCTION_broadcast_quad: {
        LLVMValueRef quads = emit_spread(k,
            codegen_load_quad(k, codegen_address(k, instruction->parameter, instruction->offset)),
            lanes / 4);
        return LLVMBuildBitCast(builder, quads, type, "");
    }
    case INSTRUCTION_broadcast_pair: {
        LLVMValueRef pairs = emit_spread(k,
            codegen_load_pair(k, codegen_address(k, instruction->parameter, instruction->offset)),
            lanes / 2);
        return LLVMBuildBitCast(builder, pairs, type, "");
    }
    case INSTRUCTION_move:
        return a;
    case INSTRUCTION_add:
        return LLVMBuildFAdd(builder, a, b, "");
    case INSTRUCTION_subtract:
        return LLVMBuildFSub(builder, a, b, "");
    case INSTRUCTION_multiply:
        return LLVMBuildFMul(builder, a, b, "");
    case INSTRUCTION_divide:
        return LLVMBuildFDiv(builder, a, b, "");
    case INSTRUCTION_minimum:
        return emit_extreme(k, LLVMRealOLT, a, b);
    case INSTRUCTION_maximum:
        if (lane == LANE_U8)
            return codegen_integers(k->codegen, instruction, sources, lane, lanes);
        return emit_extreme(k, LLVMRealOGT, a, b);
    case INSTRUCTION_maximum_or_nan:
        return emit_extreme_or_nan(k, "llvm.maximum", a, b);
    case INSTRUCTION_is_less:
        return LLVMBuildUIToFP(builder, LLVMBuildFCmp(builder, LLVMRealOLT, a, b, ""), type, "");
    case INSTRUCTION_multiply_add:
        if (lane == LANE_S32)
            return codegen_integers(k->codegen, instruction, sources, lane, lanes);
        return emit_intrinsic(k, "llvm.fmuladd", type, sources, 3);
    case INSTRUCTION_floor:
        return emit_floor_vector(k, a, lanes);
    case INSTRUCTION_square_root:
        return emit_intrinsic(k, "llvm.sqrt", type, sources, 1);
    case INSTRUCTION_power_of_two:
        return emit_power_of_two(k, a, lanes);
    case INSTRUCTION_exponent:
        return emit_exponent(k, a, lanes);
    case INSTRUCTION_permute: {
        int quads[MOST_LANES / 4];
        if (lane == LANE_U8 && k->kernel->register_lanes[instruction->sources[0]] >= 8 &&
            moves_quads(instruction->indices, lanes, quads))
            return emit_quad_permute(k, quads, sources, lanes);
        return emit_permute(k, instruction, a, b, lanes);
    }
    case INSTRUCTION_reduce_add:
    case INSTRUCTION_reduce_maximum:
        return emit_spread(k,
            emit_reduce(
                k, instruction->kind, a, k->kernel->register_lanes[instruction->sources[0]]),
            lanes);
    case INSTRUCTION_pair_add:
    case INSTRUCTION_widen_even:
    case INSTRUCTION_widen_odd:
    case INSTRUCTION_widen:
    case INSTRUCTION_narrow:
        if (lane == LANE_F32 || lane == LANE_BF16 || lane == LANE_F16)
            return codegen_halves(k->codegen, instruction, sources, lane, lanes);
        return codegen_integers(k->codegen, instruction, sources, lane, lanes);
    case INSTRUCTION_dot_add:
    case INSTRUCTION_signed_dot_add:
    case INSTRUCTION_half_dot_add:
    case INSTRUCTION_flip:
    case INSTRUCTION_to_float:
    case INSTRUCTION_to_integer:
    case INSTRUCTION_pack:
        return codegen_integers(k->codegen, instruction, sources, lane, lanes);
    case INSTRUCTION_store:
    case INSTRUCTION_prefetch:
    case INSTRUCTION_barrier:
    case INSTRUCTION_COUNT:
        break;
    }
    assert(false && "unknown instruction");
    return NULL;
}

void codegen_instruction(KernelCodegen *k, const Instruction *instruction) {
    if (instruction->kind == INSTRUCTION_barrier) {
        codegen_barrier(k->codegen);
        return;
    }
    if (instruction->kind == INSTRUCTION_prefetch) {
        codegen_prefetch(k, instruction);
        return;
    }
    if (instruction->kind == INSTRUCTION_store) {
        int source = instruction->sources[0];
        codegen_store(k, instruction, read_register(k, source), k->kernel->register_lanes[source]);
        return;
    }
    int lanes = k->kernel->register_lanes[instruction->destination];
    LLVMValueRef value = emit_value(k, instruction, lanes);
    LLVMBuildStore(k->builder, value, k->registers[instruction->destination]);
}
