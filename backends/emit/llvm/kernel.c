/* Prints one kernel as an LLVM function. Registers and loop variables become stack slots, which
 * LLVM promotes to values at once; everything else is one instruction for one. */
#include "ir/kernel.h"
#include "backends/emit/llvm/address.h"
#include "backends/emit/llvm/codegen.h"
#include "ir/arena.h"
#include <assert.h>
#include <stdio.h>
#include <string.h>

static LLVMTypeRef vector_type(const Codegen *codegen, int lanes) {
    return codegen_vector_type(codegen, LANE_F32, lanes);
}

static LLVMTypeRef register_type(const KernelCodegen *k, int index) {
    const Kernel *kernel = k->kernel;
    return codegen_vector_type(
        k->codegen, kernel->register_types[index], kernel->register_lanes[index]);
}

/* Of a vector or a number. */
static LLVMTypeRef element_type(LLVMTypeRef type) {
    return LLVMGetTypeKind(type) == LLVMVectorTypeKind ? LLVMGetElementType(type) : type;
}

static unsigned element_bytes(const KernelCodegen *k, LLVMTypeRef type) {
    bool is_float = element_type(type) == k->codegen->float_type;
    return is_float ? sizeof(float) : LLVMGetIntTypeWidth(element_type(type)) / 8;
}

/* A vector of so many of the elements of that one. */
static LLVMTypeRef piece_type(LLVMTypeRef type, int lanes) {
    LLVMTypeRef element = element_type(type);
    return lanes == 1 ? element : LLVMVectorType(element, (unsigned)lanes);
}

/* ---- memory ---- */

static LLVMValueRef element_address(
    KernelCodegen *k, LLVMTypeRef type, LLVMValueRef address, int element) {
    LLVMValueRef index = codegen_index(k->codegen, element);
    return element == 0 ? address
                        : LLVMBuildGEP2(k->builder, element_type(type), address, &index, 1, "");
}

static LLVMValueRef shuffle_indices(const Codegen *codegen, const int *indices, int count) {
    LLVMValueRef constants[128];
    assert(count <= 128);
    for (int i = 0; i < count; i++)
        constants[i] = LLVMConstInt(codegen->i32, (unsigned long long)indices[i], 0);
    return LLVMConstVector(constants, (unsigned)count);
}

/* Lanes first..first+count-1 of a vector as a vector (or a float) of their own. */
static LLVMValueRef extract_lanes(KernelCodegen *k, LLVMValueRef vector, int first, int count) {
    int indices[64];
    if (LLVMGetTypeKind(LLVMTypeOf(vector)) != LLVMVectorTypeKind)
        return vector;
    if (count == 1)
        return LLVMBuildExtractElement(
            k->builder, vector, LLVMConstInt(k->codegen->i32, (unsigned)first, 0), "");
    for (int i = 0; i < count; i++)
        indices[i] = first + i;
    return LLVMBuildShuffleVector(k->builder, vector, LLVMGetUndef(LLVMTypeOf(vector)),
        shuffle_indices(k->codegen, indices, count), "");
}

static int largest_power_of_two(int count) {
    int power = 1;
    while (power * 2 <= count)
        power *= 2;
    return power;
}

