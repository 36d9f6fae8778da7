/* Dense 3x3 convolutions by Winograd's algorithm.
 *
 * Items are blocks of tiles. A block's inputs are transformed into a local buffer,
 * [position][tile][channel]; for each panel of output channels, each of the positions is a
 * matrix product of tiles by channels, which is a 1x1 convolution whose pixels are the tiles; the
 * products of a panel, [position][tile][channel of the panel], are in another local buffer, and are
 * transformed to outputs.
 *
 * Weights are transformed here, in double, and packed as [panel][position][input channel][channel
 * of the panel]; with blocks of output channels (Compilation.weight_block) as
 * [position][block][input channel][channel of the block]. */
#include "backends/kernels/convolution/convolution.h"
#include "backends/kernels/copy.h"
#include "backends/kernels/place.h"
#include "backends/kernels/winograd/winograd.h"
#include "backends/program/buffers.h"
#include "backends/program/call.h"
#include "backends/program/emission.h"
#include "backends/program/placement.h"
#include "backends/schedule/shape.h"
#include "backends/schedule/step_schedule.h"
#include "backends/schedule/winograd.h"
#include "ir/arena.h"
#include "ir/formula.h"
#include "ir/graph.h"
#include "ir/kernel.h"
#include <inttypes.h>
#include <string.h>

enum { KERNEL = 3 };

/* ---- weights ---- */

typedef double WeightFactors[WINOGRAD_MOST_INPUTS][KERNEL];

static const WeightFactors weight_factors[] = {
    {{1, 0, 0}, {0.5, 0.5, 0.5}, {0.5, -0.5, 0.5}, {0, 0, 1}},
    {{1.0 / 4, 0, 0}, {-1.0 / 6, -1.0 / 6, -1.0 / 6}, {-1.0 / 6, 1.0 / 6, -1.0 / 6},
        {1.0 / 24, 1.0 / 12, 1.0 / 6}, {1.0 / 24, -1.0 / 12, 1.0 / 6}, {0, 0, 1}},
};

/* G g G' of the 3x3 weights between two channels. */
static void transform_weights(
    const WinogradBlock *block, const float *weights, double positions[WINOGRAD_MOST_POSITIONS]) {
    const double(*factors)[KERNEL] = weight_factors[block->outputs == 4];
    double rows[WINOGRAD_MOST_INPUTS][KERNEL];
    int inputs = winograd_inputs(block);
    for (int i = 0; i < inputs; i++)
        for (int column = 0; column < KERNEL; column++) {
            rows[i][column] = 0;
            for (int row = 0; row < KERNEL; row++)
                rows[i][column] += factors[i][row] * (double)weights[row * KERNEL + column];
        }
    for (int i = 0; i < inputs; i++)
        for (int j = 0; j < inputs; j++) {
            double sum = 0;
            for (int column = 0; column < KERNEL; column++)
                sum += rows[i][column] * factors[j][column];
            positions[i * inputs + j] = sum;
        }
}

/* Where the weights of an output channel begin at position 0, how far the next input channel and
 * the next position are. */
typedef struct WeightPlace {
    int64_t first, input_step, position_step;
} WeightPlace;

static WeightPlace weight_place(const Convolution *conv, int positions, int64_t output) {
    int64_t block = conv->emission->compilation->weight_block, inputs = conv->group_inputs;
    if (block > 0)
        return (WeightPlace){
            output / block * block * inputs + output % block, block, packed_outputs(conv) * inputs};
    int64_t first = output / conv->blocking.panel_channels * conv->blocking.panel_channels;
    int64_t left = conv->group_outputs - first;
    int64_t count = left < conv->blocking.panel_channels ? left : conv->blocking.panel_channels;
    return (WeightPlace){first * positions * inputs + output - first, count, inputs * count};
}

static void pack_weights(Winograd *winograd, const Weight *weight, const Weight *bias) {
    Convolution *conv = &winograd->result;
    int count = winograd_positions(&winograd->block);
    int64_t inputs = conv->group_inputs, outputs = conv->group_outputs;
    conv->bias_offset = conv->group_weights = count * inputs * packed_outputs(conv);
    conv->has_bias = bias != NULL;
    float *packed = call_weights(
        conv->emission, conv->call, conv->bias_offset + (bias ? outputs : 0), &conv->weights);
    conv->biases = conv->weights;
    for (int64_t output = 0; output < outputs; output++) {
        WeightPlace place = weight_place(conv, count, output);
        for (int64_t input = 0; input < inputs; input++) {
            double positions[WINOGRAD_MOST_POSITIONS];
            transform_weights(&winograd->block,
                weight->data + (output * inputs + input) * KERNEL * KERNEL, positions);
            for (int i = 0; i < count; i++)
                packed[place.first + input * place.input_step + i * place.position_step] =
                    (float)positions[i];
        }
    }
    if (bias)
        memcpy(packed + conv->bias_offset, bias->data, (size_t)outputs * sizeof(float));
}

