/* Kernels in which the threads of a block reduce: global average pooling over the pixels of a
 * plane, softmax over the channels of a pixel. */
#include "backends/gpu/gpu.h"
#include "backends/program/call.h"
#include "backends/program/math.h"
#include "backends/program/part_sum.h"
#include "backends/schedule/sum_parts.h"
#include "ir/arena.h"
#include "ir/graph.h"
#include "ir/kernel.h"
#include <inttypes.h>
#include <math.h>

enum { POOL_LANES = 32, POOL_PLANES = BLOCK_THREADS / POOL_LANES }; /* threads a plane, planes */

typedef struct BlockReduction {
    GpuLowering *gpu;
    KernelCall call;
    KernelBuilder *builder;
    Arena *arena;
    Access input, output;
    const Expression *thread;
    int shared;
} BlockReduction;

static int load(const BlockReduction *r, int parameter, const Expression *offset) {
    int reg = kernel_register(r->builder, 1);
    kernel_load(r->builder, reg, parameter, offset, 0, 1);
    return reg;
}

/* ---- global average pooling ---- */

static void emit_pool(const BlockReduction *r) {
    KernelBuilder *builder = r->builder;
    Arena *arena = r->arena;
    const Tensor *in = r->input.tensor;
    int64_t planes = in->channels * in->images, pixels = in->height * in->width;
    const Expression *lane =
        kernel_let(builder, "lane", expression_remainder(arena, r->thread, POOL_LANES));
    const Expression *plane = kernel_let(builder, "plane",
        expression_add(arena,
            expression_multiply(arena, kernel_variable(builder, VARIABLE_BEGIN), POOL_PLANES),
            expression_divide(arena, r->thread, POOL_LANES)));
    const Expression *channel =
        kernel_let(builder, "channel", expression_divide(arena, plane, in->images));
    const Expression *image =
        kernel_let(builder, "image", expression_remainder(arena, plane, in->images));
    int sum = emit_splat(builder, 1, 0.0f);
    kernel_open_if_less(builder, plane, expression_constant(arena, planes));
    PartLoop loop = open_part_loop(builder, "pixel", lane, expression_constant(arena, pixels),
        POOL_LANES, sum_part((pixels - 1) / POOL_LANES + 1, TERMS_PER_SUM), sum);
    const Expression *position =
        access_position(&r->input, image, expression_divide(arena, loop.index, in->width),
            expression_remainder(arena, loop.index, in->width));
    int value = load(
        r, r->input.parameter, expression_add(arena, access_plane(&r->input, channel), position));
    kernel_binary(builder, INSTRUCTION_add, loop.part_sum, loop.part_sum, value);
    close_part_loop(builder, &loop);
    kernel_close(builder);
    kernel_store(builder, sum, r->shared, r->thread, 0, 1);
    kernel_barrier(builder);
    /* One of the lanes adds what all of them found. */
    kernel_open_if_less(builder,
        expression_add(arena, plane, expression_multiply(arena, lane, planes)),
        expression_constant(arena, planes));
    int total = emit_splat(builder, 1, 0.0f);
    const Expression *other = kernel_open_range(builder, "other", 0, POOL_LANES, 1);
    kernel_binary(builder, INSTRUCTION_add, total, total,
        load(r, r->shared, expression_add(arena, r->thread, other)));
    kernel_close(builder);
    kernel_binary(
        builder, INSTRUCTION_multiply, total, total, emit_splat(builder, 1, 1.0f / (float)pixels));
    const Expression *zero = expression_constant(arena, 0);
    kernel_store(builder, total, r->output.parameter,
        expression_add(arena, access_plane(&r->output, channel),
            access_position(&r->output, image, zero, zero)),
        0, 1);
    kernel_close(builder);
}

/* ---- softmax ---- */

/* Opens the loop of a thread over its channels of the block's pixel. */
static const Expression *open_channels(const BlockReduction *r) {
    return kernel_open_for(r->builder, "channel", r->thread,
        expression_constant(r->arena, r->input.tensor->channels), BLOCK_THREADS);
}

