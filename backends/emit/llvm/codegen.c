/* What all of the LLVM backend asks for: modules, types, attributes, calls of intrinsics, symbols.
 */
#include "backends/emit/llvm/codegen.h"
#include "backends/program/program.h"
#include "backends/program/summary.h"
#include "backends/target/target.h"
#include "ir/arena.h"
#include "ir/kernel.h"
#include <assert.h>
#include <string.h>

void codegen_begin(Codegen *codegen, LLVMContextRef context, const char *name, const Target *target,
    LLVMTargetMachineRef machine) {
    memset(codegen, 0, sizeof *codegen);
    codegen->context = context;
    codegen->module = LLVMModuleCreateWithNameInContext(name, context);
    codegen->builder = LLVMCreateBuilderInContext(context);
    codegen->target = target;
    codegen->float_type = LLVMFloatTypeInContext(context);
    codegen->i8 = LLVMInt8TypeInContext(context);
    codegen->i16 = LLVMInt16TypeInContext(context);
    codegen->i32 = LLVMInt32TypeInContext(context);
    codegen->index = LLVMIntTypeInContext(
        context, 8 * (unsigned)architecture_pointer_bytes(target->architecture));
    codegen->pointer = LLVMPointerTypeInContext(context, 0);
    codegen->void_type = LLVMVoidTypeInContext(context);
    LLVMSetTarget(codegen->module, target->triple);
    LLVMTargetDataRef layout = LLVMCreateTargetDataLayout(machine);
    LLVMSetModuleDataLayout(codegen->module, layout);
    LLVMDisposeTargetData(layout);
}

void codegen_end(Codegen *codegen) {
    LLVMDisposeBuilder(codegen->builder);
}

void codegen_attribute(
    const Codegen *codegen, LLVMValueRef function, const char *key, const char *value) {
    LLVMAddAttributeAtIndex(function, (LLVMAttributeIndex)LLVMAttributeFunctionIndex,
        LLVMCreateStringAttribute(
            codegen->context, key, (unsigned)strlen(key), value, (unsigned)strlen(value)));
}

void codegen_mark(const Codegen *codegen, LLVMValueRef function, int index, const char *name) {
    unsigned kind = LLVMGetEnumAttributeKindForName(name, strlen(name));
    LLVMAddAttributeAtIndex(
        function, (LLVMAttributeIndex)index, LLVMCreateEnumAttribute(codegen->context, kind, 0));
}

/* ---- types and calls ---- */

LLVMTypeRef codegen_lane_type(const Codegen *codegen, LaneType type) {
    switch (type) {
    case LANE_S32:
        return codegen->i32;
    case LANE_S16:
    case LANE_BF16:
        return codegen->i16;
    case LANE_U8:
        return codegen->i8;
    case LANE_F16:
        return LLVMHalfTypeInContext(codegen->context);
    case LANE_F32:
    case LANE_TYPE_COUNT:
        break;
    }
    return codegen->float_type;
}

LLVMTypeRef codegen_vector_type(const Codegen *codegen, LaneType type, int lanes) {
    LLVMTypeRef lane = codegen_lane_type(codegen, type);
    return lanes == 1 ? lane : LLVMVectorType(lane, (unsigned)lanes);
}

LLVMTypeRef codegen_element_type(LLVMTypeRef type) {
    return LLVMGetTypeKind(type) == LLVMVectorTypeKind ? LLVMGetElementType(type) : type;
}

LLVMValueRef codegen_shuffle_indices(const Codegen *codegen, const int *indices, int count) {
    LLVMValueRef constants[128];
    assert(count <= 128);
    for (int i = 0; i < count; i++)
        constants[i] = LLVMConstInt(codegen->i32, (unsigned long long)indices[i], 0);
    return LLVMConstVector(constants, (unsigned)count);
}

LLVMValueRef codegen_extract_lanes(
    const Codegen *codegen, LLVMValueRef vector, int first, int count) {
    int indices[64];
    if (LLVMGetTypeKind(LLVMTypeOf(vector)) != LLVMVectorTypeKind)
        return vector;
    if (count == 1)
        return LLVMBuildExtractElement(
            codegen->builder, vector, LLVMConstInt(codegen->i32, (unsigned)first, 0), "");
    for (int i = 0; i < count; i++)
        indices[i] = first + i;
    return LLVMBuildShuffleVector(codegen->builder, vector, LLVMGetUndef(LLVMTypeOf(vector)),
        codegen_shuffle_indices(codegen, indices, count), "");
}

LLVMValueRef codegen_intrinsic(
    Codegen *codegen, const char *name, LLVMTypeRef type, LLVMValueRef *arguments, unsigned count) {
    unsigned id = LLVMLookupIntrinsicID(name, strlen(name));
    size_t types = type ? 1 : 0;
    LLVMValueRef function = LLVMGetIntrinsicDeclaration(codegen->module, id, &type, types);
    LLVMTypeRef function_type = LLVMIntrinsicGetType(codegen->context, id, &type, types);
    return LLVMBuildCall2(codegen->builder, function_type, function, arguments, count, "");
}

/* ---- symbols ---- */

char *codegen_library_symbol(const Program *program, const char *suffix) {
    return arena_format(program->arena, "%s_%s", program->name, suffix);
}

char *codegen_weights_symbol(const Program *program) {
    return arena_format(program->arena, "%s_weights", program_library_name(program));
}

char *codegen_symbol(const Program *program, const char *word) {
    if (!program->level)
        return codegen_library_symbol(program, word);
    return arena_format(program->arena, "%s_%s_%s", program->name, word, program->level->word);
}

LLVMValueRef codegen_public_function(
    Codegen *codegen, const Program *program, const char *word, LLVMTypeRef type) {
    LLVMValueRef function =
        LLVMAddFunction(codegen->module, codegen_library_symbol(program, word), type);
    codegen_mark(codegen, function, LLVMAttributeFunctionIndex, "nounwind");
    return function;
}
