/* Convolution and the fully connected layer.
 *
 * The oracle runs whole networks, so this is a small matrix product: the input cells under a block
 * of output pixels are copied into panels of doubles, four pixels side by side, and each panel
 * meets the filters four at a time. Sums run over input channel, kernel row, kernel column, in that
 * order. */
#include "ir/formula_number.h"
#include "ir/interpret.h"

#include <string.h>

/* Pixels and filters of one tile, and panels that are filled before the filters pass over them. */
enum { PIXELS = 4, FILTERS = 4, PANELS = 4 };

typedef struct PlainConvolution {
    int64_t height, width, result_height, result_width;
    int64_t group_channels, group_filters; /* channels and filters of one group */
    int64_t kernel_rows, kernel_columns;
    int64_t stride[2], dilation[2], top, left;
    int64_t filter_size; /* cells under one filter */
    const Stored *bias;  /* NULL when there is none */
    NumberFormula activation, residual_activation;
} PlainConvolution;

static PlainConvolution describe(const Node *node, Arena *scratch) {
    const TensorType *operand = &node->operands[0]->type;
    const TensorType *result = &node->results[0]->type;
    const TensorType *weight = &node_weight(node, "weight")->type;
    const Weight *bias = node_weight(node, "bias");
    int64_t groups = node_integer(node, "groups");
    PlainConvolution conv = {
        .height = operand->dims[2],
        .width = operand->dims[3],
        .result_height = result->dims[2],
        .result_width = result->dims[3],
        .group_channels = weight->dims[1],
        .group_filters = weight->dims[0] / groups,
        .kernel_rows = weight->dims[2],
        .kernel_columns = weight->dims[3],
        .top = node_list(node, "padding").items[0],
        .left = node_list(node, "padding").items[1],
        .filter_size = weight->dims[1] * weight->dims[2] * weight->dims[3],
        .bias = bias == NULL ? NULL : weight_stored(bias),
        .activation = number_formula(scratch, node_formula_attribute(node, "activation")),
        .residual_activation =
            number_formula(scratch, node_formula_attribute(node, "residual_activation")),
    };
    for (int axis = 0; axis < 2; axis++) {
        conv.stride[axis] = node_list(node, "stride").items[axis];
        conv.dilation[axis] = node_list(node, "dilation").items[axis];
    }
    return conv;
}

/* Filters four side by side, missing ones zero: packed[filter / 4][cell][filter % 4]. */
static void pack_filters(const PlainConvolution *conv, const Stored *weight, Number *packed) {
    for (int64_t f = 0; f < conv->group_filters; f++) {
        Number *target = packed + f / FILTERS * conv->filter_size * FILTERS + f % FILTERS;
        for (int64_t i = 0; i < conv->filter_size; i++)
            target[i * FILTERS] = number_read(weight[f * conv->filter_size + i]);
    }
}

/* One kernel tap of one pixel, for all channels of the group; zero in the padding. */
static void fill_tap(const PlainConvolution *conv, const Stored *group, int64_t y, int64_t x,
    Number *panel, int64_t step) {
    int64_t plane = conv->height * conv->width;
    if (y < 0 || y >= conv->height || x < 0 || x >= conv->width) {
        for (int64_t c = 0; c < conv->group_channels; c++)
            panel[c * step] = number_integer(0);
        return;
    }
    const Stored *source = group + y * conv->width + x;
    for (int64_t c = 0; c < conv->group_channels; c++)
        panel[c * step] = number_read(source[c * plane]);
}

/* panel[cell][pixel] for four output pixels from `first` on; what it holds for pixels beyond the
 * last is never stored. */
static void fill_panel(
    const PlainConvolution *conv, const Stored *group, int64_t first, Number *panel) {
    int64_t taps = conv->kernel_rows * conv->kernel_columns;
    for (int64_t p = 0; p < PIXELS; p++) {
        int64_t row = (first + p) / conv->result_width, column = (first + p) % conv->result_width;
        for (int64_t tap = 0; tap < taps; tap++) {
            int64_t ky = tap / conv->kernel_columns, kx = tap % conv->kernel_columns;
            int64_t y = row * conv->stride[0] + ky * conv->dilation[0] - conv->top;
            int64_t x = column * conv->stride[1] + kx * conv->dilation[1] - conv->left;
            fill_tap(conv, group, y, x, panel + tap * PIXELS + p, taps * PIXELS);
        }
    }
}

