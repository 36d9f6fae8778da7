/* A program that runs in this process, whoever made its code. */
#ifndef RIFFLE_BACKENDS_RUN_LOADED_H
#define RIFFLE_BACKENDS_RUN_LOADED_H

#include "backends/program/summary.h"
#include "backends/run/model.h"
#include "ir/diagnostics.h"
#include "ir/text.h"
#include "runtime/riffle_runtime.h"

typedef int RunFunction(const float *const *inputs, float *const *outputs, void *workspace);
typedef int RunParallelFunction(const float *const *inputs, float *const *outputs, void *workspace,
    riffle_parallel_for *parallel_for, void *pool);

struct LoadedModel {
    RunFunction *run;
    RunParallelFunction *run_parallel;
    int64_t code_bytes;
    void *handle; /* what holds the code */
    void (*unload)(void *handle);
};

/* For jit_load: each makes a model (malloc) or reports and returns NULL. */
LoadedModel *llvm_load(const Program *program, Diagnostics *diagnostics);
LoadedModel *c_load(const Program *program, Diagnostics *diagnostics);

#endif
