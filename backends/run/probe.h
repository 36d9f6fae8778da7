/* Programs of one kernel, for measuring what the machine can do. */
#ifndef RIFFLE_BACKENDS_RUN_PROBE_H
#define RIFFLE_BACKENDS_RUN_PROBE_H

#include "backends/program/summary.h"
#include "backends/target/target.h"
#include "ir/arena.h"
#include "ir/kernel.h"
#include <stdint.h>

/* A program that calls the named kernel once, with the program's input and output, of so many
 * bytes, as its two parameters. */
Program *probe_program(
    Arena *arena, const Target *target, Kernel *kernel, int64_t input_bytes, int64_t output_bytes);

#endif
