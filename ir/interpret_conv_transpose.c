/* Filters convolution, as it is defined: every number of the operand goes to where the taps of
 * its filters lie. */
#include "ir/formula_number.h"
#include "ir/interpret.h"

typedef struct Filters {
    const int64_t *from, *to; /* dimensions of operand and result */
    const int64_t *kernel, *stride, *dilation, *padding;
} Filters;

/* Adds what one channel gives one filter: both are planes. */
static void scatter(const Filters *conv, const Stored *source, const Stored *filter, Number *sums) {
    for (int64_t y = 0; y < conv->from[2]; y++)
        for (int64_t ky = 0; ky < conv->kernel[0]; ky++) {
            int64_t row = y * conv->stride[0] + ky * conv->dilation[0] - conv->padding[0];
            if (row < 0 || row >= conv->to[2])
                continue;
            for (int64_t x = 0; x < conv->from[3]; x++)
                for (int64_t kx = 0; kx < conv->kernel[1]; kx++) {
                    int64_t column =
                        x * conv->stride[1] + kx * conv->dilation[1] - conv->padding[1];
                    if (column < 0 || column >= conv->to[3])
                        continue;
                    Number *sum = &sums[row * conv->to[3] + column];
                    *sum = number_multiply_add(number_read(source[y * conv->from[3] + x]),
                        number_read(filter[ky * conv->kernel[1] + kx]), *sum);
                }
        }
}

void interpret_conv_transpose(
    const Node *node, const Stored *const *operands, Stored *const *results, Arena *scratch) {
    const Weight *weight = node_weight(node, "weight"), *bias = node_weight(node, "bias");
    const NumberFormula activation =
        number_formula(scratch, node_formula_attribute(node, "activation"));
    const Filters conv = {.from = node->operands[0]->type.dims,
        .to = node->results[0]->type.dims,
        .kernel = weight->type.dims + 2,
        .stride = node_list(node, "stride").items,
        .dilation = node_list(node, "dilation").items,
        .padding = node_list(node, "padding").items};
    int64_t groups = node_integer(node, "groups"), filters = weight->type.dims[1];
    int64_t channels = conv.from[1] / groups, taps = conv.kernel[0] * conv.kernel[1];
    int64_t source = conv.from[2] * conv.from[3], target = conv.to[2] * conv.to[3];
    Number *sums = ARENA_ARRAY(scratch, Number, target);
    for (int64_t n = 0; n < conv.from[0]; n++)
        for (int64_t o = 0; o < conv.to[1]; o++) {
            int64_t first = o / filters * channels; /* channel of the filter's group */
            for (int64_t i = 0; i < target; i++)
                sums[i] = bias == NULL ? number_integer(0) : number_read(weight_stored(bias)[o]);
            for (int64_t c = first; c < first + channels; c++)
                scatter(&conv, operands[0] + (n * conv.from[1] + c) * source,
                    weight_stored(weight) + (c * filters + o % filters) * taps, sums);
            Stored *plane = results[0] + (n * conv.to[1] + o) * target;
            for (int64_t i = 0; i < target; i++)
                plane[i] = stored_of(number_formula_value(&activation, &sums[i]));
        }
}
