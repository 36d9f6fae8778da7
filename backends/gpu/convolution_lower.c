/* Convolution and fully connected layers on a GPU: what a block computes, and packed weights. */
#include "backends/gpu/convolution.h"
#include "backends/gpu/gpu.h"
#include "backends/gpu/window.h"
#include "backends/program/call.h"
#include "backends/schedule/shape.h"
#include "ir/arena.h"
#include "ir/diagnostics.h"
#include "ir/formula.h"
#include "ir/graph.h"
#include "ir/kernel.h"
#include <assert.h>
#include <inttypes.h>
#include <string.h>

/* ---- with which layer it shares a kernel ---- */

static const Node *only_reader(const Graph *graph, const Value *value) {
    const Node *reader = NULL;
    if (graph_is_output(graph, value))
        return NULL;
    for (const Node *node = graph->first; node; node = node->next)
        for (int i = 0; i < node->operand_count; i++)
            if (node->operands[i] == value) {
                if (reader)
                    return NULL;
                reader = node;
            }
    return reader;
}

static bool joins(const Node *node, const Node *next) {
    if (node->op != OP_conv || is_depthwise(node) || node->operand_count > 1 || !next)
        return false;
    return next->op == OP_global_avg_pool || (is_window_op(next) && next->op != OP_pad);
}

/* ---- packing ---- */

/* [tile][part][input channel][kernel row][kernel column][channel of the thread], zeros for channels
 * that are not there; then the biases in the same order; then `more` numbers, whose place is
 * returned. */
static PackedBehind pack_weights(GpuConvolution *conv, int64_t more) {
    const Weight *weight = node_weight(conv->node, "weight"),
                 *bias = node_weight(conv->node, "bias");
    int64_t tiles = conv->groups * conv->channel_tiles, channels = conv->shape.channels;
    int64_t parts = tiles * conv->shape.parts, sums = conv->group_inputs * conv->taps;
    int64_t own = parts * channels * (sums + (bias ? 1 : 0));
    float *packed = call_weights(&conv->gpu->emission, &conv->call, own + more, &conv->weights);
    conv->bias_offset = parts * channels * sums;
    conv->has_bias = bias != NULL;
    for (int64_t part = 0; part < parts; part++) {
        int64_t tile = part / conv->shape.parts, group = tile / conv->channel_tiles;
        int64_t first =
            tile % conv->channel_tiles * tile_channels(conv) + part % conv->shape.parts * channels;
        for (int64_t i = 0; i < channels && first + i < conv->group_outputs; i++) {
            int64_t output = group * conv->group_outputs + first + i;
            for (int64_t sum = 0; sum < sums; sum++)
                packed[(part * sums + sum) * channels + i] = weight->data[output * sums + sum];
            if (bias)
                packed[conv->bias_offset + part * channels + i] = bias->data[output];
        }
    }
    conv->call.step.count.bytes_read +=
        conv->groups * conv->group_outputs * (sums + 1) * (int64_t)sizeof(float);
    return (PackedBehind){packed + own, conv->weights, own};
}

/* ---- the block ---- */

