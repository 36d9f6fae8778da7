/* Kernel IR: what the backends print. A kernel is a function over buffers of floats or bytes:
 * loops, and vector instructions on a virtual machine whose registers have a fixed number of lanes
 * each. All decisions (tiles, loop order, unrolling, tails) were made by the lowering; a printer
 * only spells them.
 *
 * Registers are mutable: an instruction overwrites its destination, in program order. Integers are
 * expressions over loop variables. */
#ifndef RIFFLE_IR_KERNEL_H
#define RIFFLE_IR_KERNEL_H

#include "ir/arena.h"
#include "ir/text.h"
#include <stdbool.h>
#include <stdint.h>

/* ---- integer expressions (kernel_expression.c) ---- */

typedef enum ExpressionKind {
    EXPRESSION_CONSTANT,
    EXPRESSION_VARIABLE,
    EXPRESSION_ADD,
    EXPRESSION_MULTIPLY,
    EXPRESSION_DIVIDE, /* operands are never negative */
    EXPRESSION_REMAINDER,
    EXPRESSION_MINIMUM,
    EXPRESSION_MAXIMUM,
    EXPRESSION_ELEMENT /* of a table of integers */
} ExpressionKind;

typedef struct Expression {
    ExpressionKind kind;
    int64_t constant; /* CONSTANT */
    int variable;     /* VARIABLE: index into Kernel.variables; ELEMENT: the parameter */
    const struct Expression *left, *right;
} Expression;

/* Constructors fold constants and drop neutral elements. */
const Expression *expression_constant(Arena *arena, int64_t constant);
const Expression *expression_add(Arena *arena, const Expression *a, const Expression *b);
const Expression *expression_multiply(Arena *arena, const Expression *a, int64_t factor);
const Expression *expression_product(Arena *arena, const Expression *a, const Expression *b);
const Expression *expression_offset(Arena *arena, const Expression *a, int64_t constant);
const Expression *expression_divide(Arena *arena, const Expression *a, int64_t divisor);
const Expression *expression_remainder(Arena *arena, const Expression *a, int64_t divisor);
const Expression *expression_minimum(Arena *arena, const Expression *a, const Expression *b);
const Expression *expression_maximum(Arena *arena, const Expression *a, const Expression *b);
/* Entry `index` of a parameter that is a table. */
const Expression *expression_element(Arena *arena, int parameter, const Expression *index);
bool expression_is_constant(const Expression *expression, int64_t *constant);
/* Whether they are written alike; false for two entries of tables. */
bool expressions_are_equal(const Expression *a, const Expression *b);
/* Whether the variable is in it; NULL, the end of a LET, mentions none. */
bool expression_mentions(const Expression *expression, int variable);
/* Whether it is linear in the variable; *factor is what one unit adds. */
bool expression_is_linear(const Expression *expression, int variable, int64_t *factor);

/* ---- instructions and statements ---- */

/* What a lane of a register or an element of a buffer is. Buffers hold F32, S32, U8, BF16 or
 * F16. */
typedef enum LaneType {
    LANE_F32,
    LANE_S32,
    LANE_S16,
    LANE_U8,
    LANE_BF16,
    LANE_F16,
    LANE_TYPE_COUNT
} LaneType;

int64_t lane_bytes(LaneType type);
bool lane_is_whole(LaneType type);         /* integers */
const char *lane_type_name(LaneType type); /* "f32" */

typedef enum InstructionKind {
#define INSTRUCTION(name, ...) INSTRUCTION_##name,
#include "ir/kernel.def"
    INSTRUCTION_COUNT
} InstructionKind;

typedef enum MemoryAccess { ACCESS_NONE, ACCESS_READ, ACCESS_WRITE, ACCESS_HINT } MemoryAccess;

typedef struct InstructionInfo {
    const char *name;
    int source_count;
    MemoryAccess access;
    const char *meaning;
} InstructionInfo;

const InstructionInfo *instruction_info(InstructionKind kind);

typedef struct Instruction {
    InstructionKind kind;
    int destination; /* register; -1 for a store or prefetch */
    int sources[3];
    float constant;           /* splat */
    int parameter;            /* load, broadcast, store, prefetch: which buffer */
    const Expression *offset; /* in elements of the buffer; of the first lane that is accessed */
    int first_lane, lane_count;
    const int *indices; /* permute: one per lane of the destination */
} Instruction;

