/* Ops that look at one element, or one channel's numbers, at a time; softmax and response norm. */
#include "ir/formula_number.h"
#include "ir/interpret.h"

#include <math.h>
#include <string.h>

/* result = x * factor[c] + term[c] */
static void scale_channels(const Node *node, const Stored *source, Stored *target,
    const Number *factor, const Number *term) {
    const TensorType *type = &node->results[0]->type;
    int64_t plane = plane_size(type);
    for (int64_t n = 0; n < type->dims[0]; n++) {
        for (int64_t c = 0; c < type->dims[1]; c++) {
            int64_t first = (n * type->dims[1] + c) * plane;
            for (int64_t i = first; i < first + plane; i++)
                target[i] =
                    stored_of(number_multiply_add(number_read(source[i]), factor[c], term[c]));
        }
    }
}

void interpret_batch_norm(
    const Node *node, const Stored *const *operands, Stored *const *results, Arena *scratch) {
    int64_t channels = node->results[0]->type.dims[1];
    const Stored *scale = weight_stored(node_weight(node, "weight"));
    const Stored *bias = weight_stored(node_weight(node, "bias"));
    const Stored *mean = weight_stored(node_weight(node, "running_mean"));
    const Stored *variance = weight_stored(node_weight(node, "running_var"));
    Number epsilon = number_constant(node_number(node, "epsilon"));
    Number *factor = ARENA_ARRAY(scratch, Number, channels);
    Number *term = ARENA_ARRAY(scratch, Number, channels);
    for (int64_t c = 0; c < channels; c++) {
        factor[c] = number_divide(number_read(scale[c]),
            number_square_root(number_add(number_read(variance[c]), epsilon)));
        term[c] =
            number_subtract(number_read(bias[c]), number_multiply(number_read(mean[c]), factor[c]));
    }
    scale_channels(node, operands[0], results[0], factor, term);
}

void interpret_bias(
    const Node *node, const Stored *const *operands, Stored *const *results, Arena *scratch) {
    int64_t channels = node->results[0]->type.dims[1];
    const Stored *bias = weight_stored(node_weight(node, "bias"));
    Number *factor = ARENA_ARRAY(scratch, Number, channels);
    Number *term = ARENA_ARRAY(scratch, Number, channels);
    for (int64_t c = 0; c < channels; c++) {
        factor[c] = number_integer(1);
        term[c] = number_read(bias[c]);
    }
    scale_channels(node, operands[0], results[0], factor, term);
}

