/* reductions.def as an array, and which dimensions a node reduces. */
#include "ir/reduction.h"

#include <assert.h>

static const Reduction reductions[REDUCTION_COUNT] = {
#define REDUCTION(name, term, combine, finish, meaning)                                            \
    {#name, TERM_##term, COMBINE_##combine, FINISH_##finish},
#include "ir/reductions.def"
};

const Reduction *reduction_of(ReductionKind kind) {
    assert(kind < REDUCTION_COUNT);
    return &reductions[kind];
}

const Reduction *node_reduction(const Node *node) {
    return reduction_of((ReductionKind)node_integer(node, "kind"));
}

bool node_reduces(const Node *node, int dimension) {
    if (node->op == OP_arg_max)
        return node_integer(node, "axis") == dimension;
    assert(node->op == OP_reduce);
    IntegerList axes = node_list(node, "axes");
    for (size_t i = 0; i < axes.count; i++)
        if (axes.items[i] == dimension)
            return true;
    return false;
}

int64_t node_reduced_count(const Node *node) {
    const TensorType *type = &node->operands[0]->type;
    int64_t count = 1;
    for (int i = 0; i < type->rank; i++)
        count *= node_reduces(node, i) ? type->dims[i] : 1;
    return count;
}