typedef struct Statement Statement;

typedef struct Block {
    Statement *first, *last;
} Block;

typedef enum StatementKind {
    STATEMENT_INSTRUCTION,
    STATEMENT_FOR,
    STATEMENT_IF,
    STATEMENT_LET
} StatementKind;

struct Statement {
    StatementKind kind;
    Instruction instruction; /* INSTRUCTION */
    /* FOR variable = begin; variable < end; variable += step.   IF begin < end.   LET variable =
     * begin, for the rest of the block. */
    int variable;
    const Expression *begin, *end;
    int64_t step;
    Block body;
    Statement *next;
};

/* ---- kernels ---- */

typedef enum ParameterRole {
    PARAMETER_READ,
    PARAMETER_WRITE,
    PARAMETER_UPDATE, /* read and written: an item reads only what it alone writes, and first */
    PARAMETER_WEIGHTS,
    PARAMETER_TABLE /* integers of 32 bits, read by expressions */
} ParameterRole;

enum { PARAMETER_ROLE_COUNT = PARAMETER_TABLE + 1 };

typedef struct KernelParameter {
    const char *name;
    ParameterRole role;
    LaneType element; /* registers that are loaded or stored have lanes of that size */
} KernelParameter;

/* Of what its offsets count: numbers of the element, or a table's entries. */
int64_t parameter_bytes(const KernelParameter *parameter);

enum { MAX_KERNEL_PARAMETERS = 64, MAX_KERNEL_LOCALS = 4, VARIABLE_BEGIN = 0, VARIABLE_END = 1 };

/* Two kernels with equal text are one kernel. `void kernel(parameters..., begin, end)`: does the
 * items begin..end-1 of its parallel axis, 0..extent-1; items are independent.
 *
 * On a GPU an item is what one block of threads does: all of them run the body, each with its own
 * registers and its own value of the variable `thread`; locals are in memory that they share. */
typedef struct Kernel {
    Arena *arena;
    const char *name;
    KernelParameter parameters[MAX_KERNEL_PARAMETERS];
    int parameter_count;
    int64_t local_floats[MAX_KERNEL_LOCALS];  /* sizes of the kernel's own buffers, on the stack */
    bool local_is_scratch[MAX_KERNEL_LOCALS]; /* not on the stack: whoever calls says where */
    bool local_packs[MAX_KERNEL_LOCALS];      /* see kernel_packing_local */
    LaneType local_elements[MAX_KERNEL_LOCALS]; /* what they hold */
    int local_count;
    int64_t extent;         /* of the parallel axis */
    int threads;            /* of a block; 0: not for a GPU */
    int thread_variable;    /* the thread's index in its block, where `threads` is not 0 */
    const char **variables; /* names; 0 is "begin", 1 is "end" */
    int variable_count, variable_capacity;
    int *register_lanes;
    LaneType *register_types;
    int register_count, register_capacity;
    Block body;
} Kernel;

/* ---- building (kernel_build.c): a cursor says where the next statement goes ---- */

typedef struct KernelBuilder {
    Kernel *kernel;
    Arena *arena;
    Block *stack[32]; /* open blocks; stack[depth] is the one that grows */
    int depth;
} KernelBuilder;

void kernel_begin(KernelBuilder *builder, Arena *arena, int64_t extent);
/* A buffer of floats. */
int kernel_parameter(KernelBuilder *builder, ParameterRole role, const char *name);
int kernel_parameter_of(
    KernelBuilder *builder, ParameterRole role, const char *name, LaneType element);
/* A buffer of the kernel's own, aligned to 64 bytes, without meaning at the start: used like a
 * parameter that is read and written. */
int kernel_local(KernelBuilder *builder, int64_t floats);
/* The same, for operands that an op puts in the order in which it reads them: part of its work, and
 * not counted as the moves of a layout op. */
