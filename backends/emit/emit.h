/* From program to machine code, by LLVM (llvm/; no_llvm.c where riffle is built without). */
#ifndef RIFFLE_BACKENDS_EMIT_EMIT_H
#define RIFFLE_BACKENDS_EMIT_EMIT_H

#include "backends/program/summary.h"
#include "backends/program/support.h"
#include "ir/diagnostics.h"
#include "ir/text.h"

bool llvm_is_built_in(void);
const char *llvm_version(void); /* "22.1.8"; "" without LLVM */
typedef enum EmitKind { EMIT_LLVM_IR, EMIT_ASSEMBLY, EMIT_OBJECT } EmitKind;

/* The code of the program. The weights are an external hidden symbol in it. */
bool llvm_emit(const Program *program, EmitKind kind, Text *out, Diagnostics *diagnostics);

/* An object file with that many zeros in place of the packed weights. */
bool llvm_emit_blank_weights(
    const Program *program, size_t length, Text *out, Diagnostics *diagnostics);

/* The object with the public functions of a program with levels: they ask the processor, and call
 * those of its level. */
bool llvm_emit_dispatch(const Program *program, Text *out, Diagnostics *diagnostics);

/* The object with the library's other functions; where it has levels, for the lowest. */
bool llvm_emit_support(
    const Program *program, const SupportFunctions *functions, Text *out, Diagnostics *diagnostics);

#endif
