/* Running the very code that would go to the archive: loaded into this process, or linked to a
 * program that a runner runs elsewhere (see program_set_runner). */
#ifndef RIFFLE_BACKENDS_RUN_MODEL_H
#define RIFFLE_BACKENDS_RUN_MODEL_H

#include "backends/program/summary.h"
#include "backends/target/target.h"
#include "ir/arena.h"
#include "ir/diagnostics.h"
#include "runtime/riffle_runtime.h"
#include <stdbool.h>
#include <stdint.h>

typedef struct LoadedModel LoadedModel;
LoadedModel *jit_load(const Program *program, Diagnostics *diagnostics);
void jit_unload(LoadedModel *model); /* NULL is allowed */

/* Whether programs of the target can be linked, so that a runner runs them. */
bool runner_takes_target(const Target *target);
/* Whether the model runs elsewhere: what times its runs here counts much else. */
bool jit_is_elsewhere(const LoadedModel *model);

/* Bytes of instructions; -1 when the object is not ELF, or runs elsewhere. */
int64_t jit_code_bytes(const LoadedModel *model);

/* Room for the inputs of jit_run, and behind them zeros, where a library looks for the row bytes of
 * inputs of bytes: their rows are packed. */
const float **jit_inputs_create(int input_count, Arena *arena);

/* inputs[i] and outputs[i] as in the graph, those of a graph with inputs of bytes made by
 * jit_inputs_create; workspace of workspace_bytes, aligned to 64. Returns the library's error code,
 * 0 for success. What runs elsewhere has a workspace of its own there, and may also return
 * JIT_REPORTED: it gave no answer, which was reported. */
enum { JIT_REPORTED = -1 };
int jit_run(
    const LoadedModel *model, const float *const *inputs, float *const *outputs, void *workspace);
int jit_run_parallel(const LoadedModel *model, const float *const *inputs, float *const *outputs,
    void *workspace, riffle_parallel_for *parallel_for, void *pool); /* here alone */
/* Reports a status other than success, if that was not done. */
bool jit_succeeded(int status, Diagnostics *diagnostics);

/* What to time of a model that runs elsewhere. */
typedef struct RunTiming {
    int64_t warm_up; /* runs before the first sample */
    int64_t most;    /* samples */
    int64_t runs;    /* in a sample */
    double seconds;  /* no more samples after so long, but one */
    int64_t steps;   /* 0, or of a program with LOOP_PER_STEP: its step_count */
    bool apart;      /* each of the runner's threads does so many of the runs alone, all the same */
    bool made_up;    /* the inputs, there: all bytes are 1, whatever is given here */
} RunTiming;

/* Runs it there, in one go, and fills `samples` with seconds, measured there: with steps, those of
 * each step of the first run, then of the next. The outputs are those of the last run. Returns how
 * many runs or samples there are; 0 after reporting. */
int64_t jit_time_elsewhere(const LoadedModel *model, const float *const *inputs,
    float *const *outputs, const RunTiming *timing, double *samples);

#endif
