/* Small changes of programs, which a proof must notice: in a kernel, or beside it. */
#ifndef RIFFLE_TESTS_KERNELS_MUTATE_PROGRAM_H
#define RIFFLE_TESTS_KERNELS_MUTATE_PROGRAM_H

#include "backends/run/proof.h"
#include "mutate_kernel.h"

typedef enum MutantKind {
    MUTANT_STORE,     /* one is left out */
    MUTANT_LOAD,      /* one reads another parameter */
    MUTANT_OFFSET,    /* of an access, by an element */
    MUTANT_MASK,      /* a lane less */
    MUTANT_WEIGHTS,   /* two packed numbers are exchanged */
    MUTANT_BUFFER,    /* a step has another buffer, or one begins where another does */
    MUTANT_STATEMENT, /* an operand, a constant, an operation or a bound (kernel_mutate) */
    MUTANT_KIND_COUNT
} MutantKind;

enum { PROOF_DRAWS = 3 }; /* proofs of the same program, each with a draw of its own */

extern const char *const mutant_names[MUTANT_KIND_COUNT];

typedef struct Mutant {
    const char *what; /* NULL: nothing was found to change */
    const char *where;
    Mutation mutation; /* of a statement */
    int64_t cells[2];  /* of weights */
    Argument *argument;
    Argument argument_before;
    Buffer *buffer;
    int64_t offset_before;
} Mutant;

/* Changes one thing of that kind; the number says where and how. */
Mutant program_mutate(Program *program, Proof *const *proofs, Kernel *const *kernels,
    MutantKind kind, uint64_t number, Arena *arena);
void mutant_undo(const Mutant *mutant, Program *program, Proof *const *proofs);

#endif
