/* Sums of so many terms that one float32 would lose the last bits of each. */
#include "backends/lower.h"
#include <math.h>

int64_t square_root_above(int64_t number) {
    return (int64_t)ceil(sqrt((double)number));
}

int64_t sum_part(int64_t terms, int64_t longest) {
    enum { PARTS_OF_LONGEST = 8, MULTIPLE = 16 };
    if (terms <= longest)
        return 0;
    int64_t least = longest / PARTS_OF_LONGEST, part = square_root_above(terms);
    part = part > least ? part : least;
    return (part + MULTIPLE - 1) / MULTIPLE * MULTIPLE;
}

const Expression *open_part(KernelBuilder *builder, const char *name, const Expression *begin,
    int64_t size, const Expression *end, int64_t step) {
    const Expression *part_end = expression_offset(builder->arena, begin, size);
    if (end)
        part_end = expression_minimum(builder->arena, part_end, end);
    return kernel_open_for(builder, name, begin, part_end, step);
}
