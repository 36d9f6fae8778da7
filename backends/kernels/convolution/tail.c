/* The last channels of a pointwise convolution as dot products. Where the output channels leave a
 * tail that would use a few lanes of a vector (4 of 116 with 16 lanes), its products are taken over
 * input channels, which fill lanes: one accumulator for each pixel and channel. The sums of the
 * lanes of as many accumulators as a vector has lanes are then put into one vector by permutes and
 * additions, halving their number at each level.
 *
 * A lane adds up the same channels in the same order wherever they lie: a vector that several runs
 * hold is loaded in parts, with zeros in the other lanes.
 *
 * Weights: per group, for each vector of input channels and each channel of the tail as many
 * weights as there are lanes, filled up with zeros; then the biases of the tail, once for each
 * pixel of those that share a vector. */
#include "backends/schedule/tail.h"
#include "backends/kernels/convolution/convolution.h"
#include "backends/program/math.h"
#include "backends/program/placement.h"
#include "backends/target/target.h"
#include "ir/arena.h"
#include "ir/graph.h"
#include "ir/kernel.h"
#include <string.h>

enum { BLOCK = 4 /* lanes that cheap permutes stay in */ };

/* ---- whether, and where ---- */

/* Loads for the vectors of input channels of one pixel. */
static int64_t group_loads(const Convolution *conv, int64_t group) {
    int64_t loads = 0, lanes = conv->emission->compilation->target->lanes;
    for (int i = 0; i < conv->input->run_count; i++) {
        RunPart part = group_part(conv, group, i);
        int64_t before = part.first - group * conv->group_inputs, last = before + part.count - 1;
        loads += part.count > 0 ? last / lanes - before / lanes + 1 : 0;
    }
    return loads;
}

void set_convolution_tail(Convolution *conv, const Node *node) {
    enum { MOST_CUT_VECTORS = 4 };
    const Target *target = conv->emission->compilation->target;
    int64_t lanes = target->lanes;
    int64_t tail = convolution_tail(conv->emission->compilation, node);
    conv->main_outputs = conv->group_outputs;
    if (tail == 0 || conv->input->element != LANE_F32 || conv->output->element != LANE_F32 ||
        (conv->residual && conv->residual->element != LANE_F32))
        return;
    for (int i = 0; i < conv->input->run_count; i++)
        if (conv->input->runs[i].channel_stride != 1)
            return;
    conv->tail_vectors = (conv->group_inputs + lanes - 1) / lanes;
    for (int64_t group = 0; group < conv->groups; group++)
        if (group_loads(conv, group) > conv->tail_vectors + MOST_CUT_VECTORS)
            return;
    conv->main_outputs -= tail;
}

static int64_t tail_channels(const Convolution *conv) {
    return conv->group_outputs - conv->main_outputs;
}

/* Pixels whose sums share a vector. */
static int group_pixels(const Convolution *conv) {
    return conv->emission->compilation->target->lanes / (int)tail_channels(conv);
}

int64_t tail_weight_floats(const Convolution *conv) {
    if (tail_channels(conv) == 0)
        return 0;
    return (conv->tail_vectors * tail_channels(conv) + 1) *
           conv->emission->compilation->target->lanes;
}

void pack_tail(
    const Convolution *conv, int64_t group, const float *weights, const float *bias, float *out) {
    int64_t lanes = conv->emission->compilation->target->lanes, tail = tail_channels(conv);
    int64_t output = group * conv->group_outputs + conv->main_outputs;
    float *biases = out + conv->tail_vectors * tail * lanes;
    memset(out, 0, (size_t)tail_weight_floats(conv) * sizeof *out);
    for (int64_t input = 0; input < conv->group_inputs; input++)
        for (int64_t channel = 0; channel < tail; channel++)
            out[(input / lanes * tail + channel) * lanes + input % lanes] =
                weights[(output + channel) * conv->group_inputs + input];
    for (int64_t lane = 0; bias && lane < group_pixels(conv) * tail; lane++)
        biases[lane] = bias[output + lane % tail];
}

/* ---- products ---- */

/* The accumulators of some pixels, [pixel * tail + channel]. */
typedef struct TailSums {
    int registers[MAX_LANES];
    int count;
} TailSums;