/* The masked load and store intrinsics: LLVM 22 took the alignment operand away. */
static LLVMValueRef emit_masked(KernelCodegen *k, const char *name, LLVMValueRef address,
    LLVMValueRef value, LLVMTypeRef type, int first, int count) {
    const Codegen *codegen = k->codegen;
    bool store = value != NULL;
    unsigned lanes = LLVMGetVectorSize(type);
    LLVMValueRef bits[64];
    LLVMTypeRef i1 = LLVMInt1TypeInContext(codegen->context);
    for (unsigned i = 0; i < lanes; i++)
        bits[i] = LLVMConstInt(i1, (int)i >= first && (int)i < first + count, 0);
    LLVMValueRef mask = LLVMConstVector(bits, lanes);
    /* The address is that of the first lane in memory terms. */
    address = element_address(k, type, address, -first);
    LLVMTypeRef types[2] = {type, codegen->pointer};
    unsigned id = LLVMLookupIntrinsicID(name, strlen(name));
    LLVMValueRef function = LLVMGetIntrinsicDeclaration(codegen->module, id, types, 2);
    LLVMTypeRef function_type = LLVMIntrinsicGetType(codegen->context, id, types, 2);
    bool has_alignment = LLVMCountParamTypes(function_type) == 4;
    LLVMValueRef arguments[4];
    unsigned used = 0;
    if (store)
        arguments[used++] = value;
    unsigned address_index = used;
    arguments[used++] = address;
    if (has_alignment)
        arguments[used++] = LLVMConstInt(codegen->i32, element_bytes(k, type), 0);
    arguments[used++] = mask;
    if (!store)
        arguments[used++] = LLVMConstNull(type);
    LLVMValueRef call = LLVMBuildCall2(k->builder, function_type, function, arguments, used, "");
    if (!has_alignment)
        LLVMSetInstrParamAlignment(call, address_index + 1, element_bytes(k, type));
    return call;
}

/* Vectors of a GPU's kernels are aligned. */
static unsigned access_alignment(KernelCodegen *k, LLVMTypeRef type) {
    bool vector = LLVMGetTypeKind(type) == LLVMVectorTypeKind;
    unsigned lanes = k->kernel->threads > 0 && vector ? LLVMGetVectorSize(type) : 1;
    return lanes * element_bytes(k, type);
}

static LLVMValueRef load_plain(KernelCodegen *k, LLVMTypeRef type, LLVMValueRef address) {
    LLVMValueRef load = LLVMBuildLoad2(k->builder, type, address, "");
    LLVMSetAlignment(load, access_alignment(k, type));
    return load;
}

/* Four bytes as one number, wherever they begin. */
static LLVMValueRef load_quad(KernelCodegen *k, LLVMValueRef address) {
    LLVMValueRef load = LLVMBuildLoad2(k->builder, k->codegen->i32, address, "");
    LLVMSetAlignment(load, 1);
    return load;
}

/* Two numbers of bf16 as one. */
static LLVMValueRef load_pair(KernelCodegen *k, LLVMValueRef address) {
    LLVMValueRef load = LLVMBuildLoad2(k->builder, k->codegen->i32, address, "");
    LLVMSetAlignment(load, 2);
    return load;
}

/* Without masks a partial access is made of pieces whose sizes are powers of two. */
static LLVMValueRef load_pieces(
    KernelCodegen *k, LLVMTypeRef type, LLVMValueRef address, int first, int count) {
    int lanes = (int)LLVMGetVectorSize(type);
    LLVMValueRef result = LLVMConstNull(type);
    for (int done = 0; done < count;) {
        int piece = largest_power_of_two(count - done);
        LLVMValueRef value =
            load_plain(k, piece_type(type, piece), element_address(k, type, address, done));
        if (piece == 1)
            result = LLVMBuildInsertElement(k->builder, result, value,
                LLVMConstInt(k->codegen->i32, (unsigned)(first + done), 0), "");
        else {
            int widen[64], merge[64];
            for (int i = 0; i < lanes; i++) {
                widen[i] = i < piece ? i : 0;
                int lane = i - first - done;
                merge[i] = lane >= 0 && lane < piece ? lanes + lane : i;
            }
            value = LLVMBuildShuffleVector(k->builder, value, LLVMGetUndef(LLVMTypeOf(value)),
                shuffle_indices(k->codegen, widen, lanes), "");
            result = LLVMBuildShuffleVector(
                k->builder, result, value, shuffle_indices(k->codegen, merge, lanes), "");
        }
        done += piece;
    }
    return result;
}

static LLVMValueRef emit_load(KernelCodegen *k, const Instruction *instruction, int lanes) {
    LLVMTypeRef type = register_type(k, instruction->destination);
    LLVMValueRef address = codegen_address(k, instruction->parameter, instruction->offset);
    int first = instruction->first_lane, count = instruction->lane_count;
    if (count == lanes)
        return load_plain(k, type, address);
    if (k->codegen->target->masks)
        return emit_masked(k, "llvm.masked.load", address, NULL, type, first, count);
    return load_pieces(k, type, address, first, count);
}

