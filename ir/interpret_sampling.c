/* resize and take: numbers of rows and columns, weighted. */
#include "ir/interpret.h"
#include "ir/sampling.h"

/* Of two numbers that are the same one, that. */
static Number weighted(const Sample *sample, Number first, Number second) {
    if (sample->first == sample->second)
        return first;
    Number a = number_constant((double)sample->weights[0]);
    Number b = number_constant((double)sample->weights[1]);
    return number_multiply_add(a, first, number_multiply(b, second));
}

static Number sampled_row(const Sample *column, const Stored *row) {
    return weighted(column, number_read(row[column->first]), number_read(row[column->second]));
}

void interpret_sampled(
    const Node *node, const Stored *const *operands, Stored *const *results, Arena *scratch) {
    const int64_t *from = node->operands[0]->type.dims, *to = node->results[0]->type.dims;
    const Sample *rows = node_samples(node, 0, scratch), *columns = node_samples(node, 1, scratch);
    Stored *target = results[0];
    for (int64_t plane = 0; plane < to[0] * to[1]; plane++) {
        const Stored *source = operands[0] + plane * from[2] * from[3];
        for (int64_t y = 0; y < to[2]; y++) {
            const Stored *first = source + rows[y].first * from[3];
            const Stored *second = source + rows[y].second * from[3];
            for (int64_t x = 0; x < to[3]; x++)
                *target++ = stored_of(weighted(
                    &rows[y], sampled_row(&columns[x], first), sampled_row(&columns[x], second)));
        }
    }
}
