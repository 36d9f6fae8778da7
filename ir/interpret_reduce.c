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

static Number term_of(ReductionTerm term, Number x) {
    switch (term) {
    case TERM_SAME:
        break;
    case TERM_ABSOLUTE:
        return number_absolute(x);
    case TERM_SQUARE:
        return number_multiply(x, x);
    case TERM_NEGATIVE:
        return number_negate(x);
    }
    return x;
}

static Number combined(ReductionCombine combine, Number a, Number b) {
    if (combine == COMBINE_ADD)
        return number_add(a, b);
    return number_larger(b, a);
}

static Number finished(ReductionFinish finish, Number x, int64_t count) {
    switch (finish) {
    case FINISH_SAME:
        break;
    case FINISH_MEAN:
        return number_divide(x, number_integer(count));
    case FINISH_ROOT:
        return number_square_root(x);
    case FINISH_NEGATIVE:
        return number_negate(x);
    }
    return x;
}

void interpret_reduce(
    const Node *node, const Stored *const *operands, Stored *const *results, Arena *scratch) {
    const Reduction *reduction = node_reduction(node);
    int64_t count = tensor_elements(&node->operands[0]->type);
    int64_t result_count = tensor_elements(&node->results[0]->type);
    Number *sums = ARENA_ARRAY(scratch, Number, result_count);
    for (int64_t i = 0; i < result_count; i++)
        sums[i] = number_constant(reduction->combine == COMBINE_ADD ? 0 : -INFINITY);
    ReduceWalk walk = walk_of(node);
    for (int64_t i = 0; i < count; i++, step(&walk)) {
        Number *sum = &sums[place_of(&walk)];
        *sum = combined(
            reduction->combine, *sum, term_of(reduction->term, number_read(operands[0][i])));
    }
    for (int64_t i = 0; i < result_count; i++)
        results[0][i] = stored_of(finished(reduction->finish, sums[i], node_reduced_count(node)));
}

static bool is_better(double x, double best, bool last) {
    return x > best || (last && x == best) || isnan(x);
}

void interpret_arg_max(
    const Node *node, const Stored *const *operands, Stored *const *results, Arena *scratch) {
    int64_t axis = node_integer(node, "axis");
    int64_t count = tensor_elements(&node->operands[0]->type);
    int64_t result_count = tensor_elements(&node->results[0]->type);
    bool least = node_flag(node, "least"), last = node_flag(node, "last");
    Number *best = ARENA_ARRAY(scratch, Number, result_count);
    ReduceWalk walk = walk_of(node);
    for (int64_t i = 0; i < count; i++, step(&walk)) {
        Number number = number_read(operands[0][i]), x = least ? number_negate(number) : number;
        int64_t place = place_of(&walk), index = walk.index[axis];
        bool near = index > 0 && numbers_are_near(x, best[place]);
        if (index == 0 || is_better(number_as_double(x), number_as_double(best[place]), last)) {
            best[place] = x;
            results[0][place] = stored_of(number_integer(index));
        }
        if (near)
            results[0][place] = stored_of(number_unsure(number_read(results[0][place])));
    }
    for (int64_t i = 0; i < result_count; i++)
        if (isnan(number_as_double(best[i])))
            results[0][i] = stored_of(number_constant(NAN));
}