/* The sums of a tile: tile[filter][pixel]. */
typedef Number TileSums[FILTERS][PIXELS];

#ifdef RIFFLE_PAIRS
static void multiply_tile(const Pair *panel, const Pair *filters, int64_t cells, TileSums sums) {
    for (int64_t f = 0; f < FILTERS; f++)
        for (int64_t p = 0; p < PIXELS; p++)
            sums[f][p] = pair_dot_product(panel + p, PIXELS, filters + f, FILTERS, cells);
}

static Pair dot_product(const Pair *a, const Pair *b, int64_t count) {
    return pair_dot_product(a, 1, b, 1, count);
}
#else
typedef double Lanes __attribute__((vector_size(PIXELS * sizeof(double))));

static void multiply_tile(
    const double *restrict panel, const double *restrict filters, int64_t cells, TileSums sums) {
    Lanes a = {0}, b = {0}, c = {0}, d = {0};
    for (int64_t i = 0; i < cells; i++) {
        Lanes x;
        memcpy(&x, panel + i * PIXELS, sizeof x);
        const double *w = filters + i * FILTERS;
        a += x * w[0];
        b += x * w[1];
        c += x * w[2];
        d += x * w[3];
    }
    memcpy(sums[0], &a, sizeof a);
    memcpy(sums[1], &b, sizeof b);
    memcpy(sums[2], &c, sizeof c);
    memcpy(sums[3], &d, sizeof d);
}

static double dot_product(const float *restrict a, const float *restrict b, int64_t count) {
    Lanes sums = {0};
    int64_t i = 0;
    for (; i + PIXELS <= count; i += PIXELS) {
        Lanes x = {(double)a[i], (double)a[i + 1], (double)a[i + 2], (double)a[i + 3]};
        Lanes y = {(double)b[i], (double)b[i + 1], (double)b[i + 2], (double)b[i + 3]};
        sums += x * y;
    }
    double sum = sums[0] + sums[1] + sums[2] + sums[3];
    for (; i < count; i++)
        sum += (double)a[i] * (double)b[i];
    return sum;
}
#endif

/* A group's planes of one image and what it adds to the result. `residual` may be NULL. */
typedef struct ChannelGroup {
    const Stored *source, *residual;
    Stored *target;
    const Stored *bias;
} ChannelGroup;

static void store_pixel(const PlainConvolution *conv, const ChannelGroup *group, int64_t filter,
    int64_t at, Number sum) {
    if (group->bias != NULL)
        sum = number_add(sum, number_read(group->bias[filter]));
    sum = number_formula_value(&conv->activation, &sum);
    if (group->residual != NULL) {
        sum = number_add(sum, number_read(group->residual[at]));
        sum = number_formula_value(&conv->residual_activation, &sum);
    }
    group->target[at] = stored_of(sum);
}

static void store_tile(const PlainConvolution *conv, const ChannelGroup *group,
    int64_t first_filter, int64_t first_pixel, int64_t pixels, TileSums sums) {
    for (int64_t f = 0; f < FILTERS && first_filter + f < conv->group_filters; f++) {
        for (int64_t p = 0; p < PIXELS && first_pixel + p < pixels; p++)
            store_pixel(conv, group, first_filter + f,
                (first_filter + f) * pixels + first_pixel + p, sums[f][p]);
    }
}

