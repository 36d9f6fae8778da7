/* Programs run by the interpreter of kernels, against the interpreter of graphs. */
#ifndef RIFFLE_TESTS_RANDOM_INTERPRET_PROGRAM_H
#define RIFFLE_TESTS_RANDOM_INTERPRET_PROGRAM_H

#include "backends/program/program.h"
#include "ir/kernel_interpret.h"
#include "ir/kernel_parse.h"
#include "oracle.h"

/* A program and the kernels that its text has. */
typedef struct InterpretedProgram {
    const Program *program;
    KernelFile *kernels;
} InterpretedProgram;

/* How it is run. */
typedef struct InterpretedRun {
    KernelOrder order; /* of the threads of a block */
    bool one_by_one;   /* the items of a step, the last first; else all at once */
    int64_t steps;     /* that it may take; and afterwards, that it took */
} InterpretedRun;

/* Prints the kernels, and reads them back. NULL after reporting. */
KernelFile *kernels_read_back(const Program *program, Arena *arena, Diagnostics *diagnostics);
/* Runs the steps, phase by phase, in memory of NaN. NULL, or what is wrong with a step or with the
 * outputs: "KIND: more". */
const char *interpret_program(const Oracle *oracle, const InterpretedProgram *interpreted,
    InterpretedRun *run, Exactness exactness, Arena *arena);
/* The same, but what comes out is given to the caller instead. */
const char *interpret_program_outputs(const Oracle *oracle, const InterpretedProgram *interpreted,
    InterpretedRun *run, float *const *outputs, Arena *arena);
/* "one by one, threads backward", for messages. */
const char *interpreted_run_name(const InterpretedRun *run, bool has_threads, Arena *arena);

#endif
