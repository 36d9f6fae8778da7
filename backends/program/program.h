/* A lowered network: the kernels, the calls of them in order, the buffers they work on and the
 * packed weights. Made by program_lower, read by the printers and writers. */
#ifndef RIFFLE_BACKENDS_PROGRAM_PROGRAM_H
#define RIFFLE_BACKENDS_PROGRAM_PROGRAM_H

#include "backends/program/decided.h"
#include "backends/program/loop_schedule.h"
#include "backends/program/options.h"
#include "backends/program/summary.h"
#include "backends/target/levels.h"
#include "backends/target/target.h"
#include "ir/arena.h"
#include "ir/graph.h"
#include "ir/kernel.h"
#include "ir/kernel_count.h"
#include "ir/resting.h"
#include "runtime/support/weights_file.h"

typedef enum BufferKind {
    BUFFER_WORKSPACE, /* offset: bytes from the start of the workspace */
    BUFFER_INPUT,     /* index: which input of the network */
    BUFFER_OUTPUT,
    BUFFER_WEIGHTS,  /* the packed weights */
    BUFFER_ROW_BYTES /* an integer of 32 bits, which the caller gives with an input of bytes: from
                        one of its rows to the next; 0 where they are packed */
} BufferKind;

enum { BUFFER_KIND_COUNT = BUFFER_ROW_BYTES + 1 };
enum { WEIGHTS_BUFFER = 0 }; /* the number of that buffer */

typedef struct Buffer {
    BufferKind kind;
    int index;
    int64_t bytes;
    int64_t row_bytes;         /* INPUT of bytes: of a row; else 0 */
    int64_t offset;            /* WORKSPACE: set by the memory planner */
    int first_step, last_step; /* WORKSPACE: alive from when to when, both included */
    const char *name;          /* of the value that it was made for */
} Buffer;

/* What a kernel's parameter is in one call: a place in a buffer. */
typedef struct Argument {
    int buffer;
    int64_t offset; /* from the start of the buffer, in elements of the parameter */
} Argument;

/* One call of a kernel. */
typedef struct Step {
    int kernel;
    Argument arguments[MAX_KERNEL_PARAMETERS];
    const Node *node;   /* of the graph, while that lives; NULL for a copy to an output */
    const char *path;   /* of the node in the spec; may be "" */
    const char *label;  /* what it computes: "conv 1x1 58 -> 58, relu" */
    const char *op;     /* name of the graph op */
    int scratch;        /* buffer, of a slot for each thread: see scratch.h; 0: it needs none */
    int op_count;       /* how many ops told what they are, for the label */
    const char *reason; /* of a kernel that only moves data: why it must; else NULL */
    int64_t macs;
    StepSchedule *schedule; /* what was chosen for it; NULL for a copy, and for a GPU */
    StepCount count;        /* set in the end */
    int phase;              /* GPU: steps of one phase run at the same time */
} Step;

/* See levels.h and variants.h. */
typedef struct ProgramLevels ProgramLevels;
typedef struct ProgramVariants ProgramVariants;

/* What is known once machine code was made. */
typedef struct Measured {
    int64_t stack_bytes; /* of the largest path through the calls; 0: no code was made */
    int64_t frame_bytes; /* of the function with the most; 0 as well */
} Measured;

struct Program {
    Arena *arena;
    const char *name;
    const Target *target;
    LowerWinograd winograd; /* as in the LowerOptions */
    Backend backend;        /* see program_set_backend */
    ParallelLoops loops;    /* see program_set_loops */
    const char *c_compiler; /* or NULL */
    const Runner *runner;   /* or NULL; see program_set_runner */
    Kernel **kernels;
    int kernel_count;
    const LoopSchedule *loop_schedules; /* of all kernels; NULL where the core chooses the order */
    Step *steps;
    int step_count, step_capacity;
    Buffer *buffers;
    int buffer_count, buffer_capacity;
    int input_count, output_count;
    int phase_count;                       /* GPU; 0 for a CPU */
    RestingBytes weights;                  /* packed, with 64 bytes of padding at the end */
    const WeightsFileHeader *weights_file; /* what the file of the weights begins with; NULL: they
                                              are in the library. See program_set_weights_apart */
    bool shared;                           /* libNAME.so is made, too; see program_set_shared */
    int64_t *weight_blocks; /* where what call_weights gave begins, in bytes, in order */
    int weight_block_count, weight_block_capacity;
    ProgramLevels *levels;           /* of the same library; NULL: this program is all */
    const TargetLevel *level;        /* the one of this program; NULL without levels */
    const ProgramVariants *variants; /* of the same library; NULL: this program is all */
    int64_t workspace_bytes, workspace_lower_bound_bytes;
    int64_t live_bytes;         /* the most channels alive at one step, without reserved space */
    const Decisions *decisions; /* that it was made by; NULL for a GPU */
    Measured *measured;
};

/* The packed weights of the library: levels and variants share those that the first owns. */
const RestingBytes *program_weights(const Program *program);
/* The name of the library; of variants, programs have others. */
const char *program_library_name(const Program *program);

/* What a thread that works for a call needs of its stack: what was measured of the machine code
 * made last, else what C source needs; of the largest level. */
int64_t program_stack_bytes(const Program *program);
/* The same of C source, compiled at -O1 to -O3 or -Os, and without optimisation. */
int64_t program_source_stack_bytes(const Program *program);
int64_t program_unoptimized_stack_bytes(const Program *program);
/* Of the buffers of the kernel that keeps the most on the stack. */
int64_t program_local_bytes(const Program *program);

/* Whether the caller gives the input as bytes, packed or with gaps between rows. */
bool program_input_is_of_bytes(const Program *program, int index);
/* Where NAME_inputs has the row bytes of that input: among those of all such inputs, behind the
 * pointers. */
int program_row_bytes_place(const Program *program, int index);

/* What expressions of the step's kernel read of its parameters that are tables; NULL for others.
 * Rows of inputs are packed. */
void step_tables(const Program *program, const Step *step, const int32_t **tables);

/* Counts the kernel of a step, which `kernel` becomes; where it has tables, the first of its items,
 * and *rounds is how many there are. */
const KernelCount *count_step_kernel(
    const Program *program, const Step *step, Kernel *kernel, int64_t *rounds, Arena *arena);

/* Counts what each step moves, by an abstract run of its kernel (count.c). */
void program_count(Program *program);

#endif
