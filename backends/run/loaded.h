/* A program that runs, whoever made its code. */
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

/* A program that runs elsewhere: see remote.c. */
typedef struct Remote Remote;

struct LoadedModel {
    Remote *remote; /* NULL: it runs here */
    RunFunction *run;
    RunParallelFunction *run_parallel;
    int64_t code_bytes;
    void *handle; /* what holds the code */
    void (*unload)(void *handle);
};

/* Does what the timing says (NULL: one run), and returns what the network did, or JIT_REPORTED.
 * `samples` gets seconds as jit_time_elsewhere has it, and *taken their number; NULL without a
 * timing. */
int remote_run(Remote *remote, const float *const *inputs, float *const *outputs,
    const RunTiming *timing, double *samples, int64_t *taken);
Diagnostics *remote_diagnostics(const Remote *remote);

/* For jit_load: each makes a model (malloc) or reports and returns NULL. */
LoadedModel *llvm_load(const Program *program, Diagnostics *diagnostics);
LoadedModel *remote_load(const Program *program, Diagnostics *diagnostics);
LoadedModel *c_load(const Program *program, Diagnostics *diagnostics);

#endif