/* Lanes of one vector of input channels, which lie in one run. */
typedef struct TailVector {
    int run, first_lane, lane_count;
    const Expression *input, *weight; /* of the first of the lanes; of the vector */
} TailVector;

static void emit_tail_products(const Convolution *conv, const ConvolutionTile *tile,
    const TailSums *sums, const TailVector *vector) {
    KernelBuilder *builder = conv->builder;
    int lanes = conv->emission->compilation->target->lanes, tail = (int)tail_channels(conv);
    int weights[MAX_LANES];
    for (int channel = 0; channel < tail; channel++) {
        weights[channel] = kernel_register(builder, lanes);
        kernel_load(builder, weights[channel], conv->weights,
            expression_offset(conv->arena, vector->weight, (int64_t)channel * lanes), 0, lanes);
    }
    for (int p = 0; p < tile->pixels; p++) {
        int value = kernel_register(builder, lanes);
        kernel_load(builder, value, conv->input_parameters[vector->run],
            pixel_offset(conv, &conv->input->runs[vector->run], vector->input, p),
            vector->first_lane, vector->lane_count);
        for (int channel = 0; channel < tail; channel++) {
            int sum = sums->registers[p * tail + channel];
            kernel_multiply_add(builder, sum, value, weights[channel], sum);
        }
    }
}

/* The channels of one run, which are those of the group from `before` on: a loop over whole
 * vectors, and parts of vectors. */
static void emit_tail_run(const Convolution *conv, const ConvolutionTile *tile,
    const TailSums *sums, int run, int64_t before, int64_t count, const Expression *run_channel) {
    Arena *arena = conv->arena;
    int64_t lanes = conv->emission->compilation->target->lanes, row = tail_channels(conv) * lanes;
    const Expression *input = tap_input(conv, tile, &conv->input->runs[run], run_channel);
    for (int64_t done = 0; done < count;) {
        int64_t channel = before + done, lane = channel % lanes, left = count - done;
        int64_t whole = lane == 0 ? left / lanes : 0;
        int64_t here = whole > 0 ? whole * lanes : lanes - lane < left ? lanes - lane : left;
        const Expression *index =
            kernel_open_range(conv->builder, "vector", 0, whole > 0 ? whole : 1, 1);
        const TailVector vector = {run, (int)lane, (int)(whole > 0 ? lanes : here),
            expression_sum(
                arena, input, times(conv, index, lanes), expression_constant(arena, done), NULL),
            expression_sum(arena, tile->weight_offset, times(conv, index, row),
                expression_constant(arena, channel / lanes * row), NULL)};
        emit_tail_products(conv, tile, sums, &vector);
        kernel_close(conv->builder);
        done += here;
    }
}

static void emit_tail_sums(
    const Convolution *conv, const ConvolutionTile *tile, const TailSums *sums) {
    int64_t group = first_group(tile);
    bool one_run = conv->input->run_count == 1;
    for (int i = 0; i < conv->input->run_count; i++) {
        RunPart part = group_part(conv, group, i);
        int64_t before = part.first - group * conv->group_inputs;
        if (part.count > 0)
            emit_tail_run(conv, tile, sums, i, before, part.count,
                one_run ? times(conv, tile->group, conv->group_inputs)
                        : expression_constant(
                              conv->arena, part.first - conv->input->runs[i].first_channel));
    }
}

/* ---- sums of lanes ---- */

/* Which lanes of a pair of vectors one level adds: those of `second` to those of `first`. Levels 0
 * and 1 stay inside of blocks of four lanes, the others add whole blocks. */
static void level_lanes(int level, int lanes, int *first, int *second) {
    for (int lane = 0; lane < lanes; lane++) {
        int block = lane / BLOCK * BLOCK, within = lane % BLOCK;
        if (level == 0) {
            first[lane] = block + within / 2 + within % 2 * lanes;
            second[lane] = first[lane] + 2;
        } else if (level == 1) {
            first[lane] = block + within % 2 + within / 2 * lanes;
            second[lane] = first[lane] + 2;
        } else {
            int index = lane / BLOCK, half = lanes / BLOCK / 2;
            first[lane] = index / half * lanes + index % half * 2 * BLOCK + within;
            second[lane] = first[lane] + BLOCK;
        }
    }
}

