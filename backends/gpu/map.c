/* Kernels in which each thread computes one number of the result from what lies around: windows,
 * element-wise ops, local response norm, copies. */
#include "backends/gpu/gpu.h"
#include "backends/gpu/window.h"
#include "backends/program/call.h"
#include "backends/program/math.h"
#include "backends/program/part_sum.h"
#include "backends/program/program.h"
#include "backends/program/sample_tables.h"
#include "backends/program/summary.h"
#include "backends/schedule/shape.h"
#include "backends/schedule/sum_parts.h"
#include "ir/arena.h"
#include "ir/diagnostics.h"
#include "ir/formula.h"
#include "ir/graph.h"
#include "ir/kernel.h"
#include <assert.h>
#include <inttypes.h>
#include <math.h>

/* A thread's place in the result. */
typedef struct MapPoint {
    const Expression *channel, *pixel; /* by its number in all images */
    const Expression *image, *row, *column;
} MapPoint;

typedef struct Map {
    GpuLowering *gpu;
    KernelCall call;
    KernelBuilder *builder;
    const Node *node;
    Access inputs[MOST_FORMULA_OPERANDS], output;
    GpuWindowOp window;
    SampleTables samples;
    MapPoint at;
} Map;

/* The value that the thread stores. */
typedef int EmitPoint(Map *map);

static MapPoint find_point(Map *map, const Expression *index) {
    KernelBuilder *builder = map->builder;
    Arena *arena = builder->arena;
    const Tensor *tensor = map->output.tensor;
    int64_t pixels = tensor_pixels(tensor), size = tensor->height * tensor->width;
    MapPoint at;
    at.channel = kernel_let(builder, "channel", expression_divide(arena, index, pixels));
    at.pixel = kernel_let(builder, "pixel", expression_remainder(arena, index, pixels));
    at.image = tensor->images > 1
                   ? kernel_let(builder, "image", expression_divide(arena, at.pixel, size))
                   : expression_constant(arena, 0);
    const Expression *rest =
        tensor->images > 1 ? expression_remainder(arena, at.pixel, size) : at.pixel;
    at.row = kernel_let(builder, "y", expression_divide(arena, rest, tensor->width));
    at.column = kernel_let(builder, "x", expression_remainder(arena, rest, tensor->width));
    return at;
}

/* The kernel of all numbers of the result; the call has its parameters. */
static void emit_map(Map *map, const Expression *thread, EmitPoint *emit) {
    KernelBuilder *builder = map->builder;
    Arena *arena = builder->arena;
    const Tensor *tensor = map->output.tensor;
    int64_t total = tensor->channels * tensor_pixels(tensor);
    const Expression *index = kernel_let(builder, "index",
        expression_add(arena,
            expression_multiply(arena, kernel_variable(builder, VARIABLE_BEGIN), BLOCK_THREADS),
            thread));
    bool partial = total % BLOCK_THREADS != 0;
    if (partial)
        kernel_open_if_less(builder, index, expression_constant(arena, total));
    map->at = find_point(map, index);
    int value = emit(map);
    kernel_store(builder, value, map->output.parameter,
        expression_add(arena, access_plane(&map->output, map->at.channel),
            access_pixel(&map->output, map->at.pixel)),
        0, 1);
    if (partial)
        kernel_close(builder);
}

static const Expression *begin_map(Map *map, const Tensor *output) {
    const Expression *thread;
    int64_t total = output->channels * tensor_pixels(output);
    gpu_call_begin(
        map->gpu, &map->call, map->node, (total + BLOCK_THREADS - 1) / BLOCK_THREADS, &thread);
    map->builder = &map->call.builder;
    return thread;
}

static void end_map(Map *map, const Tensor *first, const Tensor *second, const Tensor *output) {
    gpu_call_count(&map->call, first, output);
    gpu_call_count(&map->call, second, NULL);
    gpu_call_end(map->gpu, &map->call);
}

static int load_at(
    const Map *map, const Access *access, const Expression *channel, const Expression *position) {
    AccessScale scale = access_scale(map->builder, access, channel);
    int reg = kernel_register(map->builder, 1);
    access_load(map->builder, access, &scale, reg,
        expression_add(map->builder->arena, access_plane(access, channel), position));
    return reg;
}

/* ---- windows ---- */

static void load_window(
    const void *context, int reg, const Expression *row, const Expression *column) {
    const Map *map = context;
    const Access *input = &map->inputs[0];
    AccessScale scale = access_scale(map->builder, input, map->at.channel);
    access_load(map->builder, input, &scale, reg,
        expression_add(map->builder->arena, access_plane(input, map->at.channel),
            access_position(input, map->at.image, row, column)));
}

static int emit_window_point(Map *map) {
    return emit_window(&map->window, map->builder, NULL, map->at.channel, map->at.row,
        map->at.column, load_window, map);
}

