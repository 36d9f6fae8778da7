/* The code of `reduce`, for processors and GPUs: what is done to single registers, and loops over
 * the dimensions that are reduced, in which sums are taken in parts. */
#ifndef RIFFLE_BACKENDS_PROGRAM_REDUCTION_CODE_H
#define RIFFLE_BACKENDS_PROGRAM_REDUCTION_CODE_H

#include "ir/kernel.h"
#include "ir/reduction.h"

enum { MOST_REDUCED = 16 }; /* registers that are made of numbers at the same time */

/* What the registers are before the first number. */
float reduction_start(const Reduction *reduction);
void emit_reduction_term(KernelBuilder *builder, const Reduction *reduction, int reg);
InstructionKind reduction_combine(const Reduction *reduction);
void emit_reduction_finish(
    KernelBuilder *builder, const Reduction *reduction, int reg, int64_t count);

/* A loop over one dimension of [n,c,h,w]. */
typedef struct ReduceLoop {
    int dimension;
    int64_t size;
    int64_t part; /* not 0: so many of its steps have registers of their own */
    bool apart;   /* each step has */
} ReduceLoop;

typedef struct ReduceCode ReduceCode;

struct ReduceCode {
    KernelBuilder *builder;
    const Reduction *reduction;
    ReduceLoop loops[4];
    int loop_count;
    int register_count;
    const Expression *at[4]; /* index in each dimension; the loops set theirs */
    /* Adds what there is at that place to the registers. */
    void (*emit)(const ReduceCode *code, const int *registers);
    const void *context;
};

/* The registers become what all of it is combined to. */
void emit_reduce_loops(ReduceCode *code, const int *registers);

#endif
