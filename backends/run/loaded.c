/* Running a program: the same for all that make it run. */
#include "backends/run/loaded.h"
#include "backends/emit/emit.h"
#include "backends/program/options.h"
#include "backends/program/program.h"
#include "backends/program/summary.h"
#include "backends/run/model.h"
#include "backends/target/target.h"
#include "ir/diagnostics.h"
#include "ir/text.h"
#include <assert.h>
#include <stdlib.h>

Backend backend_default(void) {
    return llvm_is_built_in() ? BACKEND_LLVM : BACKEND_C;
}

LoadedModel *jit_load(const Program *program, Diagnostics *diagnostics) {
    if (program->runner)
        return remote_load(program, diagnostics);
    if (!target_runs_here(program->target)) {
        diagnostics_error(diagnostics, "`--target native` fits this machine",
            "code for '%s' does not run on this machine", program->target->name);
        return NULL;
    }
    Backend backend = program->backend == BACKEND_DEFAULT ? backend_default() : program->backend;
    return backend == BACKEND_C ? c_load(program, diagnostics) : llvm_load(program, diagnostics);
}

void jit_unload(LoadedModel *model) {
    if (!model)
        return;
    model->unload(model->handle);
    free(model);
}

bool jit_is_elsewhere(const LoadedModel *model) {
    return model->remote != NULL;
}

int64_t jit_code_bytes(const LoadedModel *model) {
    return model->code_bytes;
}

const float **jit_inputs_create(int input_count, Arena *arena) {
    return ARENA_ARRAY(arena, const float *, 2 * input_count + 1);
}

int jit_run(
    const LoadedModel *model, const float *const *inputs, float *const *outputs, void *workspace) {
    if (model->remote)
        return remote_run(model->remote, inputs, outputs, NULL, NULL, NULL);
    return model->run(inputs, outputs, workspace);
}

int jit_run_parallel(const LoadedModel *model, const float *const *inputs, float *const *outputs,
    void *workspace, riffle_parallel_for *parallel_for, void *pool) {
    assert(!model->remote);
    return model->run_parallel(inputs, outputs, workspace, parallel_for, pool);
}

bool jit_succeeded(int status, Diagnostics *diagnostics) {
    if (status != 0 && status != JIT_REPORTED)
        diagnostics_error(diagnostics, NULL, "the compiled network returned status %d", status);
    return status == 0;
}

int64_t jit_time_elsewhere(const LoadedModel *model, const float *const *inputs,
    float *const *outputs, const RunTiming *timing, double *samples) {
    int64_t taken = 0;
    int status = remote_run(model->remote, inputs, outputs, timing, samples, &taken);
    return jit_succeeded(status, remote_diagnostics(model->remote)) ? taken : 0;
}