static void emit_store(
    KernelCodegen *k, const Instruction *instruction, LLVMValueRef value, int lanes) {
    LLVMValueRef address = codegen_address(k, instruction->parameter, instruction->offset);
    int first = instruction->first_lane, count = instruction->lane_count;
    bool whole = count == lanes || largest_power_of_two(count) == count;
    if (!whole && k->codegen->target->masks) {
        emit_masked(k, "llvm.masked.store", address, value, LLVMTypeOf(value), first, count);
        return;
    }
    for (int done = 0; done < count;) {
        int piece = count == lanes ? lanes : largest_power_of_two(count - done);
        LLVMValueRef part = piece == lanes ? value : extract_lanes(k, value, first + done, piece);
        LLVMValueRef store =
            LLVMBuildStore(k->builder, part, element_address(k, LLVMTypeOf(value), address, done));
        LLVMSetAlignment(store, access_alignment(k, LLVMTypeOf(part)));
        done += piece;
    }
}

/* ---- arithmetic ---- */

static LLVMValueRef emit_spread(KernelCodegen *k, LLVMValueRef scalar, int lanes) {
    if (lanes == 1)
        return scalar;
    LLVMTypeRef type = LLVMVectorType(LLVMTypeOf(scalar), (unsigned)lanes);
    LLVMValueRef one = LLVMBuildInsertElement(
        k->builder, LLVMGetUndef(type), scalar, LLVMConstInt(k->codegen->i32, 0, 0), "");
    return LLVMBuildShuffleVector(k->builder, one, LLVMGetUndef(type),
        LLVMConstNull(LLVMVectorType(k->codegen->i32, (unsigned)lanes)), "");
}

