/* Which intrinsics a target has (intrinsics.def), and what it has no code for. */
#ifndef RIFFLE_BACKENDS_EMIT_LLVM_INTRINSICS_H
#define RIFFLE_BACKENDS_EMIT_LLVM_INTRINSICS_H

#include "backends/emit/llvm/codegen.h"
#include "backends/target/target.h"
#include "ir/kernel.h"

typedef enum Intrinsic {
#define INTRINSIC(identifier, ...) INTRINSIC_##identifier,
#include "backends/emit/llvm/intrinsics.def"
    INTRINSIC_COUNT
} Intrinsic;

enum { NEON_BYTES = 16 }; /* of a vector of 64-bit ARM */

/* Whether the target has it for vectors of so many bytes, and LLVM knows it. */
bool has_intrinsic(const Target *target, Intrinsic intrinsic, int64_t bytes);

/* The call of one that the target has, for vectors of so many bytes; operands may be vectors of
 * other lanes, but must have as many bits as what it takes. */
LLVMValueRef codegen_call(Codegen *codegen, Intrinsic intrinsic, int64_t bytes,
    LLVMValueRef *operands, unsigned count, LLVMTypeRef result);

/* The name of what a kernel needs and LLVM has no code for on the target; NULL: there is none. */
const char *llvm_kernel_fault(const Kernel *kernel, const Target *target);

#endif