/* Which channels: item % tiles; which pixels: item / tiles. */
static void find_tile(GpuConvolution *conv) {
    KernelBuilder *builder = conv->builder;
    Arena *arena = conv->arena;
    const Expression *item = kernel_variable(builder, VARIABLE_BEGIN);
    int64_t tiles = conv->groups * conv->channel_tiles;
    conv->tile = kernel_let(
        builder, "tile", conv->pixel_tiles > 1 ? expression_remainder(arena, item, tiles) : item);
    const Expression *pixel_tile =
        conv->pixel_tiles > 1
            ? kernel_let(builder, "pixel_tile", expression_divide(arena, item, tiles))
            : expression_constant(arena, 0);
    const Expression *group = conv->groups > 1
                                  ? expression_divide(arena, conv->tile, conv->channel_tiles)
                                  : expression_constant(arena, 0);
    const Expression *in_group = expression_multiply(arena,
        conv->groups > 1 ? expression_remainder(arena, conv->tile, conv->channel_tiles)
                         : conv->tile,
        tile_channels(conv));
    conv->first_channel = kernel_let(builder, "first_channel",
        expression_add(arena, expression_multiply(arena, group, conv->group_outputs), in_group));
    conv->channels_left = kernel_let(builder, "channels_left",
        expression_offset(arena, expression_multiply(arena, in_group, -1), conv->group_outputs));
    if (conv->shape.rows == 0) {
        conv->first_pixel = kernel_let(
            builder, "first_pixel", expression_multiply(arena, pixel_tile, tile_pixels(conv)));
        return;
    }
    int64_t height_out = conv->next->op == OP_global_avg_pool ? 1 : conv->window_op.height_out;
    int64_t bands = (height_out + conv->shape.rows - 1) / conv->shape.rows;
    conv->image = conv->images > 1
                      ? kernel_let(builder, "image", expression_divide(arena, pixel_tile, bands))
                      : expression_constant(arena, 0);
    if (conv->images > 1)
        pixel_tile = expression_remainder(arena, pixel_tile, bands);
    conv->first_row_out = kernel_let(builder, "first_row_out",
        expression_multiply(
            arena, expression_remainder(arena, pixel_tile, bands), conv->shape.rows));
    conv->first_row = expression_constant(arena, 0);
    if (bands > 1)
        conv->first_row = kernel_let(builder, "first_row",
            expression_maximum(arena,
                expression_offset(arena,
                    expression_multiply(
                        arena, conv->first_row_out, conv->window_op.window.stride[0]),
                    -conv->window_op.window.padding[0]),
                expression_constant(arena, 0)));
    const Expression *start = kernel_let(builder, "start",
        expression_add(arena, expression_multiply(arena, conv->image, conv->height * conv->width),
            expression_multiply(arena, conv->first_row, conv->width)));
    conv->first_pixel = start;
    conv->shift = expression_constant(arena, 0);
    if (!conv->pointwise || tile_is_aligned(conv, conv->shape.rows))
        return;
    conv->first_pixel = kernel_let(builder, "first_pixel",
        expression_multiply(
            arena, expression_divide(arena, start, conv->shape.pixels), conv->shape.pixels));
    conv->shift = kernel_let(builder, "shift",
        expression_add(arena, start, expression_multiply(arena, conv->first_pixel, -1)));
}

static void find_thread(GpuConvolution *conv) {
    KernelBuilder *builder = conv->builder;
    Arena *arena = conv->arena;
    const GpuConvolutionShape *shape = &conv->shape;
    conv->quad =
        kernel_let(builder, "quad", expression_remainder(arena, conv->thread, shape->quads));
    const Expression *rest = expression_divide(arena, conv->thread, shape->quads);
    conv->part = kernel_let(builder, "part", expression_remainder(arena, rest, shape->parts));
    conv->slice = kernel_let(builder, "slice", expression_divide(arena, rest, shape->parts));
}

/* ---- the node ---- */

static void describe(GpuConvolution *conv) {
    const Node *node = conv->node;
    const int64_t *out = node->results[0]->type.dims;
    int rank = node->results[0]->type.rank;
    conv->window = node_window(node);
    conv->groups = node->op == OP_conv ? node_integer(node, "groups") : 1;
    conv->activation = node_formula_attribute(node, "activation");
    if (node->op == OP_conv)
        conv->residual_activation = node_formula_attribute(node, "residual_activation");
    conv->group_inputs = conv->in->channels / conv->groups;
    conv->group_outputs = out[1] / conv->groups;
    conv->taps = conv->window.kernel[0] * conv->window.kernel[1];
    conv->images = out[0];
    conv->height = rank > 2 ? out[2] : 1;
    conv->width = rank > 3 ? out[3] : 1;
    conv->pointwise = is_pointwise(node) && conv->in->flat;
}

static void count_tiles(GpuConvolution *conv) {
    int64_t channels = tile_channels(conv), pixels = tile_pixels(conv);
    conv->channel_tiles = (conv->group_outputs + channels - 1) / channels;
    conv->pixel_tiles = (conv->images * conv->height * conv->width + pixels - 1) / pixels;
    if (conv->shape.rows > 0) {
        int64_t rows = conv->next->op == OP_global_avg_pool ? 1 : conv->window_op.height_out;
        conv->pixel_tiles = conv->images * ((rows + conv->shape.rows - 1) / conv->shape.rows);
    }
}

