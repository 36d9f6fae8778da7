/* The kinds of `reduce`: reductions.def. */
#ifndef RIFFLE_IR_REDUCTION_H
#define RIFFLE_IR_REDUCTION_H

#include "ir/graph.h"

typedef enum ReductionTerm { TERM_SAME, TERM_ABSOLUTE, TERM_SQUARE, TERM_NEGATIVE } ReductionTerm;
typedef enum ReductionCombine { COMBINE_ADD, COMBINE_MAXIMUM } ReductionCombine;
typedef enum ReductionFinish {
    FINISH_SAME,
    FINISH_MEAN,
    FINISH_ROOT,
    FINISH_NEGATIVE
} ReductionFinish;

typedef struct Reduction {
    const char *name;
    ReductionTerm term;
    ReductionCombine combine;
    ReductionFinish finish;
} Reduction;

/* In the order of the words of `kind`. */
typedef enum ReductionKind {
#define REDUCTION(name, ...) REDUCTION_##name,
#include "ir/reductions.def"
    REDUCTION_COUNT
} ReductionKind;

const Reduction *reduction_of(ReductionKind kind);
/* Of a reduce. */
const Reduction *node_reduction(const Node *node);
/* Whether the node, a reduce or an arg_max, makes one of that dimension of its operand. */
bool node_reduces(const Node *node, int dimension);
/* How many numbers become one. */
int64_t node_reduced_count(const Node *node);

/* Indices above it are no floats. */
enum { LARGEST_INDEX = 1 << 24 };

#endif
