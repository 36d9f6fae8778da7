/* Running in this process: loads the very code that would go to the archive. */
#ifndef RIFFLE_BACKENDS_RUN_MODEL_H
#define RIFFLE_BACKENDS_RUN_MODEL_H

#include "backends/program/summary.h"
#include "ir/diagnostics.h"
#include "runtime/riffle_runtime.h"
#include <stdint.h>

typedef struct LoadedModel LoadedModel;
LoadedModel *jit_load(const Program *program, Diagnostics *diagnostics);
void jit_unload(LoadedModel *model); /* NULL is allowed */

/* Bytes of instructions; -1 when the object is not ELF. */
int64_t jit_code_bytes(const LoadedModel *model);

/* inputs[i] and outputs[i] as in the graph; workspace of workspace_bytes, aligned to 64. Returns
 * the library's error code, 0 for success. */
int jit_run(
    const LoadedModel *model, const float *const *inputs, float *const *outputs, void *workspace);
int jit_run_parallel(const LoadedModel *model, const float *const *inputs, float *const *outputs,
    void *workspace, riffle_parallel_for *parallel_for, void *pool);

#endif
