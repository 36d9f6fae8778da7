/* Ops that make one number of many. */
#include "ir/interpret.h"
#include "ir/reduction.h"

#include <math.h>

/* Which element of the result each element of the operand goes to: the distance of results along
 * each dimension, 0 along those that are reduced. */
typedef struct ReduceWalk {
    int rank;
    const int64_t *dims;
    int64_t strides[MAX_RANK], index[MAX_RANK];
} ReduceWalk;

static ReduceWalk walk_of(const Node *node) {
    const TensorType *type = &node->operands[0]->type;
    ReduceWalk walk = {.rank = type->rank, .dims = type->dims};
    int64_t stride = 1;
    for (int i = type->rank - 1; i >= 0; i--) {
        walk.strides[i] = node_reduces(node, i) ? 0 : stride;
        stride *= node_reduces(node, i) ? 1 : type->dims[i];
    }
    return walk;
}

static int64_t place_of(const ReduceWalk *walk) {
    int64_t place = 0;
    for (int i = 0; i < walk->rank; i++)
        place += walk->index[i] * walk->strides[i];
    return place;
}

static void step(ReduceWalk *walk) {
    for (int i = walk->rank - 1; i >= 0; i--) {
        if (++walk->index[i] < walk->dims[i])
            return;
        walk->index[i] = 0;
    }
}

static double term_of(ReductionTerm term, double x) {
    switch (term) {
    case TERM_SAME:
        break;
    case TERM_ABSOLUTE:
        return fabs(x);
    case TERM_SQUARE:
        return x * x;
    case TERM_NEGATIVE:
        return -x;
    }
    return x;
}

static double combined(ReductionCombine combine, double a, double b) {
    if (combine == COMBINE_ADD)
        return a + b;
    return b > a || isnan(b) ? b : a;
}

static double finished(ReductionFinish finish, double x, int64_t count) {
    switch (finish) {
    case FINISH_SAME:
        break;
    case FINISH_MEAN:
        return x / (double)count;
    case FINISH_ROOT:
        return sqrt(x);
    case FINISH_NEGATIVE:
        return -x;
    }
    return x;
}

void interpret_reduce(
    const Node *node, const float *const *operands, float *const *results, Arena *scratch) {
    const Reduction *reduction = node_reduction(node);
    int64_t count = tensor_elements(&node->operands[0]->type);
    int64_t result_count = tensor_elements(&node->results[0]->type);
    double *sums = ARENA_ARRAY(scratch, double, result_count);
    for (int64_t i = 0; i < result_count; i++)
        sums[i] = reduction->combine == COMBINE_ADD ? 0 : -INFINITY;
    ReduceWalk walk = walk_of(node);
    for (int64_t i = 0; i < count; i++, step(&walk)) {
        double *sum = &sums[place_of(&walk)];
        *sum = combined(reduction->combine, *sum, term_of(reduction->term, (double)operands[0][i]));
    }
    for (int64_t i = 0; i < result_count; i++)
        results[0][i] = (float)finished(reduction->finish, sums[i], node_reduced_count(node));
}

void interpret_arg_max(
    const Node *node, const float *const *operands, float *const *results, Arena *scratch) {
    int64_t axis = node_integer(node, "axis");
    int64_t count = tensor_elements(&node->operands[0]->type);
    int64_t result_count = tensor_elements(&node->results[0]->type);
    bool least = node_flag(node, "least"), last = node_flag(node, "last");
    double *best = ARENA_ARRAY(scratch, double, result_count);
    ReduceWalk walk = walk_of(node);
    for (int64_t i = 0; i < count; i++, step(&walk)) {
        double x = (double)operands[0][i] * (least ? -1 : 1);
        int64_t place = place_of(&walk), index = walk.index[axis];
        if (index > 0 && !(x > best[place] || (last && x == best[place]) || isnan(x)))
            continue;
        best[place] = x;
        results[0][place] = (float)index;
    }
    for (int64_t i = 0; i < result_count; i++)
        if (isnan(best[i]))
            results[0][i] = NAN;
}
