/* Convolutions and fully connected layers of bytes: the loops over groups, blocks of output
 * channels and pixels.
 *
 * As with floats, a 1x1 convolution without stride is a product over all pixels of the batch
 * ("flat"); every other one works row by row. Padding must not need a zero point: cells outside are
 * left out. */
#include "backends/kernels/convolution/groups.h"
#include "backends/kernels/kernels.h"
#include "backends/kernels/place.h"
#include "backends/kernels/quantized/quantized.h"
#include "backends/program/buffers.h"
#include "backends/program/call.h"
#include "backends/program/emission.h"
#include "backends/program/placement.h"
#include "backends/schedule/shape.h"
#include "backends/schedule/step_schedule.h"
#include "backends/schedule/tile_model.h"
#include "backends/target/target.h"
#include "ir/arena.h"
#include "ir/diagnostics.h"
#include "ir/graph.h"
#include "ir/kernel.h"
#include <assert.h>
#include <inttypes.h>

/* ---- pixels ---- */

static void emit_row_tiles(const QuantizedConvolution *conv, QuantizedTile *tile) {
    TileSpan *spans;
    ColumnRange columns = {0, conv->width_out};
    int count =
        tile_spans(conv->arena, columns, conv->width_in, &conv->window, conv->tile_pixels, &spans);
    for (int i = 0; i < count; i++) {
        tile->pixels = spans[i].pixels;
        tile->interior = spans[i].interior;
        tile->column = kernel_open_range(conv->builder, "column", spans[i].first,
            spans[i].first + spans[i].repeat * spans[i].pixels, spans[i].pixels);
        emit_quantized_tile(conv, tile);
        kernel_close(conv->builder);
    }
}

/* Tiles of pixels that stay in a quarter of the second-level cache. */
static int64_t tiles_together(const QuantizedConvolution *conv) {
    int64_t result_bytes = conv->output->channels * lane_bytes(conv->output->element);
    int64_t bytes = conv->tile_pixels * (conv->input->channels + result_bytes);
    int64_t tiles = conv->emission->compilation->target->l2_bytes / 4 / bytes;
    return tiles < 1 ? 1 : tiles;
}

/* The parallel axis of a flat one: tiles, the last of which may be partial. */
typedef struct TileRange {
    const Expression *begin, *end;
} TileRange;

static void emit_flat_tiles(
    const QuantizedConvolution *conv, QuantizedTile *tile, const TileRange *range) {
    KernelBuilder *builder = conv->builder;
    Arena *arena = conv->arena;
    int64_t whole = conv->width_out / conv->tile_pixels, rest = conv->width_out % conv->tile_pixels;
    tile->interior = true;
    if (whole > 0) {
        const Expression *end =
            rest > 0 ? expression_minimum(arena, range->end, expression_constant(arena, whole))
                     : range->end;
        const Expression *index = kernel_open_for(builder, "tile", range->begin, end, 1);
        tile->pixels = conv->tile_pixels;
        tile->column = expression_multiply(arena, index, conv->tile_pixels);
        emit_quantized_tile(conv, tile);
        kernel_close(builder);
    }
    if (rest > 0) {
        kernel_open_if_less(builder, expression_constant(arena, whole), range->end);
        tile->pixels = (int)rest;
        tile->column = expression_constant(arena, whole * conv->tile_pixels);
        emit_quantized_tile(conv, tile);
        kernel_close(builder);
    }
}

/* ---- channels ---- */

/* The run in which channels first..end-1 lie, if it is one; else -1. */
static int run_of(const Placement *placement, int64_t first, int64_t end) {
    for (int i = 0; i < placement->run_count; i++) {
        const Run *run = &placement->runs[i];
        if (first >= run->first_channel && end <= run->first_channel + run->channel_count)
            return i;
    }
    return -1;
}

static bool alike(const QuantizedBlock *a, const QuantizedBlock *b) {
    return a->count == b->count && a->vectors == b->vectors && a->lanes == b->lanes &&
           a->packed == b->packed;
}

static void emit_pixels(
    const QuantizedConvolution *conv, QuantizedTile *tile, const TileRange *range) {
    if (conv->flat)
        emit_flat_tiles(conv, tile, range);
    else
        emit_row_tiles(conv, tile);
}

