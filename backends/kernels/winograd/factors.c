/* Vectors times the matrices of Winograd's transforms, with few instructions. */
#include "backends/kernels/winograd/winograd.h"
#include "backends/schedule/winograd.h"
#include "ir/kernel.h"

/* Those of Lavin and Gray, sections 4.1 to 4.3. */
static const TransformFactors input_factors[] = {
    {4, 4, {{1, 0, -1, 0}, {0, 1, 1, 0}, {0, -1, 1, 0}, {0, 1, 0, -1}}},
    {6, 6,
        {{4, 0, -5, 0, 1, 0}, {0, -4, -4, 1, 1, 0}, {0, 4, -4, -1, 1, 0}, {0, -2, -1, 2, 1, 0},
            {0, 2, -1, -2, 1, 0}, {0, 4, 0, -5, 0, 1}}},
};
static const TransformFactors output_factors[] = {
    {2, 4, {{1, 1, 1, 0}, {0, 1, -1, -1}}},
    {4, 6, {{1, 1, 1, 1, 1, 0}, {0, 1, -1, 2, -2, 0}, {0, 1, 1, 4, 4, 0}, {0, 1, -1, 8, -8, 1}}},
};

const TransformFactors *winograd_input_factors(const WinogradBlock *block) {
    return &input_factors[block->outputs == 4];
}

const TransformFactors *winograd_output_factors(const WinogradBlock *block) {
    return &output_factors[block->outputs == 4];
}

static int combine(KernelBuilder *builder, InstructionKind kind, int a, int b) {
    int reg = kernel_register(builder, builder->kernel->register_lanes[a]);
    kernel_binary(builder, kind, reg, a, b);
    return reg;
}

/* sum + factor times the vector; the vector itself where there is no sum yet and the factor is 1.
 */
static int add_multiple(KernelBuilder *builder, int sum, int vector, int factor) {
    if (sum >= 0 && (factor == 1 || factor == -1))
        return combine(builder, factor == 1 ? INSTRUCTION_add : INSTRUCTION_subtract, sum, vector);
    if (factor == 1)
        return vector;
    int lanes = builder->kernel->register_lanes[vector];
    int multiple = kernel_register(builder, lanes);
    kernel_splat(builder, multiple, (float)factor);
    if (sum < 0)
        return combine(builder, INSTRUCTION_multiply, vector, multiple);
    int reg = kernel_register(builder, lanes);
    kernel_multiply_add(builder, reg, vector, multiple, sum);
    return reg;
}

/* The sum of the vectors times their factors; -1 where all of them are 0. What is taken as it is
 * comes first. */
static int sum_multiples(
    KernelBuilder *builder, const int *vectors, const int *factors, int count) {
    int sum = -1, first = 0;
    while (first < count && factors[first] != 1)
        first++;
    if (first < count)
        sum = vectors[first];
    for (int i = 0; i < count; i++)
        if (factors[i] != 0 && i != first)
            sum = add_multiple(builder, sum, vectors[i], factors[i]);
    return sum;
}

/* What all factors that are not 0 have in common, but for the sign. */
static int common_factor(const int *factors, int count) {
    int common = 0;
    for (int i = 0; i < count; i++) {
        int size = factors[i] < 0 ? -factors[i] : factors[i];
        common = common == 0 || size == 0 || size == common ? (size > 0 ? size : common) : 1;
    }
    return common > 0 ? common : 1;
}

bool factors_begin_pair(const TransformFactors *factors, int row) {
    if (row + 1 >= factors->rows)
        return false;
    for (int i = 0; i < factors->columns; i++) {
        int a = factors->numbers[row][i], b = factors->numbers[row + 1][i];
        if (a != b && a != -b)
            return false;
    }
    return true;
}

int emit_factor_rows(KernelBuilder *builder, const TransformFactors *factors, int row,
    const int *vectors, int *results) {
    int common[WINOGRAD_MOST_INPUTS] = {0}, other[WINOGRAD_MOST_INPUTS] = {0};
    bool pair = factors_begin_pair(factors, row);
    for (int i = 0; i < factors->columns; i++) {
        int a = factors->numbers[row][i];
        bool same = !pair || factors->numbers[row + 1][i] == a;
        common[i] = same ? a : 0;
        other[i] = same ? 0 : a;
    }
    results[0] = sum_multiples(builder, vectors, common, factors->columns);
    if (!pair)
        return 1;
    int multiple = common_factor(other, factors->columns);
    for (int i = 0; i < factors->columns; i++)
        other[i] /= multiple;
    int half = results[0], rest = sum_multiples(builder, vectors, other, factors->columns);
    results[0] = add_multiple(builder, half, rest, multiple);
    results[1] = add_multiple(builder, half, rest, -multiple);
    return 2;
}

void emit_all_factor_rows(
    KernelBuilder *builder, const TransformFactors *factors, const int *vectors, int *results) {
    for (int row = 0; row < factors->rows;)
        row += emit_factor_rows(builder, factors, row, vectors, results + row);
}

static bool is_column_of_pair(const TransformFactors *factors, int column) {
    if (column + 1 >= factors->columns)
        return false;
    for (int row = 0; row < factors->rows; row++) {
        int a = factors->numbers[row][column], b = factors->numbers[row][column + 1];
        if (a != b && a != -b)
            return false;
    }
    return true;
}

void emit_factors_by_columns(
    KernelBuilder *builder, const TransformFactors *factors, const int *vectors, int *results) {
    int terms[WINOGRAD_MOST_INPUTS], rows[WINOGRAD_MOST_INPUTS][WINOGRAD_MOST_INPUTS] = {0};
    for (int column = 0; column < factors->columns; column++) {
        bool pair = is_column_of_pair(factors, column);
        terms[column] = vectors[column];
        if (pair) {
            terms[column] = combine(builder, INSTRUCTION_add, vectors[column], vectors[column + 1]);
            terms[column + 1] =
                combine(builder, INSTRUCTION_subtract, vectors[column], vectors[column + 1]);
        }
        for (int row = 0; row < factors->rows; row++) {
            int a = factors->numbers[row][column];
            bool sum = !pair || factors->numbers[row][column + 1] == a;
            rows[row][column] = sum ? a : 0;
            if (pair)
                rows[row][column + 1] = sum ? 0 : a;
        }
        column += pair;
    }
    for (int row = 0; row < factors->rows; row++)
        results[row] = sum_multiples(builder, terms, rows[row], factors->columns);
}