static LLVMValueRef emit_constant(KernelCodegen *k, double value, int lanes) {
    LLVMValueRef scalar = LLVMConstReal(k->codegen->float_type, value);
    LLVMValueRef lanes_of_it[64];
    if (lanes == 1)
        return scalar;
    for (int i = 0; i < lanes; i++)
        lanes_of_it[i] = scalar;
    return LLVMConstVector(lanes_of_it, (unsigned)lanes);
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
static LLVMValueRef emit_floor(KernelCodegen *k, LLVMValueRef value, int lanes) {
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

static LLVMValueRef emit_select(
    KernelCodegen *k, LLVMRealPredicate predicate, LLVMValueRef a, LLVMValueRef b) {
    return LLVMBuildSelect(k->builder, LLVMBuildFCmp(k->builder, predicate, a, b, ""), a, b, "");
}

/* Zeros of both signs are equal, which spares x86 instructions. */
static LLVMValueRef emit_maximum_or_nan(KernelCodegen *k, LLVMTypeRef type, LLVMValueRef *sources) {
    LLVMValueRef larger = emit_intrinsic(k, "llvm.maximum", type, sources, 2);
    LLVMSetFastMathFlags(larger, LLVMFastMathNoSignedZeros);
    return larger;
}

/* Folds halves onto each other until one lane is left. */
static LLVMValueRef emit_reduce(
    KernelCodegen *k, InstructionKind kind, LLVMValueRef value, int lanes) {
    while (lanes > 1) {
        lanes /= 2;
        LLVMValueRef low = extract_lanes(k, value, 0, lanes),
                     high = extract_lanes(k, value, lanes, lanes);
        value = kind == INSTRUCTION_reduce_add ? LLVMBuildFAdd(k->builder, low, high, "")
                                               : emit_select(k, LLVMRealOGT, low, high);
    }
    return value;
}

static LLVMValueRef read_register(KernelCodegen *k, int index) {
    return LLVMBuildLoad2(k->builder, register_type(k, index), k->registers[index], "");
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
        k->builder, a, b, shuffle_indices(k->codegen, instruction->indices, lanes), "");
    return lanes == 1 ? extract_lanes(k, permuted, 0, 1) : permuted;
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
        if (lane != LANE_F32)
            return emit_spread(k,
                LLVMConstInt(
                    element_type(type), (unsigned long long)(long long)instruction->constant, 1),
                lanes);
        return emit_constant(k, (double)instruction->constant, lanes);
    case INSTRUCTION_load:
        return emit_load(k, instruction, lanes);
    case INSTRUCTION_broadcast:
        return emit_spread(k,
            load_plain(k, k->codegen->float_type,
                codegen_address(k, instruction->parameter, instruction->offset)),
            lanes);
    case INSTRUCTION_broadcast_quad: {
        LLVMValueRef quads = emit_spread(k,
            load_quad(k, codegen_address(k, instruction->parameter, instruction->offset)),
            lanes / 4);
        return LLVMBuildBitCast(builder, quads, type, "");
    }
    case INSTRUCTION_broadcast_pair: {
        LLVMValueRef pairs = emit_spread(k,
            load_pair(k, codegen_address(k, instruction->parameter, instruction->offset)),
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
        return emit_select(k, LLVMRealOLT, a, b);
    case INSTRUCTION_maximum:
        if (lane != LANE_F32)
            return codegen_integers(k->codegen, instruction, sources, lane, lanes);
        return emit_select(k, LLVMRealOGT, a, b);
    case INSTRUCTION_maximum_or_nan:
        return emit_maximum_or_nan(k, type, sources);
    case INSTRUCTION_multiply_add:
        return emit_intrinsic(k, "llvm.fmuladd", type, sources, 3);
    case INSTRUCTION_floor:
        return emit_floor(k, a, lanes);
    case INSTRUCTION_square_root:
        return emit_intrinsic(k, "llvm.sqrt", type, sources, 1);
    case INSTRUCTION_power_of_two:
        return emit_power_of_two(k, a, lanes);
    case INSTRUCTION_permute:
        return emit_permute(k, instruction, a, b, lanes);
    case INSTRUCTION_reduce_add:
    case INSTRUCTION_reduce_maximum:
        return emit_spread(k,
            emit_reduce(
                k, instruction->kind, a, k->kernel->register_lanes[instruction->sources[0]]),
            lanes);
    case INSTRUCTION_pair_add:
    case INSTRUCTION_widen_even:
    case INSTRUCTION_widen_odd:
        return codegen_halves(k->codegen, instruction, sources, lanes);
    case INSTRUCTION_widen:
    case INSTRUCTION_narrow:
        if (lane == LANE_F32 || lane == LANE_BF16)
            return codegen_halves(k->codegen, instruction, sources, lanes);
        return codegen_integers(k->codegen, instruction, sources, lane, lanes);
    case INSTRUCTION_dot_add:
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

/* Into the second-level cache: the first is kept for what is in use. */
static void emit_prefetch(KernelCodegen *k, const Instruction *instruction) {
    const Codegen *codegen = k->codegen;
    enum { READ = 0, NEAR_SECOND_LEVEL = 2, DATA = 1 };
    LLVMValueRef arguments[4] = {codegen_address(k, instruction->parameter, instruction->offset),
        LLVMConstInt(codegen->i32, READ, 0), LLVMConstInt(codegen->i32, NEAR_SECOND_LEVEL, 0),
        LLVMConstInt(codegen->i32, DATA, 0)};
    emit_intrinsic(k, "llvm.prefetch", codegen->pointer, arguments, 4);
}

static void emit_instruction(KernelCodegen *k, const Instruction *instruction) {
    if (instruction->kind == INSTRUCTION_barrier) {
        codegen_barrier(k->codegen);
        return;
    }
    if (instruction->kind == INSTRUCTION_prefetch) {
        emit_prefetch(k, instruction);
        return;
    }
    if (instruction->kind == INSTRUCTION_store) {
        int source = instruction->sources[0];
        emit_store(k, instruction, read_register(k, source), k->kernel->register_lanes[source]);
        return;
    }
    int lanes = k->kernel->register_lanes[instruction->destination];
    LLVMValueRef value = emit_value(k, instruction, lanes);
    LLVMBuildStore(k->builder, value, k->registers[instruction->destination]);
}

/* ---- control ---- */

static void emit_block(KernelCodegen *k, const Block *block);

static LLVMBasicBlockRef new_block(KernelCodegen *k, const char *name) {
    return LLVMAppendBasicBlockInContext(k->codegen->context, k->function, name);
}

/* Our loops are unrolled as far as they should be. */
static void forbid_unrolling(KernelCodegen *k, LLVMValueRef branch) {
    LLVMContextRef context = k->codegen->context;
    const char *text = "llvm.loop.unroll.disable";
    LLVMMetadataRef name = LLVMMDStringInContext2(context, text, strlen(text));
    LLVMMetadataRef disable = LLVMMDNodeInContext2(context, &name, 1);
    /* A loop id is a distinct node that starts with itself. */
    LLVMMetadataRef placeholder = LLVMMDNodeInContext2(context, NULL, 0);
    LLVMMetadataRef operands[2] = {placeholder, disable};
    LLVMMetadataRef id = LLVMMDNodeInContext2(context, operands, 2);
    LLVMValueRef value = LLVMMetadataAsValue(context, id);
    LLVMReplaceMDNodeOperandWith(value, 0, id);
    LLVMSetMetadata(branch, LLVMGetMDKindIDInContext(context, "llvm.loop", 9), value);
}

static bool hits_end(const Statement *statement) {
    int64_t begin, end;
    return expression_is_constant(statement->begin, &begin) &&
           expression_is_constant(statement->end, &end) && begin < end &&
           (end - begin) % statement->step == 0;
}

static void emit_for(KernelCodegen *k, const Statement *statement) {
    LLVMBuilderRef builder = k->builder;
    LLVMTypeRef index = k->codegen->index;
    LLVMValueRef slot = k->variables[statement->variable];
    LLVMValueRef begin = codegen_expression(k, statement->begin);
    LLVMValueRef end = codegen_expression(k, statement->end);
    LLVMBasicBlockRef body = new_block(k, "loop"), after = new_block(k, "after");
    InnerLoop inner = {.statement = statement, .before = LLVMGetInsertBlock(builder)};
    LLVMBuildStore(builder, begin, slot);
    LLVMBuildCondBr(builder, LLVMBuildICmp(builder, LLVMIntSLT, begin, end, ""), body, after);
    LLVMPositionBuilderAtEnd(builder, body);
    LLVMValueRef outside[MAX_KERNEL_PARAMETERS];
    memcpy(outside, k->parameters, sizeof outside);
    codegen_enter_loop(k, &inner);
    emit_block(k, &statement->body);
    memcpy(k->parameters, outside, sizeof outside);
    codegen_leave_loop(k, &inner);
    LLVMValueRef next = LLVMBuildNSWAdd(builder, LLVMBuildLoad2(builder, index, slot, ""),
        codegen_index(k->codegen, statement->step), "");
    LLVMBuildStore(builder, next, slot);
    /* Where the end is hit exactly, LLVM may count down to zero, which needs no comparison. */
    LLVMIntPredicate more = hits_end(statement) ? LLVMIntNE : LLVMIntSLT;
    LLVMValueRef branch =
        LLVMBuildCondBr(builder, LLVMBuildICmp(builder, more, next, end, ""), body, after);
    forbid_unrolling(k, branch);
    LLVMPositionBuilderAtEnd(builder, after);
}

static void emit_if(KernelCodegen *k, const Statement *statement) {
    LLVMValueRef a = codegen_expression(k, statement->begin),
                 b = codegen_expression(k, statement->end);
    LLVMBasicBlockRef body = new_block(k, "then"), after = new_block(k, "endif");
    LLVMBuildCondBr(k->builder, LLVMBuildICmp(k->builder, LLVMIntSLT, a, b, ""), body, after);
    LLVMPositionBuilderAtEnd(k->builder, body);
    emit_block(k, &statement->body);
    LLVMBuildBr(k->builder, after);
    LLVMPositionBuilderAtEnd(k->builder, after);
}

static void emit_block(KernelCodegen *k, const Block *block) {
    for (const Statement *statement = block->first; statement; statement = statement->next)
        switch (statement->kind) {
        case STATEMENT_INSTRUCTION:
            emit_instruction(k, &statement->instruction);
            break;
        case STATEMENT_FOR:
            emit_for(k, statement);
            break;
        case STATEMENT_IF:
            emit_if(k, statement);
            break;
        case STATEMENT_LET:
            LLVMBuildStore(k->builder, codegen_expression(k, statement->begin),
                k->variables[statement->variable]);
            break;
        }
}

static LLVMValueRef declare_kernel(Codegen *codegen, const Kernel *kernel) {
    LLVMTypeRef types[MAX_KERNEL_PARAMETERS + MAX_KERNEL_LOCALS + 2];
    unsigned parameters = (unsigned)kernel->parameter_count, count = parameters;
    for (int i = 0; i < kernel->local_count; i++)
        count += kernel->local_is_scratch[i];
    for (unsigned i = 0; i < count; i++)
        types[i] = codegen->pointer;
    types[count] = types[count + 1] = codegen->index;
    LLVMTypeRef type = LLVMFunctionType(codegen->void_type, types, count + 2, 0);
    LLVMValueRef function = LLVMAddFunction(codegen->module, kernel->name, type);
    LLVMSetLinkage(function, LLVMInternalLinkage);
    codegen_mark(codegen, function, LLVMAttributeFunctionIndex, "noinline");
    codegen_mark(codegen, function, LLVMAttributeFunctionIndex, "nounwind");
    for (unsigned i = 0; i < count; i++) {
        /* No parameter reads what another writes, and runs of one buffer never overlap. */
        ParameterRole role = i < parameters ? kernel->parameters[i].role : PARAMETER_UPDATE;
        codegen_mark(codegen, function, (int)i + 1, "noalias");
        if (role != PARAMETER_UPDATE)
            codegen_mark(
                codegen, function, (int)i + 1, role == PARAMETER_WRITE ? "writeonly" : "readonly");
    }
    return function;
}

LLVMValueRef codegen_kernel(Codegen *codegen, const Kernel *kernel) {
    KernelCodegen k = {.codegen = codegen, .kernel = kernel, .builder = codegen->builder};
    k.function = declare_kernel(codegen, kernel);
    LLVMPositionBuilderAtEnd(k.builder, new_block(&k, "entry"));
    k.registers = ARENA_ARRAY(kernel->arena, LLVMValueRef, kernel->register_count + 1);
    k.variables = ARENA_ARRAY(kernel->arena, LLVMValueRef, kernel->variable_count);
    for (int i = 0; i < kernel->parameter_count; i++)
        k.parameters[i] = LLVMGetParam(k.function, (unsigned)i);
    unsigned next = (unsigned)kernel->parameter_count;
    for (int i = 0; i < kernel->local_count; i++)
        if (kernel->local_is_scratch[i])
            k.locals[i] = LLVMGetParam(k.function, next++);
    k.variables[VARIABLE_BEGIN] = LLVMGetParam(k.function, next);
    k.variables[VARIABLE_END] = LLVMGetParam(k.function, next + 1);
    for (int i = 2; i < kernel->variable_count; i++)
        k.variables[i] = LLVMBuildAlloca(k.builder, codegen->index, "");
    for (int i = 0; i < kernel->register_count; i++)
        k.registers[i] = LLVMBuildAlloca(k.builder, register_type(&k, i), "");
    if (kernel->threads > 0)
        LLVMBuildStore(k.builder, codegen_thread(codegen), k.variables[kernel->thread_variable]);
    for (int i = 0; i < kernel->local_count; i++) {
        if (kernel->threads > 0) {
            k.locals[i] = codegen_shared(codegen, kernel->local_floats[i]);
            continue;
        }
        if (kernel->local_is_scratch[i])
            continue;
        LLVMTypeRef type =
            LLVMArrayType2(codegen->float_type, (unsigned long long)kernel->local_floats[i]);
        k.locals[i] = LLVMBuildAlloca(k.builder, type, "");
        LLVMSetAlignment(k.locals[i], 64);
    }
    emit_block(&k, &kernel->body);
    LLVMBuildRetVoid(k.builder);
    return k.function;
}
