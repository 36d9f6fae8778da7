/* The C backend: a program as C source, its weights, and both made to run by a C compiler. */
#ifndef RIFFLE_BACKENDS_EMIT_C_SOURCE_H
#define RIFFLE_BACKENDS_EMIT_C_SOURCE_H

#include "backends/program/summary.h"
#include "ir/diagnostics.h"
#include "ir/graph.h"
#include "ir/text.h"

/* NAME.c. With a graph it includes NAME.h; without one it declares what it defines, with names of
 * its own for the inputs and outputs. False after reporting that C cannot say what a kernel does.
 */
bool c_source_write(
    const Graph *graph, const Program *program, Text *out, Diagnostics *diagnostics);

/* parallel.c: what a run that is shared out has beside the steps, and the call of parallel_for in
 * NAME_run_parallel, up to the `#else` of a compiler without atomics. */
void c_parallel_write(const Program *program, Text *out);
/* The tasks of loops over the slots of steps that have scratch, where each step has a loop. */
void c_parallel_write_slots(const Program *program, Text *out);
void c_parallel_write_run(const Program *program, const char *upper, Text *out);

/* support.c: the functions that the library has besides, and the code that they call. */
void c_support_write(const Graph *graph, const Program *program, Text *out);

/* NAME_weights.S: assembly that makes a symbol of the file NAME_weights.bin. */
void c_weights_write(const Program *program, Text *out);

#endif