int kernel_packing_local(KernelBuilder *builder, int64_t floats);
int kernel_local_of(KernelBuilder *builder, LaneType element, int64_t numbers);
int kernel_register(KernelBuilder *builder, int lanes); /* of F32 */
int kernel_register_of(KernelBuilder *builder, LaneType type, int lanes);
const Expression *kernel_variable(KernelBuilder *builder, int variable);
/* Makes it a kernel for a GPU and returns the variable `thread`, 0 to threads - 1. */
const Expression *kernel_threads(KernelBuilder *builder, int threads);
/* A variable that is the expression from here to the end of the block; a constant stays one. */
const Expression *kernel_let(KernelBuilder *builder, const char *name, const Expression *value);
/* All threads of the block get here before one goes on. Not inside of what depends on `thread`. */
void kernel_barrier(KernelBuilder *builder);

/* Opens a loop and returns its variable. A loop that runs exactly once opens no loop and returns
 * the constant: close it all the same. */
const Expression *kernel_open_for(KernelBuilder *builder, const char *name, const Expression *begin,
    const Expression *end, int64_t step);
const Expression *kernel_open_range(
    KernelBuilder *builder, const char *name, int64_t begin, int64_t end, int64_t step);
void kernel_open_if_less(KernelBuilder *builder, const Expression *a, const Expression *b);
void kernel_close(KernelBuilder *builder);

/* For readers of kernels: what the functions above and below append, as it is. */
Statement *kernel_append(KernelBuilder *builder, StatementKind kind);
void kernel_open(KernelBuilder *builder, Statement *statement);

void kernel_splat(KernelBuilder *builder, int destination, float constant);
void kernel_load(KernelBuilder *builder, int destination, int parameter, const Expression *offset,
    int first_lane, int lane_count);
void kernel_broadcast(
    KernelBuilder *builder, int destination, int parameter, const Expression *offset);
void kernel_broadcast_quad(
    KernelBuilder *builder, int destination, int parameter, const Expression *offset);
void kernel_broadcast_pair(
    KernelBuilder *builder, int destination, int parameter, const Expression *offset);
void kernel_store(KernelBuilder *builder, int source, int parameter, const Expression *offset,
    int first_lane, int lane_count);
void kernel_prefetch(KernelBuilder *builder, int parameter, const Expression *offset);
void kernel_unary(KernelBuilder *builder, InstructionKind kind, int destination, int a);
void kernel_binary(KernelBuilder *builder, InstructionKind kind, int destination, int a, int b);
void kernel_multiply_add(KernelBuilder *builder, int destination, int a, int b, int c);
void kernel_dot_add(KernelBuilder *builder, int destination, int a, int b, int c);
void kernel_signed_dot_add(KernelBuilder *builder, int destination, int a, int b, int c);
void kernel_half_dot_add(KernelBuilder *builder, int destination, int a, int b, int c);
void kernel_pair_add(KernelBuilder *builder, int destination, int a, int b, int c);
void kernel_permute(KernelBuilder *builder, int destination, int a, int b, const int *indices);

/* ---- reading (kernel.c, kernel_print.c, kernel_verify.c) ---- */

void kernel_print(const Kernel *kernel, Text *text);
/* The names of the parameters, each another: with a number behind it where one before has it
 * already. */
const char **kernel_parameter_names(const Kernel *kernel, Arena *arena);
/* "read", as the role is written. */
const char *parameter_role_name(ParameterRole role);
void kernel_print_instruction(const Kernel *kernel, const Instruction *instruction, Text *text);
/* What a parameter, or a buffer of the kernel's own, holds. */
LaneType kernel_buffer_element(const Kernel *kernel, int parameter);
/* Bytes of the kernel's own buffers, without those that are scratch. */
int64_t kernel_local_bytes(const Kernel *kernel);
/* Bytes of those, one behind the other, each aligned to 64 bytes; and where one of them begins. */
int64_t kernel_scratch_bytes(const Kernel *kernel);
int64_t kernel_scratch_offset(const Kernel *kernel, int local);
/* Reports the first broken rule (register, lane, parameter or variable out of range, a source with
 * the wrong number of lanes) in words; NULL when there is none. For asserts and tests: a fault is a
 * bug. */
const char *kernel_fault(const Kernel *kernel);
/* The same of one instruction, whose place is not looked at. */
const char *kernel_instruction_fault(const Kernel *kernel, const Instruction *instruction);

#endif