static bool lower_window(GpuLowering *gpu, const Node *node) {
    Map map = {.gpu = gpu, .node = node};
    const Tensor *input = gpu_tensor(gpu, node->operands[0]);
    const Tensor *output = gpu_place(gpu, node->results[0]);
    const Expression *thread = begin_map(&map, output);
    map.inputs[0] = gpu_access(gpu, &map.call, PARAMETER_READ, "input", input);
    map.window = window_op(gpu, &map.call, node, NULL);
    map.output = gpu_access(gpu, &map.call, PARAMETER_WRITE, "output", output);
    emit_map(&map, thread, emit_window_point);
    map.call.step.macs = node_macs(node);
    call_describe(&map.call, "%s %" PRId64 "x%" PRId64 " stride %" PRId64 ", %" PRId64,
        is_depthwise(node) ? "depthwise" : op_info(node->op)->name, map.window.window.kernel[0],
        map.window.window.kernel[1], map.window.window.stride[0], output->channels);
    end_map(&map, input, NULL, output);
    return true;
}

/* ---- rows and columns by tables ---- */

static int load_sampled_row(const Map *map, const Expression *row, const SampledIndex *columns) {
    int values[2];
    for (int i = 0; i < columns->count; i++)
        values[i] = load_at(map, &map->inputs[0], map->at.channel,
            access_position(&map->inputs[0], map->at.image, row, columns->places[i]));
    return columns->count == 1 ? values[0]
                               : emit_weighted(map->builder, columns, values[0], values[1]);
}

static int emit_sampled(Map *map) {
    SampledIndex rows = sampled_index(map->builder, &map->samples, 0, map->at.row);
    SampledIndex columns = sampled_index(map->builder, &map->samples, 1, map->at.column);
    load_sample_weights(map->builder, &rows, 1);
    load_sample_weights(map->builder, &columns, 1);
    int first = load_sampled_row(map, rows.places[0], &columns);
    if (rows.count == 1)
        return first;
    return emit_weighted(
        map->builder, &rows, first, load_sampled_row(map, rows.places[1], &columns));
}

static bool lower_sampled(GpuLowering *gpu, const Node *node) {
    Map map = {.gpu = gpu, .node = node};
    const Tensor *input = gpu_tensor(gpu, node->operands[0]);
    const Tensor *output = gpu_place(gpu, node->results[0]);
    const Expression *thread = begin_map(&map, output);
    map.inputs[0] = gpu_access(gpu, &map.call, PARAMETER_READ, "input", input);
    map.samples = make_sample_tables(&gpu->emission, &map.call, node);
    map.output = gpu_access(gpu, &map.call, PARAMETER_WRITE, "output", output);
    emit_map(&map, thread, emit_sampled);
    call_describe(&map.call, "%s, %" PRId64, op_info(node->op)->name, output->channels);
    end_map(&map, input, NULL, output);
    return true;
}

/* ---- element-wise ops ---- */

static int load_operand(const Map *map, int operand) {
    const Access *access = &map->inputs[operand];
    const Tensor *tensor = access->tensor, *output = map->output.tensor;
    const Expression *zero = expression_constant(map->builder->arena, 0);
    bool equal = tensor->images == output->images && tensor->height == output->height &&
                 tensor->width == output->width;
    return load_at(map, access, tensor->channels == 1 ? zero : map->at.channel,
        equal ? access_pixel(access, map->at.pixel)
              : access_position(
                    access, map->at.image, map->at.row, tensor->width > 1 ? map->at.column : zero));
}

static int emit_element(Map *map) {
    const Node *node = map->node;
    int operands[MOST_FORMULA_OPERANDS] = {load_operand(map, 0)};
    int value = kernel_register(map->builder, 1);
    for (int i = 1; i < node->operand_count; i++)
        operands[i] = load_operand(map, i);
    if (node->operand_count == 1) {
        kernel_unary(map->builder, INSTRUCTION_move, value, operands[0]);
        operands[0] = value;
    }
    emit_formula(map->builder, node_formula(node, map->builder->arena), operands, value);
    return value;
}

static bool lower_element(GpuLowering *gpu, const Node *node) {
    static const char *const names[] = {"left", "right"};
    Map map = {.gpu = gpu, .node = node};
    const Tensor *operands[MOST_FORMULA_OPERANDS] = {NULL};
    for (int i = 0; i < node->operand_count; i++)
        operands[i] = gpu_tensor(gpu, node->operands[i]);
    const Tensor *output = gpu_place(gpu, node->results[0]);
    const Expression *thread = begin_map(&map, output);
    for (int i = 0; i < node->operand_count; i++)
        map.inputs[i] = gpu_access(gpu, &map.call, PARAMETER_READ, names[i > 0], operands[i]);
    map.output = gpu_access(gpu, &map.call, PARAMETER_WRITE, "output", output);
    emit_map(&map, thread, emit_element);
    call_describe(&map.call, "%s, %" PRId64, op_info(node->op)->name, output->channels);
    for (int i = 2; i < node->operand_count; i++)
        gpu_call_count(&map.call, operands[i], NULL);
    end_map(&map, operands[0], operands[1], output);
    return true;
}

