/* What a riffle without LLVM says when it is asked for machine code. */
#include "backends/program.h"

bool llvm_is_built_in(void) {
    return false;
}

const char *llvm_version(void) {
    return "";
}

static void report(Diagnostics *diagnostics) {
    diagnostics_error(diagnostics,
        "install llvm-22-dev and build again, or run the interpreter with `riffle run --interpret`",
        "this riffle was built without LLVM and cannot make machine code");
}

bool llvm_emit(const Program *program, EmitKind kind, Text *out, Diagnostics *diagnostics) {
    (void)program, (void)kind, (void)out;
    report(diagnostics);
    return false;
}

bool llvm_emit_weights(const Program *program, Text *out, Diagnostics *diagnostics) {
    (void)program, (void)out;
    report(diagnostics);
    return false;
}

bool llvm_emit_dispatch(const Program *program, Text *out, Diagnostics *diagnostics) {
    (void)program, (void)out;
    report(diagnostics);
    return false;
}

LoadedModel *jit_load(const Program *program, Diagnostics *diagnostics) {
    (void)program;
    report(diagnostics);
    return NULL;
}

void jit_unload(LoadedModel *model) {
    (void)model;
}

int64_t jit_code_bytes(const LoadedModel *model) {
    (void)model;
    return 0;
}

int jit_run(
    const LoadedModel *model, const float *const *inputs, float *const *outputs, void *workspace) {
    (void)model, (void)inputs, (void)outputs, (void)workspace;
    return 1;
}

int jit_run_parallel(const LoadedModel *model, const float *const *inputs, float *const *outputs,
    void *workspace, riffle_parallel_for *parallel_for, void *pool) {
    (void)model, (void)inputs, (void)outputs, (void)workspace, (void)parallel_for, (void)pool;
    return 1;
}
