/* resize and take: numbers of rows and columns, weighted. */
#include "ir/interpret.h"
#include "ir/sampling.h"

/* Of two numbers that are the same one, that. */
static double weighted(const Sample *sample, double first, double second) {
    if (sample->first == sample->second)
        return first;
    return (double)sample->weights[0] * first + (double)sample->weights[1] * second;
}

static double sampled_row(const Sample *column, const float *row) {
    return weighted(column, (double)row[column->first], (double)row[column->second]);
}

void interpret_sampled(
    const Node *node, const float *const *operands, float *const *results, Arena *scratch) {
    const int64_t *from = node->operands[0]->type.dims, *to = node->results[0]->type.dims;
    const Sample *rows = node_samples(node, 0, scratch), *columns = node_samples(node, 1, scratch);
    float *target = results[0];
    for (int64_t plane = 0; plane < to[0] * to[1]; plane++) {
        const float *source = operands[0] + plane * from[2] * from[3];
        for (int64_t y = 0; y < to[2]; y++) {
            const float *first = source + rows[y].first * from[3];
            const float *second = source + rows[y].second * from[3];
            for (int64_t x = 0; x < to[3]; x++)
                *target++ = (float)weighted(
                    &rows[y], sampled_row(&columns[x], first), sampled_row(&columns[x], second));
        }
    }
}