static void convolve_group(const PlainConvolution *conv, const ChannelGroup *group,
    const Number *filters, Number *panels) {
    int64_t pixels = conv->result_height * conv->result_width;
    int64_t panel_size = conv->filter_size * PIXELS;
    for (int64_t first = 0; first < pixels; first += PANELS * PIXELS) {
        int64_t count = (pixels - first + PIXELS - 1) / PIXELS;
        if (count > PANELS)
            count = PANELS;
        for (int64_t i = 0; i < count; i++)
            fill_panel(conv, group->source, first + i * PIXELS, panels + i * panel_size);
        for (int64_t f = 0; f < conv->group_filters; f += FILTERS) {
            for (int64_t i = 0; i < count; i++) {
                TileSums sums;
                multiply_tile(panels + i * panel_size, filters + f * conv->filter_size,
                    conv->filter_size, sums);
                store_tile(conv, group, f, first + i * PIXELS, pixels, sums);
            }
        }
    }
}

/* A filter that sees one channel alone is cheaper without panels. */
static void convolve_depthwise(
    const PlainConvolution *conv, const ChannelGroup *group, const Stored *filter) {
    for (int64_t row = 0; row < conv->result_height; row++) {
        for (int64_t column = 0; column < conv->result_width; column++) {
            Number sum = number_integer(0);
            for (int64_t ky = 0; ky < conv->kernel_rows; ky++) {
                int64_t y = row * conv->stride[0] + ky * conv->dilation[0] - conv->top;
                if (y < 0 || y >= conv->height)
                    continue;
                for (int64_t kx = 0; kx < conv->kernel_columns; kx++) {
                    int64_t x = column * conv->stride[1] + kx * conv->dilation[1] - conv->left;
                    if (x >= 0 && x < conv->width)
                        sum = number_multiply_add(number_read(group->source[y * conv->width + x]),
                            number_read(filter[ky * conv->kernel_columns + kx]), sum);
                }
            }
            store_pixel(conv, group, 0, row * conv->result_width + column, sum);
        }
    }
}

void interpret_conv(
    const Node *node, const Stored *const *operands, Stored *const *results, Arena *scratch) {
    PlainConvolution conv = describe(node, scratch);
    const Stored *weight = weight_stored(node_weight(node, "weight"));
    int64_t batch = node->operands[0]->type.dims[0], groups = node_integer(node, "groups");
    int64_t source_size = conv.group_channels * conv.height * conv.width;
    int64_t target_size = conv.group_filters * conv.result_height * conv.result_width;
    int64_t tiles = (conv.group_filters + FILTERS - 1) / FILTERS;
    Number *filters = ARENA_ARRAY(scratch, Number, tiles * conv.filter_size * FILTERS);
    Number *panels = ARENA_ARRAY(scratch, Number, conv.filter_size * PIXELS * PANELS);
    for (int64_t g = 0; g < groups; g++) {
        const Stored *group_weight = weight + g * conv.group_filters * conv.filter_size;
        bool depthwise = conv.group_channels == 1 && conv.group_filters == 1;
        if (!depthwise)
            pack_filters(&conv, group_weight, filters);
        for (int64_t n = 0; n < batch; n++) {
            int64_t at = (n * groups + g) * target_size;
            ChannelGroup group = {
                .source = operands[0] + (n * groups + g) * source_size,
                .residual = node->operand_count > 1 ? operands[1] + at : NULL,
                .target = results[0] + at,
                .bias = conv.bias == NULL ? NULL : conv.bias + g * conv.group_filters,
            };
            if (depthwise)
                convolve_depthwise(&conv, &group, group_weight);
            else
                convolve_group(&conv, &group, filters, panels);
        }
    }
}

void interpret_linear(
    const Node *node, const Stored *const *operands, Stored *const *results, Arena *scratch) {
    const Weight *weight = node_weight(node, "weight"), *bias = node_weight(node, "bias");
    const NumberFormula activation =
        number_formula(scratch, node_formula_attribute(node, "activation"));
    int64_t batch = node->operands[0]->type.dims[0];
    int64_t outputs = weight->type.dims[0], inputs = weight->type.dims[1];
    for (int64_t n = 0; n < batch; n++) {
        for (int64_t o = 0; o < outputs; o++) {
            Number sum =
                dot_product(operands[0] + n * inputs, weight_stored(weight) + o * inputs, inputs);
            if (bias != NULL)
                sum = number_add(sum, number_read(weight_stored(bias)[o]));
            results[0][n * outputs + o] = stored_of(number_formula_value(&activation, &sum));
        }
    }
}
