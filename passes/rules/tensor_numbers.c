/* Built for floats, and for pairs (ir/number.h). */
#include "passes/rules/tensor_numbers.h"
#include "ir/number.h"

#ifdef RIFFLE_PAIRS
#define tensors_of_doubles tensors_of_pairs
enum { KIND = NUMBERS_PAIR };
#else
enum { KIND = NUMBERS_FLOAT };
#endif

static void of_weight(const void *weight, int64_t count, void *result) {
    const Stored *from = weight;
    Number *to = result;
    for (int64_t i = 0; i < count; i++)
        to[i] = number_read(from[i]);
}

static void to_weight(const void *numbers, int64_t count, void *weight) {
    const Number *from = numbers;
    Stored *to = weight;
    for (int64_t i = 0; i < count; i++)
        to[i] = stored_of(from[i]);
}

static void fill(double number, int64_t count, void *result) {
    Number *to = result, all = number_constant(number);
    for (int64_t i = 0; i < count; i++)
        to[i] = all;
}

static void identity(int64_t channels, void *result) {
    Number *to = result;
    for (int64_t i = 0; i < channels; i++)
        to[i * channels + i] = number_integer(1);
}

static Number combine_two(RuleFunction function, Number a, Number b) {
    switch (function) {
    case RULE_add:
        return number_add(a, b);
    case RULE_subtract:
        return number_subtract(a, b);
    case RULE_multiply:
        return number_multiply(a, b);
    default:
        return number_divide(a, b);
    }
}

static void combine(RuleFunction function, const RuleTensor *shape, const RuleTensor *a,
    const RuleTensor *b, void *result) {
    const Number *first = a->numbers[KIND], *second = b->numbers[KIND];
    Number *to = result;
    int64_t count = rule_tensor_elements(shape);
    for (int64_t i = 0; i < count; i++)
        to[i] = combine_two(function, first[rule_tensor_element(a, shape, i)],
            second[rule_tensor_element(b, shape, i)]);
}

static void unary(RuleFunction function, const void *a, int64_t count, void *result) {
    const Number *from = a;
    Number *to = result;
    for (int64_t i = 0; i < count; i++)
        to[i] = function == RULE_sqrt ? number_square_root(from[i]) : number_negate(from[i]);
}

static void sum_taps(const void *a, int64_t kernels, int64_t taps, void *result) {
    const Number *from = a;
    Number *to = result;
    for (int64_t i = 0; i < kernels; i++)
        for (int64_t k = 0; k < taps; k++)
            to[i] = number_add(to[i], from[i * taps + k]);
}

static void matmul(
    const void *a, const void *b, int64_t rows, int64_t middle, int64_t size, void *result) {
    const Number *first = a, *second = b;
    Number *to = result;
    for (int64_t o = 0; o < rows; o++)
        for (int64_t m = 0; m < middle; m++)
            for (int64_t k = 0; k < size; k++)
                to[o * size + k] = number_multiply_add(
                    first[o * middle + m], second[m * size + k], to[o * size + k]);
}

const TensorArithmetic tensors_of_doubles = {
    of_weight, to_weight, fill, identity, combine, unary, sum_taps, matmul};
