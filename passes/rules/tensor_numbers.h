/* What functions of rules do with the numbers of weights, of each kind (ir/weight_numbers.h). */
#ifndef RIFFLE_PASSES_RULES_TENSOR_NUMBERS_H
#define RIFFLE_PASSES_RULES_TENSOR_NUMBERS_H

#include "ir/weight_numbers.h"
#include "passes/rules/match.h"

/* Numbers are computed ones, doubles or pairs; results are zeros before. */
typedef struct TensorArithmetic {
    /* Those of a weight. */
    void (*of_weight)(const void *weight, int64_t count, void *result);
    void (*to_weight)(const void *numbers, int64_t count, void *weight);
    /* As many times the number. */
    void (*fill)(double number, int64_t count, void *result);
    void (*identity)(int64_t channels, void *result);
    /* The function's, an operator's, of the numbers that lie at the same place of a shape. */
    void (*combine)(RuleFunction function, const RuleTensor *shape, const RuleTensor *a,
        const RuleTensor *b, void *result);
    void (*unary)(RuleFunction function, const void *a, int64_t count, void *result);
    void (*sum_taps)(const void *a, int64_t kernels, int64_t taps, void *result);
    /* [rows, middle] times [middle, size] */
    void (*matmul)(
        const void *a, const void *b, int64_t rows, int64_t middle, int64_t size, void *result);
} TensorArithmetic;

extern const TensorArithmetic tensors_of_doubles, tensors_of_pairs;
const TensorArithmetic *tensor_arithmetic(NumberKind kind);

/* Where the number that belongs to one of the shape lies in the tensor: dimensions of 1 are
 * repeated. */
int64_t rule_tensor_element(const RuleTensor *tensor, const RuleTensor *shape, int64_t element);

#endif