/* ---- copies ---- */

static int emit_copied(Map *map) {
    return load_operand(map, 0);
}

void gpu_copy(GpuLowering *gpu, const Node *node, const Tensor *from, const Tensor *to,
    const char *label, const char *reason) {
    Map map = {.gpu = gpu, .node = node};
    const Expression *thread = begin_map(&map, to);
    map.call.step.reason = reason;
    map.inputs[0] = gpu_access(gpu, &map.call, PARAMETER_READ, "input", from);
    map.output = gpu_access(gpu, &map.call, PARAMETER_WRITE, "output", to);
    emit_map(&map, thread, emit_copied);
    call_describe(&map.call, "%s, %" PRId64, label, to->channels);
    end_map(&map, from, NULL, to);
    StepCount *count = &gpu->emission.program->steps[gpu->emission.program->step_count - 1].count;
    count->layout_bytes = count->bytes_read + count->bytes_written;
    count->only_moves = true;
}

/* ---- local response norm ---- */

/* base^-beta, from beta's binary digits: the whole part by products, the digits behind the point by
 * repeated square roots. After 24 digits what is left changes no float. */
static int emit_negative_power(KernelBuilder *builder, int base, double beta) {
    InstructionKind combine = beta < 0 ? INSTRUCTION_multiply : INSTRUCTION_divide;
    double whole = floor(fabs(beta)), fraction = fabs(beta) - whole;
    int root = kernel_register(builder, 1), result = emit_splat(builder, 1, 1.0f);
    for (int i = 0; i < (int)whole; i++)
        kernel_binary(builder, combine, result, result, base);
    kernel_unary(builder, INSTRUCTION_move, root, base);
    for (int digit = 0; digit < 24 && fraction > 0; digit++) {
        kernel_unary(builder, INSTRUCTION_square_root, root, root);
        fraction *= 2;
        if (fraction < 1)
            continue;
        kernel_binary(builder, combine, result, result, root);
        fraction -= 1;
    }
    return result;
}

static int emit_normalised(Map *map) {
    KernelBuilder *builder = map->builder;
    Arena *arena = builder->arena;
    const Node *node = map->node;
    int64_t size = node_integer(node, "size"), before = (size - 1) / 2, after = size - 1 - before;
    const Access *input = &map->inputs[0];
    const Expression *position = access_pixel(input, map->at.pixel), *channel = map->at.channel;
    int sum = emit_splat(builder, 1, 0.0f);
    int64_t channels = map->output.tensor->channels;
    PartLoop loop = open_part_loop(builder, "neighbour",
        expression_maximum(
            arena, expression_offset(arena, channel, -before), expression_constant(arena, 0)),
        expression_minimum(arena, expression_offset(arena, channel, after + 1),
            expression_constant(arena, channels)),
        1, sum_part(size < channels ? size : channels, TERMS_PER_SUM), sum);
    int value = load_at(map, input, loop.index, position);
    kernel_multiply_add(builder, loop.part_sum, value, value, loop.part_sum);
    close_part_loop(builder, &loop);
    int factor = emit_splat(builder, 1, (float)(node_number(node, "alpha") / (double)size));
    int start = emit_splat(builder, 1, (float)node_number(node, "k"));
    kernel_multiply_add(builder, sum, sum, factor, start);
    int power = emit_negative_power(builder, sum, node_number(node, "beta"));
    value = load_at(map, input, channel, position);
    kernel_binary(builder, INSTRUCTION_multiply, value, value, power);
    return value;
}

static bool lower_local_response_norm(GpuLowering *gpu, const Node *node) {
    if (fabs(node_number(node, "beta")) > (double)LARGEST_BETA) {
        diagnostics_report(gpu->emission.diagnostics, SEVERITY_ERROR, node->where,
            "the interpreter (`riffle run --interpret`) takes any beta",
            "local_response_norm is compiled for a beta from %d to %d only", -LARGEST_BETA,
            LARGEST_BETA);
        return false;
    }
    Map map = {.gpu = gpu, .node = node};
    const Tensor *input = gpu_tensor(gpu, node->operands[0]);
    const Tensor *output = gpu_place(gpu, node->results[0]);
    const Expression *thread = begin_map(&map, output);
    map.inputs[0] = gpu_access(gpu, &map.call, PARAMETER_READ, "input", input);
    map.output = gpu_access(gpu, &map.call, PARAMETER_WRITE, "output", output);
    emit_map(&map, thread, emit_normalised);
    call_describe(&map.call, "local_response_norm, %" PRId64, output->channels);
    end_map(&map, input, NULL, output);
    return true;
}

bool gpu_lower_map(GpuLowering *gpu, const Node *node) {
    if (is_window_op(node))
        return lower_window(gpu, node);
    if (node->op == OP_resize || node->op == OP_take)
        return lower_sampled(gpu, node);
    return node->op == OP_local_response_norm ? lower_local_response_norm(gpu, node)
                                              : lower_element(gpu, node);
}