/* Blocks that are alike and lie in one run are a loop. */
static void emit_blocks(
    const QuantizedConvolution *conv, QuantizedTile *tile, const TileRange *range) {
    int64_t group = 0;
    if (conv->output->run_count > 1) {
        bool constant = expression_is_constant(tile->group, &group);
        assert(constant);
        (void)constant;
    }
    int64_t base = group * conv->group_outputs;
    for (int i = 0; i < conv->block_count;) {
        const QuantizedBlock *block = &conv->blocks[i];
        int64_t first = base + block->first;
        int run = run_of(conv->output, first, first + block->count), end = i + 1;
        while (end < conv->block_count && run >= 0 && alike(block, &conv->blocks[end]) &&
               run_of(conv->output, first, base + conv->blocks[end].first + block->count) == run)
            end++;
        tile->block = block;
        tile->output_run = run;
        tile->index = kernel_open_range(conv->builder, "block", 0, end - i, 1);
        emit_pixels(conv, tile, range);
        kernel_close(conv->builder);
        i = end;
    }
}

static void emit_groups(
    const QuantizedConvolution *conv, QuantizedTile *tile, const TileRange *range) {
    if (conv->group_loop) {
        tile->group = kernel_open_range(conv->builder, "group", 0, conv->groups, 1);
        emit_blocks(conv, tile, range);
        kernel_close(conv->builder);
        return;
    }
    for (int64_t group = 0; group < conv->groups; group++) {
        tile->group = expression_constant(conv->arena, group);
        emit_blocks(conv, tile, range);
    }
}

/* ---- the whole ---- */

static void emit_flat(QuantizedConvolution *conv) {
    KernelBuilder *builder = conv->builder;
    int64_t tiles = (conv->width_out + conv->tile_pixels - 1) / conv->tile_pixels;
    int64_t together = tiles_together(conv);
    TileRange range = {
        kernel_variable(builder, VARIABLE_BEGIN), kernel_variable(builder, VARIABLE_END)};
    QuantizedTile tile = {0};
    builder->kernel->extent = tiles;
    if (together >= tiles || conv->groups * conv->block_count == 1) {
        emit_groups(conv, &tile, &range);
        return;
    }
    const Expression *end = range.end;
    range.begin = kernel_open_for(builder, "tiles", range.begin, end, together);
    range.end =
        expression_minimum(conv->arena, end, expression_offset(conv->arena, range.begin, together));
    emit_groups(conv, &tile, &range);
    kernel_close(builder);
}

static void emit_by_rows(QuantizedConvolution *conv) {
    KernelBuilder *builder = conv->builder;
    int64_t height = conv->output->height;
    builder->kernel->extent = conv->output->images * height;
    const Expression *index = kernel_open_for(builder, "row",
        kernel_variable(builder, VARIABLE_BEGIN), kernel_variable(builder, VARIABLE_END), 1);
    QuantizedTile tile = {.image = expression_divide(conv->arena, index, height),
        .row = expression_remainder(conv->arena, index, height)};
    emit_groups(conv, &tile, NULL);
    kernel_close(builder);
}

/* Quads of one tap, of the group that has the most. */
static int64_t count_quads(const QuantizedConvolution *conv) {
    int64_t most = 0;
    for (int64_t group = 0; group < conv->groups; group++) {
        int count;
        const QuantizedSegment *segments = quantized_segments(conv, group, &count);
        int64_t quads = 0;
        for (int i = 0; i < count; i++)
            quads += (segments[i].count + 3) / 4;
        most = quads > most ? quads : most;
    }
    return most;
}

/* Pixels of a tile: what needs the fewest cycles when two products, loads of weights and numbers
 * are issued in each. */
static int choose_pixels(const QuantizedConvolution *conv) {
    const Target *target = conv->emission->compilation->target;
    int vectors = conv->blocks[0].vectors, helpers = target->dot_products ? 1 : 3;
    int64_t quads = conv->group_quads * conv->window.kernel[0] * conv->window.kernel[1];
    int best = 1;
    int64_t least = INT64_MAX;
    for (int pixels = 1; pixels <= 8; pixels++) {
        if (pixels > 1 && pixels * vectors + vectors + helpers > target->registers)
            break;
        int64_t cost = 0;
        for (int64_t first = 0; first < conv->width_out; first += pixels) {
            int64_t here = conv->width_out - first < pixels ? conv->width_out - first : pixels;
            int64_t products = here * vectors, loads = here + vectors;
            int64_t busy = products > loads ? products : loads;
            cost += quads * (busy > 10 ? busy : 10) + 4 * products + 20;
            if (conv->width_out > 1000) { /* the rest hardly counts */
                cost = cost * 1000 / here;
                break;
            }
        }
        if (cost < least)
            best = pixels;
        least = cost < least ? cost : least;
    }
    return best;
}