static int load_number(
    const BlockReduction *r, const Expression *channel, const Expression *pixel) {
    return load(r, r->input.parameter,
        expression_add(r->arena, access_plane(&r->input, channel), access_pixel(&r->input, pixel)));
}

static int load_shifted(
    const BlockReduction *r, const Expression *channel, const Expression *pixel, int maximum) {
    int value = load_number(r, channel, pixel);
    kernel_binary(r->builder, INSTRUCTION_subtract, value, value, maximum);
    emit_exponential(r->builder, value, value);
    return value;
}

/* What all threads of the block found. A barrier must come before the next one. */
static int emit_reduced(const BlockReduction *r, int value, InstructionKind combine) {
    kernel_store(r->builder, value, r->shared, r->thread, 0, 1);
    emit_block_reduce(r->builder, r->shared, BLOCK_THREADS, r->thread, combine);
    return load(r, r->shared, expression_constant(r->arena, 0));
}

static void emit_softmax(const BlockReduction *r, bool logarithm) {
    KernelBuilder *builder = r->builder;
    Arena *arena = r->arena;
    const Expression *pixel = kernel_variable(builder, VARIABLE_BEGIN);
    int maximum = emit_splat(builder, 1, -INFINITY), sum = emit_splat(builder, 1, 0.0f);
    const Expression *channel = open_channels(r);
    kernel_binary(builder, INSTRUCTION_maximum, maximum, maximum, load_number(r, channel, pixel));
    kernel_close(builder);
    maximum = emit_reduced(r, maximum, INSTRUCTION_maximum);
    kernel_barrier(builder);
    int64_t channels = r->input.tensor->channels;
    PartLoop loop =
        open_part_loop(builder, "channel", r->thread, expression_constant(arena, channels),
            BLOCK_THREADS, sum_part((channels - 1) / BLOCK_THREADS + 1, TERMS_PER_SUM), sum);
    kernel_binary(builder, INSTRUCTION_add, loop.part_sum, loop.part_sum,
        load_shifted(r, loop.index, pixel, maximum));
    close_part_loop(builder, &loop);
    sum = emit_reduced(r, sum, INSTRUCTION_add);
    if (logarithm)
        emit_logarithm(builder, sum, sum);
    channel = open_channels(r);
    int value;
    if (logarithm) {
        value = load_number(r, channel, pixel);
        kernel_binary(builder, INSTRUCTION_subtract, value, value, maximum);
        kernel_binary(builder, INSTRUCTION_subtract, value, value, sum);
    } else {
        value = load_shifted(r, channel, pixel, maximum);
        kernel_binary(builder, INSTRUCTION_divide, value, value, sum);
    }
    kernel_store(builder, value, r->output.parameter,
        expression_add(arena, access_plane(&r->output, channel), access_pixel(&r->output, pixel)),
        0, 1);
    kernel_close(builder);
}

bool gpu_lower_reduce(GpuLowering *gpu, const Node *node) {
    if (node->op == OP_reduce || node->op == OP_arg_max)
        return gpu_lower_numbers(gpu, node);
    BlockReduction r = {.gpu = gpu, .builder = &r.call.builder, .arena = gpu->emission.arena};
    bool pools = node->op == OP_global_avg_pool;
    const Tensor *input = gpu_make_floats(gpu, node, node->operands[0]);
    const Tensor *output = gpu_place(gpu, node->results[0]);
    int64_t planes = input->channels * input->images;
    gpu_call_begin(gpu, &r.call, node,
        pools ? (planes + POOL_PLANES - 1) / POOL_PLANES : tensor_pixels(input), &r.thread);
    r.input = gpu_access(gpu, &r.call, PARAMETER_READ, "input", input);
    r.output = gpu_access(gpu, &r.call, PARAMETER_WRITE, "output", output);
    r.shared = kernel_local(r.builder, BLOCK_THREADS);
    if (pools)
        emit_pool(&r);
    else
        emit_softmax(&r, node->op == OP_log_softmax);
    call_describe(&r.call, "%s, %" PRId64, op_info(node->op)->name, input->channels);
    gpu_call_count(&r.call, input, output);
    gpu_call_end(gpu, &r.call);
    return true;
}
