/* Loads and stores of kernels: whole vectors, some of their lanes by masks or in pieces, and
 * prefetches. */
#include "backends/emit/llvm/codegen.h"
#include "backends/emit/llvm/kernel.h"
#include "ir/kernel.h"
#include <string.h>

static unsigned element_bytes(const KernelCodegen *k, LLVMTypeRef type) {
    LLVMTypeRef element = codegen_element_type(type);
    if (LLVMGetTypeKind(element) == LLVMHalfTypeKind)
        return 2;
    return element == k->codegen->float_type ? sizeof(float) : LLVMGetIntTypeWidth(element) / 8;
}

/* A vector of so many of the elements of that one. */
static LLVMTypeRef piece_type(LLVMTypeRef type, int lanes) {
    LLVMTypeRef element = codegen_element_type(type);
    return lanes == 1 ? element : LLVMVectorType(element, (unsigned)lanes);
}

static LLVMValueRef element_address(
    KernelCodegen *k, LLVMTypeRef type, LLVMValueRef address, int element) {
    LLVMValueRef index = codegen_index(k->codegen, element);
    return element == 0
               ? address
               : LLVMBuildGEP2(k->builder, codegen_element_type(type), address, &index, 1, "");
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

LLVMValueRef codegen_load_number(KernelCodegen *k, LLVMTypeRef type, LLVMValueRef address) {
    LLVMValueRef load = LLVMBuildLoad2(k->builder, type, address, "");
    LLVMSetAlignment(load, access_alignment(k, type));
    return load;
}

/* Four bytes as one number, wherever they begin. */
LLVMValueRef codegen_load_quad(KernelCodegen *k, LLVMValueRef address) {
    LLVMValueRef load = LLVMBuildLoad2(k->builder, k->codegen->i32, address, "");
    LLVMSetAlignment(load, 1);
    return load;
}

/* Two numbers of bf16 as one. */
LLVMValueRef codegen_load_pair(KernelCodegen *k, LLVMValueRef address) {
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
        LLVMValueRef value = codegen_load_number(
            k, piece_type(type, piece), element_address(k, type, address, done));
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
                codegen_shuffle_indices(k->codegen, widen, lanes), "");
            result = LLVMBuildShuffleVector(
                k->builder, result, value, codegen_shuffle_indices(k->codegen, merge, lanes), "");
        }
        done += piece;
    }
    return result;
}

LLVMValueRef codegen_load(KernelCodegen *k, const Instruction *instruction, int lanes) {
    LLVMTypeRef type = codegen_register_type(k, instruction->destination);
    LLVMValueRef address = codegen_address(k, instruction->parameter, instruction->offset);
    int first = instruction->first_lane, count = instruction->lane_count;
    if (count == lanes)
        return codegen_load_number(k, type, address);
    if (k->codegen->target->masks)
        return emit_masked(k, "llvm.masked.load", address, NULL, type, first, count);
    return load_pieces(k, type, address, first, count);
}

void codegen_store(
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
        LLVMValueRef part =
            piece == lanes ? value : codegen_extract_lanes(k->codegen, value, first + done, piece);
        LLVMValueRef store =
            LLVMBuildStore(k->builder, part, element_address(k, LLVMTypeOf(value), address, done));
        LLVMSetAlignment(store, access_alignment(k, LLVMTypeOf(part)));
        done += piece;
    }
}

/* Into the second-level cache: the first is kept for what is in use. */
void codegen_prefetch(KernelCodegen *k, const Instruction *instruction) {
    const Codegen *codegen = k->codegen;
    enum { READ = 0, NEAR_SECOND_LEVEL = 2, DATA = 1 };
    LLVMValueRef arguments[4] = {codegen_address(k, instruction->parameter, instruction->offset),
        LLVMConstInt(codegen->i32, READ, 0), LLVMConstInt(codegen->i32, NEAR_SECOND_LEVEL, 0),
        LLVMConstInt(codegen->i32, DATA, 0)};
    codegen_intrinsic(k->codegen, "llvm.prefetch", codegen->pointer, arguments, 4);
}