/* ---- products ---- */

static const Expression *position_weights(
    const Winograd *winograd, const ConvolutionTile *tile, const Expression *position) {
    const Convolution *conv = &winograd->result;
    int64_t inputs = conv->group_inputs;
    if (conv->emission->compilation->weight_block > 0)
        return expression_add(conv->arena, times(conv, tile->channel, inputs),
            times(conv, position, packed_outputs(conv) * inputs));
    return expression_add(
        conv->arena, tile->weight_offset, times(conv, position, inputs * tile->channel_count));
}

/* All tiles of the block, one position, one panel. */
static void emit_position(
    const Winograd *winograd, const ConvolutionTile *panel, const Expression *position) {
    const Convolution *conv = &winograd->product;
    Arena *arena = conv->arena;
    int64_t tiles = winograd_tiles(&winograd->block, winograd->rows);
    int64_t pixels = conv->blocking.tile.pixels, whole = tiles / pixels;
    const Expression *zero = expression_constant(arena, 0);
    const Expression *first = times(conv, position, winograd->position_stride);
    ConvolutionTile tile = {.group = zero,
        .panel = zero,
        .channel = zero,
        .channel_count = panel->channel_count,
        .residual_run = -1,
        .weight_offset = position_weights(winograd, panel, position),
        .input_count = conv->group_inputs,
        .interior = true};
    if (whole > 0) {
        tile.index = kernel_open_range(conv->builder, "tile", 0, whole, 1);
        tile.pixels = (int)pixels;
        tile.column = expression_add(arena, first, times(conv, tile.index, pixels));
        emit_convolution_tile(conv, &tile);
        kernel_close(conv->builder);
    }
    if (tiles % pixels > 0) {
        tile.index = expression_constant(arena, whole);
        tile.pixels = (int)(tiles % pixels);
        tile.column = expression_offset(arena, first, whole * pixels);
        emit_convolution_tile(conv, &tile);
    }
}

static void emit_panel(const Convolution *conv, ConvolutionTile *tile) {
    const Winograd *winograd = (const Winograd *)conv;
    const Expression *position =
        kernel_open_range(conv->builder, "position", 0, winograd_positions(&winograd->block), 1);
    emit_position(winograd, tile, position);
    kernel_close(conv->builder);
    emit_winograd_outputs(winograd, tile);
}

/* ---- blocks ---- */

static void emit_block(Winograd *winograd, int64_t rows) {
    const Convolution *conv = &winograd->result;
    const WinogradBlock *block = &winograd->block;
    const Expression *section = kernel_open_range(conv->builder, "section", 0, block->sections, 1);
    winograd->rows = rows;
    winograd->first_column = expression_minimum(conv->arena, times(conv, section, block->columns),
        expression_constant(conv->arena, block->tile_columns - block->columns));
    emit_winograd_inputs(winograd);
    ConvolutionTile tile = {0};
    emit_convolution_panels(conv, &tile, emit_panel);
    kernel_close(conv->builder);
}

static void emit_blocks(Winograd *winograd) {
    const Convolution *conv = &winograd->result;
    KernelBuilder *builder = conv->builder;
    Arena *arena = conv->arena;
    const WinogradBlock *block = &winograd->block;
    int64_t whole = block->tile_rows / block->rows, rest = block->tile_rows % block->rows;
    int64_t blocks = whole + (rest > 0), images = conv->output->images;
    builder->kernel->extent = images * blocks;
    const Expression *item = kernel_open_for(builder, "item",
        kernel_variable(builder, VARIABLE_BEGIN), kernel_variable(builder, VARIABLE_END), 1);
    const Expression *index = images > 1 ? expression_remainder(arena, item, blocks) : item;
    winograd->image =
        images > 1 ? expression_divide(arena, item, blocks) : expression_constant(arena, 0);
    winograd->first_row = times(conv, index, block->rows);
    if (rest > 0)
        kernel_open_if_less(builder, index, expression_constant(arena, whole));
    emit_block(winograd, block->rows);
    if (rest > 0) {
        kernel_close(builder);
        kernel_open_if_less(builder, expression_constant(arena, whole - 1), index);
        winograd->first_row = expression_constant(arena, whole * block->rows);
        emit_block(winograd, rest);
        kernel_close(builder);
    }
    kernel_close(builder);
}

/* ---- the node ---- */

