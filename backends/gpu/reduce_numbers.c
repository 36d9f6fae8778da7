/* reduce and arg_max: each thread makes one number of the result, of all that become it. */
#include "backends/gpu/gpu.h"
#include "backends/program/call.h"
#include "backends/program/math.h"
#include "backends/program/reduction_code.h"
#include "backends/schedule/sum_parts.h"
#include "ir/arena.h"
#include "ir/reduction.h"
#include <inttypes.h>
#include <math.h>

typedef struct Numbers {
    const Node *node;
    KernelBuilder *builder;
    Access input, output;
    const Expression *at[4]; /* of the result */
} Numbers;

static int load(const Numbers *numbers, const Expression *const at[4]) {
    int reg = kernel_register(numbers->builder, 1);
    kernel_load(numbers->builder, reg, numbers->input.parameter,
        expression_add(numbers->builder->arena, access_plane(&numbers->input, at[1]),
            access_position(&numbers->input, at[0], at[2], at[3])),
        0, 1);
    return reg;
}

static void emit_number_of(const ReduceCode *code, const int *registers) {
    int value = load(code->context, code->at);
    emit_reduction_term(code->builder, code->reduction, value);
    kernel_binary(
        code->builder, reduction_combine(code->reduction), registers[0], registers[0], value);
}

static int emit_reduced(const Numbers *numbers) {
    ReduceCode code = {.builder = numbers->builder,
        .reduction = node_reduction(numbers->node),
        .register_count = 1,
        .emit = emit_number_of,
        .context = numbers};
    for (int i = 0; i < 4; i++)
        code.at[i] = numbers->at[i];
    code.loop_count = plan_reduce_loops(numbers->node, true, 1, code.loops);
    int result = emit_splat(code.builder, 1, reduction_start(code.reduction));
    emit_reduce_loops(&code, &result);
    emit_reduction_finish(code.builder, code.reduction, result, node_reduced_count(numbers->node));
    return result;
}

static int emit_index(const Numbers *numbers) {
    KernelBuilder *builder = numbers->builder;
    const Node *node = numbers->node;
    int64_t axis = node_integer(node, "axis");
    const Expression *at[4] = {numbers->at[0], numbers->at[1], numbers->at[2], numbers->at[3]};
    int best = emit_splat(builder, 1, -INFINITY), index = emit_splat(builder, 1, 0);
    int position = emit_splat(builder, 1, 0), one = emit_splat(builder, 1, 1.0f);
    int wins = kernel_register(builder, 1), step = kernel_register(builder, 1);
    at[axis] = kernel_open_range(builder, "index", 0, node->operands[0]->type.dims[axis], 1);
    int value = load(numbers, at);
    if (node_flag(node, "least"))
        kernel_binary(builder, INSTRUCTION_multiply, value, value, emit_splat(builder, 1, -1.0f));
    if (node_flag(node, "last")) {
        kernel_binary(builder, INSTRUCTION_is_less, wins, value, best);
        kernel_binary(builder, INSTRUCTION_subtract, wins, one, wins);
    } else {
        kernel_binary(builder, INSTRUCTION_is_less, wins, best, value);
    }
    kernel_binary(builder, INSTRUCTION_subtract, step, position, index);
    kernel_multiply_add(builder, index, wins, step, index);
    kernel_binary(builder, INSTRUCTION_maximum_or_nan, best, best, value);
    kernel_binary(builder, INSTRUCTION_add, position, position, one);
    kernel_close(builder);
    kernel_binary(builder, INSTRUCTION_minimum, best, emit_splat(builder, 1, 0), best);
    kernel_binary(builder, INSTRUCTION_maximum_or_nan, index, index, best);
    return index;
}

static void find_place(Numbers *numbers, const Expression *index) {
    KernelBuilder *builder = numbers->builder;
    Arena *arena = builder->arena;
    const Tensor *tensor = numbers->output.tensor;
    const int64_t sizes[4] = {tensor->images, tensor->channels, tensor->height, tensor->width};
    static const char *const names[] = {"image", "channel", "y", "x"};
    for (int i = 3; i >= 0; i--) {
        numbers->at[i] = expression_constant(arena, 0);
        if (sizes[i] == 1)
            continue;
        numbers->at[i] =
            kernel_let(builder, names[i], expression_remainder(arena, index, sizes[i]));
        index = expression_divide(arena, index, sizes[i]);
    }
}

bool gpu_lower_numbers(GpuLowering *gpu, const Node *node) {
    KernelCall call;
    Arena *arena = gpu->emission.arena;
    const Tensor *input = gpu_make_floats(gpu, node, node->operands[0]);
    const Tensor *output = gpu_place(gpu, node->results[0]);
    const Expression *thread;
    int64_t total = output->channels * tensor_pixels(output);
    gpu_call_begin(gpu, &call, node, (total + BLOCK_THREADS - 1) / BLOCK_THREADS, &thread);
    Numbers numbers = {.node = node, .builder = &call.builder};
    numbers.input = gpu_access(gpu, &call, PARAMETER_READ, "input", input);
    numbers.output = gpu_access(gpu, &call, PARAMETER_WRITE, "output", output);
    const Expression *index = kernel_let(numbers.builder, "index",
        expression_add(arena,
            expression_multiply(
                arena, kernel_variable(numbers.builder, VARIABLE_BEGIN), BLOCK_THREADS),
            thread));
    kernel_open_if_less(numbers.builder, index, expression_constant(arena, total));
    find_place(&numbers, index);
    int result = node->op == OP_reduce ? emit_reduced(&numbers) : emit_index(&numbers);
    kernel_store(numbers.builder, result, numbers.output.parameter,
        expression_add(arena, access_plane(&numbers.output, numbers.at[1]),
            access_position(&numbers.output, numbers.at[0], numbers.at[2], numbers.at[3])),
        0, 1);
    kernel_close(numbers.builder);
    call_describe(&call, "%s of %" PRId64 ", %" PRId64, op_info(node->op)->name,
        node_reduced_count(node), input->channels);
    gpu_call_count(&call, input, output);
    gpu_call_end(gpu, &call);
    return true;
}