void interpret_constant(
    const Node *node, const Stored *const *operands, Stored *const *results, Arena *scratch) {
    (void)operands;
    (void)scratch;
    size_t count = (size_t)tensor_elements(&node->results[0]->type);
    memcpy(results[0], weight_stored(node_weight(node, "value")), count * sizeof(Stored));
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
    const Node *node, const Stored *const *operands, Stored *const *results, Arena *scratch) {
    const NumberFormula formula = number_formula(scratch, node_formula(node, scratch));
    const TensorType *type = &node->results[0]->type;
    int64_t count = tensor_elements(type), index[MAX_RANK] = {0};
    int64_t strides[MOST_FORMULA_OPERANDS][MAX_RANK], at[MOST_FORMULA_OPERANDS] = {0};
    Number numbers[MOST_FORMULA_OPERANDS] = {0};
    for (int k = 0; k < node->operand_count; k++)
        repeated_strides(&node->operands[k]->type, type->rank, strides[k]);
    for (int64_t i = 0; i < count; i++) {
        for (int k = 0; k < node->operand_count; k++)
            numbers[k] = number_read(operands[k][at[k]]);
        results[0][i] = stored_of(number_formula_value(&formula, numbers));
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

typedef struct SoftmaxNumbers {
    const NumberFunction *exponential, *logarithm;
    int64_t channels, step; /* how far apart their numbers stand */
} SoftmaxNumbers;

static Number exponential(const SoftmaxNumbers *softmax, Number x) {
    return number_function_value(softmax->exponential, OP_exp, x, number_integer(0));
}

/* One softmax, or its logarithm. */
static void softmax_column(
    const SoftmaxNumbers *softmax, OpKind op, const Stored *source, Stored *target) {
    Number largest = number_constant(-INFINITY), sum = number_integer(0);
    int64_t end = softmax->channels * softmax->step;
    for (int64_t c = 0; c < end; c += softmax->step)
        largest = number_larger(number_read(source[c]), largest);
    for (int64_t c = 0; c < end; c += softmax->step)
        sum =
            number_add(sum, exponential(softmax, number_subtract(number_read(source[c]), largest)));
    Number logarithm = number_function_value(softmax->logarithm, OP_log, sum, number_integer(0));
    for (int64_t c = 0; c < end; c += softmax->step) {
        Number x = number_subtract(number_read(source[c]), largest);
        target[c] = stored_of(op == OP_log_softmax ? number_subtract(x, logarithm)
                                                   : number_divide(exponential(softmax, x), sum));
    }
}

void interpret_softmax(
    const Node *node, const Stored *const *operands, Stored *const *results, Arena *scratch) {
    const TensorType *type = &node->results[0]->type;
    int64_t plane = plane_size(type), channels = type->dims[1];
    SoftmaxNumbers softmax = {number_function(scratch, OP_exp, NULL),
        number_function(scratch, OP_log, NULL), channels, plane};
    for (int64_t n = 0; n < type->dims[0]; n++) {
        int64_t first = n * channels * plane;
        for (int64_t i = first; i < first + plane; i++)
            softmax_column(&softmax, node->op, operands[0] + i, results[0] + i);
    }
}

/* Sum of squares over the channels within `reach` of c. */
static Number squares_around(
    const Stored *column, int64_t c, int64_t reach, int64_t channels, int64_t step) {
    int64_t begin = c > reach ? c - reach : 0;
    int64_t end = channels - c > reach ? c + reach + 1 : channels;
    Number sum = number_integer(0);
    for (int64_t i = begin; i < end; i++) {
        Number x = number_read(column[i * step]);
        sum = number_multiply_add(x, x, sum);
    }
    return sum;
}

void interpret_local_response_norm(
    const Node *node, const Stored *const *operands, Stored *const *results, Arena *scratch) {
    (void)scratch;
    const TensorType *type = &node->results[0]->type;
    int64_t plane = plane_size(type), channels = type->dims[1];
    int64_t size = node_integer(node, "size");
    double exponent = node_number(node, "beta");
    Number alpha = number_constant(node_number(node, "alpha") / (double)size);
    Number k = number_constant(node_number(node, "k"));
    for (int64_t n = 0; n < type->dims[0]; n++) {
        for (int64_t i = 0; i < plane; i++) {
            int64_t first = n * channels * plane + i;
            const Stored *source = operands[0] + first;
            for (int64_t c = 0; c < channels; c++) {
                Number squares = squares_around(source, c, size / 2, channels, plane);
                Number base = number_multiply_add(alpha, squares, k);
                results[0][first + c * plane] = stored_of(
                    number_divide(number_read(source[c * plane]), number_power(base, exponent)));
            }
        }
    }
}

#ifdef RIFFLE_PAIRS
/* By the two floats that kernels have of a channel. */
static Number pixel(const Preprocessing *pixels, int64_t channel, Number x) {
    return number_multiply_add(x, number_constant(pixel_factor(pixels, channel)),
        number_constant(pixel_term(pixels, channel)));
}
#else
static Number pixel(const Preprocessing *pixels, int64_t channel, Number x) {
    return (x * pixels->scale - pixels->mean[channel]) / pixels->std[channel];
}
#endif

void interpret_pixels(
    const Node *node, const Stored *const *operands, Stored *const *results, Arena *scratch) {
    (void)scratch;
    const TensorType *type = &node->results[0]->type;
    Preprocessing pixels = node_pixels(node);
    int64_t plane = plane_size(type), channels = type->dims[1];
    int64_t bytes = node->operands[0]->type.dims[1]; /* of a pixel */
    for (int64_t i = 0; i < tensor_elements(type); i++) {
        int64_t image = i / plane / channels, channel = i / plane % channels;
        int64_t source = (image * bytes + channel) * plane + i % plane;
        results[0][i] = stored_of(pixel(&pixels, channel, number_read(operands[0][source])));
    }
}

void interpret_range(
    const Node *node, const Stored *const *operands, Stored *const *results, Arena *scratch) {
    (void)scratch;
    size_t count = (size_t)tensor_elements(&node->operands[0]->type);
    memcpy(results[0], operands[0], count * sizeof(Stored));
}