/* A local buffer of the block as a tensor of one row of pixels. */
static const Placement *scratch_placement(Arena *arena, int64_t channels, int64_t stride) {
    Placement *placement = ARENA_NEW(arena, Placement);
    placement->images = placement->height = placement->width = 1;
    placement->channels = channels;
    placement->runs = ARENA_NEW(arena, Run);
    placement->run_count = 1;
    placement->runs[0] =
        (Run){.channel_count = channels, .buffer = -1, .channel_stride = 1, .pixel_stride = stride};
    return placement;
}

static void describe_result(
    Winograd *winograd, Emission *emission, KernelCall *call, const Node *node) {
    Convolution *conv = &winograd->result;
    conv->emission = emission;
    conv->call = call;
    conv->builder = &call->builder;
    conv->arena = emission->arena;
    conv->groups = 1;
    conv->product = product_find(emission->compilation->target, LANE_F32, LANE_F32, LANE_F32);
    conv->residual_activation = node_formula_attribute(node, "residual_activation");
    conv->activation = node_formula_attribute(node, "activation");
    conv->input = make_channels_last(emission, node, value_placement(emission, node->operands[0]));
    if (node->operand_count > 1)
        conv->residual =
            make_channels_last(emission, node, value_placement(emission, node->operands[1]));
    conv->output = place_result(emission, node->results[0]);
    conv->group_inputs = conv->packed_inputs = conv->input->channels;
    conv->group_outputs = conv->main_outputs = conv->output->channels;
    TileShape tile = winograd->block.tile;
    conv->blocking = (Blocking){.tile = tile,
        .panel_channels = (int64_t)tile.vectors * emission->compilation->target->lanes,
        .input_block = conv->group_inputs};
    int inputs = winograd_inputs(&winograd->block);
    conv->rows.window = (Window){{inputs, inputs}, {1, 1}, {1, 1}, {0}};
    memcpy(winograd->padding, node_window(node).padding, sizeof winograd->padding);
}

/* The 1x1 convolution from the transformed inputs to the products of a panel. */
static void describe_product(Winograd *winograd) {
    const Convolution *result = &winograd->result;
    Convolution *conv = &winograd->product;
    int64_t channels =
        winograd_channel_stride(result->emission->compilation->target, result->group_inputs);
    int64_t panel = result->blocking.panel_channels;
    int64_t tiles = winograd_position_stride(&winograd->block, channels, panel);
    int positions = winograd_positions(&winograd->block);
    winograd->channel_stride = channels;
    winograd->position_stride = tiles;
    winograd->inputs =
        kernel_packing_local(result->builder, positions * tiles * channels + SLACK_FLOATS);
    winograd->products = kernel_local(result->builder, positions * tiles * panel + SLACK_FLOATS);
    *conv = *result;
    conv->residual = NULL;
    conv->activation = NULL;
    conv->has_bias = false;
    conv->flat = true;
    conv->input = scratch_placement(conv->arena, conv->group_inputs, channels);
    conv->output = scratch_placement(conv->arena, panel, panel);
    conv->input_parameters = &winograd->inputs;
    conv->output_parameters = &winograd->products;
    conv->rows.window = (Window){{1, 1}, {1, 1}, {1, 1}, {0}};
    conv->sizes = (ConvolutionSizes){.inputs = conv->group_inputs,
        .kernel = {1, 1},
        .product = conv->product,
        .result = LANE_F32};
    conv->blocking.parts = choose_sum_parts(&conv->sizes, conv->blocking.input_block);
}

bool lower_winograd(Emission *emission, const Node *node, const WinogradBlock *block) {
    KernelCall call;
    Winograd winograd = {.block = *block};
    call_begin(emission, &call, node, 1);
    describe_result(&winograd, emission, &call, node);
    Convolution *conv = &winograd.result;
    conv->input_parameters = call_placement(&call, PARAMETER_READ, "input", conv->input);
    if (conv->residual)
        conv->residual_parameters =
            call_placement(&call, PARAMETER_READ, "residual", conv->residual);
    pack_weights(&winograd, node_weight(node, "weight"), node_weight(node, "bias"));
    conv->output_parameters = call_placement(&call, PARAMETER_WRITE, "output", conv->output);
    describe_product(&winograd);
    emit_blocks(&winograd);
    call.step.macs += node_macs(node);
    note_winograd(&call.step, emission->arena, node, block);
    call_describe(&call, "%s 3x3 %" PRId64 " -> %" PRId64 "%s%s, Winograd", op_info(node->op)->name,
        conv->input->channels, conv->output->channels, conv->activation ? ", " : "",
        conv->activation ? formula_spelling(conv->activation, emission->arena) : "");
    call_end(emission, &call);
    return true;
}
