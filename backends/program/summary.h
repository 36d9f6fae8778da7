/* A lowered network, seen from outside: its size, and what each of its steps does. */
#ifndef RIFFLE_BACKENDS_PROGRAM_SUMMARY_H
#define RIFFLE_BACKENDS_PROGRAM_SUMMARY_H

#include "backends/program/options.h"
#include "backends/target/target.h"
#include "ir/graph.h"
#include "ir/text.h"

/* Kernels, their order, buffers and packed weights: everything that the printers need. */
typedef struct Program Program;

/* Releases the packed weights (of all levels); the rest belongs to the arena. NULL is allowed. */
void program_destroy(Program *program);
const Target *program_target(const Program *program);

/* Kernel IR as text. */
void program_print(const Program *program, Text *text);

typedef struct ProgramSummary {
    int64_t workspace_bytes;             /* the library's workspace */
    int64_t workspace_lower_bound_bytes; /* buffers alive at the worst step */
    int64_t live_bytes;                  /* the same without room for channels not yet written */
    int64_t weight_bytes;                /* packed */
    int64_t stack_bytes;                 /* what a thread needs: NAME_STACK_BYTES */
    int64_t unoptimized_stack_bytes;     /* if compiled from C at -O0; 0: machine code was made */
    int kernel_count;                    /* distinct kernels */
    int step_count;                      /* kernel calls of one run */
    int64_t macs;
    int64_t bytes_moved;  /* distinct numbers read and written by each step */
    int64_t layout_bytes; /* by copying alone: ir/kernel_count.h says what that is */
} ProgramSummary;

ProgramSummary program_summary(const Program *program);

/* Whether the packed weights are the same bytes. */
bool program_weights_equal(const Program *a, const Program *b);

/* What a step does to memory: see ir/kernel_count.h. */
typedef struct StepCount {
    int64_t bytes_read, bytes_written; /* of distinct numbers */
    int64_t layout_bytes; /* read and written by copying alone: all of a kernel that only moves
                             data, else twice what it stores as it was loaded */
    int64_t loaded_bytes, stored_bytes; /* by all accesses */
    int64_t multiply_adds_issued, multiply_adds_useful;
    bool only_moves; /* a copy: nothing that it stores was computed */
} StepCount;

typedef struct StepSummary {
    const Node *node; /* of the lowered graph; NULL for a copy to an output */
    const char *path; /* of the node in the spec; may be "" */
    const char *label, *op;
    const char *reason; /* why it must copy; NULL when it does more than that */
    int op_count;       /* ops that it computes, more than one in a chain */
    int64_t macs;
    StepCount count;
} StepSummary;

/* Step `index` of the summary's step_count. */
StepSummary program_step(const Program *program, int index);

/* The backend that jit_load and library_write use for the program, and the C compiler of BACKEND_C:
 * a command with its first arguments, or NULL for that of the environment variable CC, cc, gcc or
 * clang. */
void program_set_backend(Program *program, Backend backend, const char *c_compiler);

/* Where jit_load's model of the program runs; NULL, the default: in this process. Its strings must
 * live as long as the program. */
void program_set_runner(Program *program, const Runner *runner);

/* The weights become a file of their own, whose address is the last member of NAME_inputs, instead
 * of a part of the library. What the file begins with has a hash of the kernels and steps of all
 * levels as text: code that is equal reads the weights alike, so it takes the file of any compile
 * that made the same code of other numbers. */
void program_set_weights_apart(Program *program);

/* NAME.json names libNAME.so, too. */
void program_set_shared(Program *program);

/* Of all levels. LOOP_PER_RUN is the default. */
void program_set_loops(Program *program, ParallelLoops loops);

#endif