/* One vector whose lane i is the sum of the lanes of accumulator i; lanes without one are 0. */
static int emit_lane_sums(const Convolution *conv, const TailSums *sums) {
    KernelBuilder *builder = conv->builder;
    int lanes = conv->emission->compilation->target->lanes;
    int registers[MAX_LANES], zero = kernel_register(builder, lanes);
    kernel_splat(builder, zero, 0.0f);
    for (int i = 0; i < lanes; i++)
        registers[i] = i < sums->count ? sums->registers[i] : zero;
    for (int level = 0, left = lanes; left > 1; level++, left /= 2) {
        int *first = ARENA_ARRAY(conv->arena, int, lanes);
        int *second = ARENA_ARRAY(conv->arena, int, lanes);
        level_lanes(level, lanes, first, second);
        for (int i = 0; i < left / 2; i++) {
            int a = registers[2 * i], b = registers[2 * i + 1];
            if (a == zero && b == zero) {
                registers[i] = zero;
                continue;
            }
            int even = kernel_register(builder, lanes), odd = kernel_register(builder, lanes);
            kernel_permute(builder, even, a, b, first);
            kernel_permute(builder, odd, a, b, second);
            kernel_binary(builder, INSTRUCTION_add, even, even, odd);
            registers[i] = even;
        }
    }
    return registers[0];
}

/* ---- the end ---- */

static void add_residual(const Convolution *conv, const ConvolutionTile *tile, int sums) {
    KernelBuilder *builder = conv->builder;
    int tail = (int)tail_channels(conv), lanes = conv->emission->compilation->target->lanes;
    for (int p = 0; p < tile->pixels; p++) {
        int other = kernel_register(builder, lanes);
        load_residual_lanes(
            conv, tile, &(PixelLanes){tile_channel(conv, tile), p, p * tail, tail}, other);
        kernel_binary(builder, INSTRUCTION_add, sums, sums, other);
    }
    emit_activation(builder, conv->residual_activation, sums);
}

/* The tail of `pixels` pixels from tile->column on. */
static void emit_tail_pixels(const Convolution *conv, ConvolutionTile *tile, int pixels) {
    KernelBuilder *builder = conv->builder;
    int lanes = conv->emission->compilation->target->lanes, tail = (int)tail_channels(conv);
    TailSums sums = {.count = pixels * tail};
    tile->pixels = pixels;
    tile->kernel_row = tile->tap = expression_constant(conv->arena, 0);
    for (int i = 0; i < sums.count; i++) {
        sums.registers[i] = kernel_register(builder, lanes);
        kernel_splat(builder, sums.registers[i], 0.0f);
    }
    emit_tail_sums(conv, tile, &sums);
    int results = emit_lane_sums(conv, &sums);
    if (conv->has_bias) {
        int bias = kernel_register(builder, lanes);
        kernel_load(builder, bias, conv->weights,
            expression_offset(
                conv->arena, tile->weight_offset, conv->tail_vectors * tail * (int64_t)lanes),
            0, lanes);
        kernel_binary(builder, INSTRUCTION_add, results, results, bias);
    }
    emit_activation(builder, conv->activation, results);
    if (conv->residual)
        add_residual(conv, tile, results);
    for (int p = 0; p < pixels; p++)
        store_lanes(
            conv, tile, &(PixelLanes){tile_channel(conv, tile), p, p * tail, tail}, results);
}

void emit_tail(const Convolution *conv, ConvolutionTile *tile, const Expression *begin,
    const Expression *end) {
    Arena *arena = conv->arena;
    KernelBuilder *builder = conv->builder;
    int64_t together = group_pixels(conv);
    const Expression *count = expression_maximum(
        arena, expression_constant(arena, 0), expression_add(arena, end, times(conv, begin, -1)));
    const Expression *whole_end = expression_add(
        arena, begin, times(conv, expression_divide(arena, count, together), together));
    tile->interior = true;
    tile->column = kernel_open_for(builder, "column", begin, whole_end, together);
    emit_tail_pixels(conv, tile, (int)together);
    kernel_close(builder);
    tile->column = kernel_open_for(builder, "column", whole_end, end, 1);
    emit_tail_pixels(conv, tile, 1);
    kernel_close(builder);
}