static bool pads_with_zero_alone(const QuantizedConvolution *conv) {
    const Weight *zero = node_weight(conv->node, "zero");
    const int64_t *padding = conv->window.padding;
    bool padded = padding[0] + padding[1] + padding[2] + padding[3] > 0;
    for (int64_t i = 0; padded && i < tensor_elements(&zero->type); i++)
        if (zero->data[i] != 0) {
            diagnostics_report(conv->emission->diagnostics, SEVERITY_ERROR, conv->node->where,
                "the pass quantize makes none such",
                "a padded quantized_conv must have zero points of 0, but '%s' has %g", zero->path,
                (double)zero->data[i]);
            return false;
        }
    return true;
}

static void describe(QuantizedConvolution *conv) {
    const Placement *in = conv->input, *out = conv->output;
    conv->window = node_window(conv->node);
    const Window *window = &conv->window;
    conv->flat =
        window->kernel[0] * window->kernel[1] * window->stride[0] * window->stride[1] == 1 &&
        window->padding[0] + window->padding[1] + window->padding[2] + window->padding[3] == 0 &&
        pixels_are_dense(in);
    conv->groups = conv->node->op == OP_quantized_conv ? node_integer(conv->node, "groups") : 1;
    conv->activation = (Activation)node_integer(conv->node, "activation");
    conv->bytes = out->element == LANE_U8;
    conv->group_inputs = in->channels / conv->groups;
    conv->group_outputs = out->channels / conv->groups;
    conv->group_loop = out->run_count == 1 && groups_alike(in, conv->groups, &conv->group_shift);
    conv->width_in = conv->flat ? in->images * in->height * in->width : in->width;
    conv->width_out = conv->flat ? out->images * out->height * out->width : out->width;
    conv->group_quads = count_quads(conv);
    choose_quantized_blocks(conv);
    conv->tile_pixels = choose_pixels(conv);
}

static bool lower_product(Emission *emission, const Node *node) {
    KernelCall call;
    call_begin(emission, &call, node, 1);
    QuantizedConvolution *conv = ARENA_NEW(emission->arena, QuantizedConvolution);
    conv->emission = emission;
    conv->call = &call;
    conv->builder = &call.builder;
    conv->arena = emission->arena;
    conv->node = node;
    conv->input = value_placement(emission, node->operands[0]);
    conv->output = place_result(emission, node->results[0]);
    describe(conv);
    conv->input_parameters = call_placement(&call, PARAMETER_READ, "input", conv->input);
    if (!pads_with_zero_alone(conv) || !pack_quantized(conv))
        return false;
    conv->output_parameters = call_placement(&call, PARAMETER_WRITE, "output", conv->output);
    call.step.macs += node_macs(node);
    note_tile(
        &call.step, conv->arena, node, (TileShape){conv->tile_pixels, conv->blocks[0].vectors});
    call_describe(&call, "%s %" PRId64 "x%" PRId64 " %" PRId64 " -> %" PRId64,
        op_info(node->op)->name, conv->window.kernel[0], conv->window.kernel[1],
        conv->input->channels, conv->output->channels);
    if (conv->flat)
        emit_flat(conv);
    else
        emit_by_rows(conv);
    call_end(emission, &call);
    return true;
}

bool has_bytes(Emission *emission, const Node *node) {
    const Target *target = emission->compilation->target;
    if (target->architecture == ARCHITECTURE_X86_64 && target->lanes >= 8)
        return true;
    diagnostics_report(emission->diagnostics, SEVERITY_ERROR, node->where,
        "x86-64-v3 and above have it; the fastest are processors with VNNI",
        "there is no code for '%s' on '%s'", op_info(node->op)->name, target->name);
    return false;
}

bool lower_quantized(Emission *emission, const Node *node) {
    if (!has_bytes(emission, node))
        return false;
    if (node->op == OP_quantize)
        return lower_quantize(emission, node);
    if (node->op == OP_max_pool || is_depthwise(node))
        return lower_quantized_window(emission, node);
    return lower_product(emission, node);
}