static void tell(GpuConvolution *conv) {
    call_describe(&conv->call, "%s %" PRId64 "x%" PRId64 " %" PRId64 " -> %" PRId64 "%s%s",
        op_info(conv->node->op)->name, conv->window.kernel[0], conv->window.kernel[1],
        conv->in->channels, conv->groups * conv->group_outputs, conv->activation ? ", " : "",
        conv->activation ? formula_spelling(conv->activation, conv->arena) : "");
    conv->call.step.macs = node_macs(conv->node);
    if (conv->next) {
        call_describe(&conv->call, "%s",
            is_depthwise(conv->next) ? "depthwise" : op_info(conv->next->op)->name);
        conv->call.step.macs += node_macs(conv->next);
    }
}

/* Two layers in one kernel where a shape for both fits shared memory; else false, and nothing is
 * done. */
static bool begin(GpuConvolution *conv) {
    describe(conv);
    if (conv->next && is_window_op(conv->next)) {
        const int64_t *dims = conv->next->results[0]->type.dims;
        conv->window_op.window = node_window(conv->next);
        conv->window_op.height_out = dims[2];
        conv->window_op.width_out = dims[3];
    }
    return choose_convolution_shape(conv, &conv->shape);
}

static void emit_kernel(GpuConvolution *conv) {
    GpuLowering *gpu = conv->gpu;
    conv->builder = &conv->call.builder;
    conv->arena = gpu->emission.arena;
    count_tiles(conv);
    gpu_call_begin(gpu, &conv->call, conv->next ? conv->next : conv->node,
        conv->groups * conv->channel_tiles * conv->pixel_tiles, &conv->thread);
    conv->call.step.path = conv->node->path;
    conv->input = gpu_access(gpu, &conv->call, PARAMETER_READ, "input", conv->in);
    if (conv->has_residual)
        conv->residual = gpu_access(
            gpu, &conv->call, PARAMETER_READ, "residual", gpu_tensor(gpu, conv->node->operands[1]));
    bool window = conv->next && is_window_op(conv->next);
    PackedBehind behind = pack_weights(conv, window ? window_weights(conv->next) : 0);
    if (window)
        conv->window_op = window_op(gpu, &conv->call, conv->next, &behind);
    conv->output = gpu_access(gpu, &conv->call, PARAMETER_WRITE, "output", conv->out);
    tell(conv);
    find_tile(conv);
    find_thread(conv);
    FinishLoads loads = emit_finish_loads(conv);
    emit_finish(conv, &loads, emit_sums(conv));
    gpu_call_count(&conv->call, conv->in, conv->out);
    if (conv->has_residual)
        gpu_call_count(&conv->call, conv->residual.tensor, NULL);
    gpu_call_end(gpu, &conv->call);
}

void gpu_find_fusions(GpuLowering *gpu) {
    const Graph *graph = gpu->emission.graph;
    for (const Node *node = graph->first; node; node = node->next) {
        const Node *next = only_reader(graph, node->results[0]);
        if (!joins(node, next))
            continue;
        /* Its own input's place does not matter here: only shapes do. */
        Tensor in = {.channels = node->operands[0]->type.dims[1], .flat = true};
        GpuConvolution conv = {.gpu = gpu, .node = node, .next = next, .in = &in};
        if (begin(&conv))
            gpu->fused_into[node->results[0]->id] = next;
    }
}

bool gpu_lower_convolution(GpuLowering *gpu, const Node *node) {
    const Value *operand = node->operands[0];
    const Node *producer = operand->producer;
    bool joined = producer && gpu->fused_into[operand->id] == node;
    GpuConvolution conv = {
        .gpu = gpu, .node = joined ? producer : node, .next = joined ? node : NULL};
    conv.in = gpu_tensor(gpu, conv.node->operands[0]);
    conv.has_residual = conv.node->operand_count > 1;
    if (conv.has_residual)
        gpu_make_flat(gpu, conv.node, conv.node->operands[1]);
    if (!begin(&conv)) {
        diagnostics_report(gpu->emission.diagnostics, SEVERITY_ERROR, node->where,
            "compile for an architecture with more",
            "no tile of this layer fits the shared memory of '%s'",
            gpu->emission.compilation->target->name);
        return false;
    }
    conv.out = gpu_place(gpu, node->results[0]);
    emit_kernel(&conv);
    return true;
}
