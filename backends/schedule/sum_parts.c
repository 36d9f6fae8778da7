/* Sums of so many terms that one float32 would lose the last bits of each. */
#include "backends/schedule/sum_parts.h"
#include "backends/schedule/shape.h"
#include "ir/graph.h"
#include "ir/reduction.h"
#include <math.h>

int64_t square_root_above(int64_t number) {
    return (int64_t)ceil(sqrt((double)number));
}

int64_t columns_of_sum(int64_t width) {
    int64_t columns = square_root_above(width);
    columns = columns > TERMS_PER_SUM ? columns : TERMS_PER_SUM;
    return columns < width ? columns : width;
}

WindowParts window_parts(const Window *window) {
    int64_t height = window->kernel[0], width = window->kernel[1];
    if (height * width <= TERMS_PER_SUM)
        return (WindowParts){0};
    int64_t rows = square_root_above(height);
    return (WindowParts){rows, rows * width > TERMS_PER_SUM ? columns_of_sum(width) : 0};
}

int64_t sum_part(int64_t terms, int64_t longest) {
    enum { PARTS_OF_LONGEST = 8, MULTIPLE = 16 };
    if (terms <= longest)
        return 0;
    int64_t least = longest / PARTS_OF_LONGEST, part = square_root_above(terms);
    part = part > least ? part : least;
    return (part + MULTIPLE - 1) / MULTIPLE * MULTIPLE;
}

int plan_reduce_loops(const Node *node, bool channels, int64_t inner, ReduceLoop loops[4]) {
    const TensorType *type = &node->operands[0]->type;
    int count = 0;
    for (int i = 0; i < type->rank; i++)
        if (node_reduces(node, i) && (channels || i != 1) && type->dims[i] > 1)
            loops[count++] = (ReduceLoop){.dimension = i, .size = type->dims[i]};
    if (node->op == OP_reduce && node_reduction(node)->combine != COMBINE_ADD)
        return count;
    for (int i = count - 1; i >= 0; i--) {
        bool many = loops[i].size * inner > TERMS_PER_SUM;
        loops[i].apart = many && inner > 1;
        loops[i].part =
            many && loops[i].size > TERMS_PER_SUM ? square_root_above(loops[i].size) : 0;
        inner *= loops[i].size;
    }
    return count;
}
