/* Whether kernels compute what a graph says, without tolerance: both run on pairs of a residue and
 * a double (ir/pair.h), and the residues of all outputs must be equal. */
#ifndef RIFFLE_BACKENDS_RUN_PROOF_H
#define RIFFLE_BACKENDS_RUN_PROOF_H

#include "backends/run/exact.h"

/* A graph and its program, with what was drawn last. */
typedef struct Proof {
    const Graph *graph;
    const Program *program;
    WeightNumbers numbers;
    PackedOrigins origins;
    Arena *arena, *draw_arena; /* the second: of what was drawn */
    int cell_bytes[BUFFER_KIND_COUNT];
    uint64_t seed;
    Pair *weights, *packed;
    const Pair **inputs;
    Pair **expected;
} Proof;

/* Of a graph that was lowered to the program. NULL after reporting: where one of them has
 * something that is not computed with pairs, or weights are packed in a way that is not known.
 * Close it with proof_close. */
Proof *proof_begin(const Graph *graph, const Program *program, const LowerAgain *again,
    Arena *arena, Diagnostics *diagnostics);
void proof_close(Proof *proof); /* NULL is allowed */

/* Draws weights and inputs anew, and lets the graph compute: a double is near the number of the
 * weight that it stands for. */
void proof_draw(Proof *proof, uint64_t seed);

typedef enum ProofVerdict {
    PROOF_EQUAL,
    PROOF_UNSURE, /* somewhere two doubles were too near to each other: draw again */
    PROOF_FAULT
} ProofVerdict;

typedef struct ProofResult {
    ProofVerdict verdict;
    const char *fault; /* of a FAULT: what is wrong */
    int64_t compared;  /* numbers of outputs */
    int64_t steps;     /* that were taken */
} ProofResult;

/* Runs the kernels, those of the program or others in their place, on what was drawn. */
ProofResult proof_run(
    const Proof *proof, Kernel *const *kernels, ExactOrder order, int64_t most_steps, Arena *arena);

/* Whether that level of the program's library is the program that was lowered for it alone: steps,
 * buffers, and the packed weights of each step. False after reporting. */
bool program_is_level(
    const Program *alone, const Program *program, int level, Diagnostics *diagnostics);

#endif
