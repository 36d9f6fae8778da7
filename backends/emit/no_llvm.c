/* What a riffle without LLVM says when it is asked for machine code. */
#include "backends/emit/emit.h"
#include "backends/program/summary.h"
#include "ir/diagnostics.h"
#include "ir/text.h"

bool llvm_is_built_in(void) {
    return false;
}

const char *llvm_version(void) {
    return "";
}

static void report(Diagnostics *diagnostics) {
    diagnostics_error(diagnostics,
        "'--backend c' makes C source; or install llvm-22-dev and build riffle again",
        "this riffle was built without LLVM");
}

bool llvm_emit(const Program *program, EmitKind kind, Text *out, Diagnostics *diagnostics) {
    (void)program, (void)kind, (void)out;
    report(diagnostics);
    return false;
}

bool llvm_emit_blank_weights(
    const Program *program, size_t length, Text *out, Diagnostics *diagnostics) {
    (void)program, (void)length, (void)out;
    report(diagnostics);
    return false;
}

bool llvm_emit_dispatch(const Program *program, Text *out, Diagnostics *diagnostics) {
    (void)program, (void)out;
    report(diagnostics);
    return false;
}

bool llvm_emit_support(const Program *program, const SupportFunctions *functions, Text *out,
    Diagnostics *diagnostics) {
    (void)program, (void)functions, (void)out;
    report(diagnostics);
    return false;
}
