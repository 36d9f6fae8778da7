/* Built for floats, and for pairs (ir/number.h). */
#include "passes/affine_numbers.h"
#include "ir/number.h"

static int64_t of_batch_norm(AffineNumbers *affine, const void *const weights[4], double epsilon) {
    const Stored *weight = weights[0], *bias = weights[1];
    const Stored *mean = weights[2], *variance = weights[3];
    Number *scale = affine->scale, *shift = affine->shift;
    for (int64_t c = 0; c < affine->channels; c++) {
        Number spread = number_add(number_read(variance[c]), number_constant(epsilon));
        if (!(number_as_double(spread) > 0))
            return c;
        scale[c] = number_divide(number_read(weight[c]), number_square_root(spread));
        shift[c] =
            number_subtract(number_read(bias[c]), number_multiply(number_read(mean[c]), scale[c]));
    }
    return -1;
}

static void of_bias(AffineNumbers *affine, const void *bias) {
    const Stored *numbers = bias;
    Number *scale = affine->scale, *shift = affine->shift;
    for (int64_t c = 0; c < affine->channels; c++) {
        scale[c] = number_integer(1);
        shift[c] = number_read(numbers[c]);
    }
}

static void scale_filters(
    const AffineNumbers *affine, const FilterOrder *order, const void *weight, void *scaled) {
    const Stored *from = weight;
    const Number *scale = affine->scale;
    Stored *to = scaled;
    int64_t size = order->count / order->rows / order->filters;
    for (int64_t i = 0; i < order->count; i++) {
        int64_t row = i / size / order->filters, filter = i / size % order->filters;
        int64_t channel = row / order->group_rows * order->filters + filter;
        to[i] = stored_of(number_multiply(number_read(from[i]), scale[channel]));
    }
}

static void shift_bias(const AffineNumbers *affine, const void *bias, void *shifted) {
    const Stored *from = bias;
    const Number *scale = affine->scale, *shift = affine->shift;
    Stored *to = shifted;
    for (int64_t c = 0; c < affine->channels; c++) {
        Number old = from == NULL ? number_integer(0) : number_read(from[c]);
        to[c] = stored_of(number_multiply_add(old, scale[c], shift[c]));
    }
}

static void take_scale(const AffineNumbers *affine, void *scale) {
    const Number *from = affine->scale;
    Stored *to = scale;
    for (int64_t c = 0; c < affine->channels; c++)
        to[c] = stored_of(from[c]);
}

#ifdef RIFFLE_PAIRS
#define affine_of_floats affine_of_pairs
#endif

const AffineArithmetic affine_of_floats = {
    of_batch_norm, of_bias, scale_filters, shift_bias, take_scale};
