/* Ops that look at one element, or one channel's numbers, at a time; softmax and response norm. */
#include "ir/formula.h"
#include "ir/interpret.h"

#include <math.h>
#include <string.h>

/* result = x * factor[c] + term[c] */
static void scale_channels(const Node *node, const float *source, float *target,
    const double *factor, const double *term) {
    const TensorType *type = &node->results[0]->type;
    int64_t plane = plane_size(type);
    for (int64_t n = 0; n < type->dims[0]; n++) {
        for (int64_t c = 0; c < type->dims[1]; c++) {
            int64_t first = (n * type->dims[1] + c) * plane;
            for (int64_t i = first; i < first + plane; i++)
                target[i] = (float)((double)source[i] * factor[c] + term[c]);
        }
    }
}

void interpret_batch_norm(
    const Node *node, const float *const *operands, float *const *results, Arena *scratch) {
    int64_t channels = node->results[0]->type.dims[1];
    const float *scale = node_weight(node, "weight")->data;
    const float *bias = node_weight(node, "bias")->data;
    const float *mean = node_weight(node, "running_mean")->data;
    const float *variance = node_weight(node, "running_var")->data;
    double epsilon = node_number(node, "epsilon");
    double *factor = ARENA_ARRAY(scratch, double, channels);
    double *term = ARENA_ARRAY(scratch, double, channels);
    for (int64_t c = 0; c < channels; c++) {
        factor[c] = (double)scale[c] / sqrt((double)variance[c] + epsilon);
        term[c] = (double)bias[c] - (double)mean[c] * factor[c];
    }
    scale_channels(node, operands[0], results[0], factor, term);
}

void interpret_bias(
    const Node *node, const float *const *operands, float *const *results, Arena *scratch) {
    int64_t channels = node->results[0]->type.dims[1];
    const float *bias = node_weight(node, "bias")->data;
    double *factor = ARENA_ARRAY(scratch, double, channels);
    double *term = ARENA_ARRAY(scratch, double, channels);
    for (int64_t c = 0; c < channels; c++) {
        factor[c] = 1;
        term[c] = (double)bias[c];
    }
    scale_channels(node, operands[0], results[0], factor, term);
}

void interpret_constant(
    const Node *node, const float *const *operands, float *const *results, Arena *scratch) {
    (void)operands;
    (void)scratch;
    size_t count = (size_t)tensor_elements(&node->results[0]->type);
    memcpy(results[0], node_weight(node, "value")->data, count * sizeof(float));
}

/* From one index of each dimension of the result to the next, in the operand: 0 where the operand
 * has one index, which is repeated. */
static void repeated_strides(const TensorType *operand, int rank, int64_t *strides) {
    int64_t stride = 1;
    for (int i = rank; i-- > 0;) {
        int64_t size = i < operand->rank ? operand->dims[i] : 1;
        strides[i] = size == 1 ? 0 : stride;
        stride *= size;
    }
}

void interpret_elements(
    const Node *node, const float *const *operands, float *const *results, Arena *scratch) {
    const Formula *formula = formula_expand(scratch, node_formula(node, scratch));
    const TensorType *type = &node->results[0]->type;
    int64_t count = tensor_elements(type), index[MAX_RANK] = {0};
    int64_t strides[MOST_FORMULA_OPERANDS][MAX_RANK], at[MOST_FORMULA_OPERANDS] = {0};
    double numbers[MOST_FORMULA_OPERANDS] = {0};
    for (int k = 0; k < node->operand_count; k++)
        repeated_strides(&node->operands[k]->type, type->rank, strides[k]);
    for (int64_t i = 0; i < count; i++) {
        for (int k = 0; k < node->operand_count; k++)
            numbers[k] = (double)operands[k][at[k]];
        results[0][i] = (float)formula_value(formula, numbers);
        for (int d = type->rank; d-- > 0;) {
            for (int k = 0; k < node->operand_count; k++)
                at[k] += strides[k][d];
            if (++index[d] < type->dims[d])
                break;
            for (int k = 0; k < node->operand_count; k++)
                at[k] -= strides[k][d] * type->dims[d];
            index[d] = 0;
        }
    }
}

/* One softmax over `channels` numbers that stand `step` apart, or its logarithm. */
static void softmax_column(
    const float *source, float *target, int64_t channels, int64_t step, bool logarithm) {
    double largest = -INFINITY, sum = 0;
    for (int64_t c = 0; c < channels; c++)
        largest = (double)source[c * step] > largest ? (double)source[c * step] : largest;
    for (int64_t c = 0; c < channels; c++)
        sum += exp((double)source[c * step] - largest);
    for (int64_t c = 0; c < channels; c++) {
        double x = (double)source[c * step] - largest;
        target[c * step] = (float)(logarithm ? x - log(sum) : exp(x) / sum);
    }
}

void interpret_softmax(
    const Node *node, const float *const *operands, float *const *results, Arena *scratch) {
    (void)scratch;
    const TensorType *type = &node->results[0]->type;
    int64_t plane = plane_size(type), channels = type->dims[1];
    for (int64_t n = 0; n < type->dims[0]; n++) {
        int64_t first = n * channels * plane;
        for (int64_t i = first; i < first + plane; i++)
            softmax_column(
                operands[0] + i, results[0] + i, channels, plane, node->op == OP_log_softmax);
    }
}

/* Sum of squares over the channels within `reach` of c. */
static double squares_around(
    const float *column, int64_t c, int64_t reach, int64_t channels, int64_t step) {
    int64_t begin = c > reach ? c - reach : 0;
    int64_t end = channels - c > reach ? c + reach + 1 : channels;
    double sum = 0;
    for (int64_t i = begin; i < end; i++)
        sum += (double)column[i * step] * (double)column[i * step];
    return sum;
}

void interpret_local_response_norm(
    const Node *node, const float *const *operands, float *const *results, Arena *scratch) {
    (void)scratch;
    const TensorType *type = &node->results[0]->type;
    int64_t plane = plane_size(type), channels = type->dims[1];
    int64_t size = node_integer(node, "size");
    double alpha = node_number(node, "alpha") / (double)size;
    double beta = node_number(node, "beta"), k = node_number(node, "k");
    for (int64_t n = 0; n < type->dims[0]; n++) {
        for (int64_t i = 0; i < plane; i++) {
            int64_t first = n * channels * plane + i;
            const float *source = operands[0] + first;
            for (int64_t c = 0; c < channels; c++) {
                double squares = squares_around(source, c, size / 2, channels, plane);
                results[0][first + c * plane] =
                    (float)((double)source[c * plane] / pow(k + alpha * squares, beta));
            }
        }
    }
}
