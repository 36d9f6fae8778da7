/* Kernels under construction: their parameters and weights, and the step that calls them. */
#include "backends/program/call.h"
#include "backends/program/buffers.h"
#include "backends/program/compilation.h"
#include "backends/program/emission.h"
#include "backends/program/placement.h"
#include "backends/program/program.h"
#include "backends/program/scratch.h"
#include "backends/program/summary.h"
#include "ir/arena.h"
#include "ir/f16.h"
#include "ir/graph.h"
#include "ir/kernel.h"
#include "ir/resting.h"
#include "ir/text.h"
#include <assert.h>
#include <stdarg.h>
#include <string.h>

void call_begin(Emission *emission, KernelCall *call, const Node *node, int64_t extent) {
    memset(call, 0, sizeof *call);
    kernel_begin(&call->builder, emission->arena, extent);
    call->step.node = node;
    call->step.path = node ? node->path : "";
    call->step.op = node ? op_info(node->op)->name : "copy";
    call->step.label = "";
}

int call_parameter(
    KernelCall *call, ParameterRole role, const char *name, int buffer, int64_t offset) {
    return call_parameter_of(call, role, name, LANE_F32, buffer, offset);
}

int call_parameter_of(KernelCall *call, ParameterRole role, const char *name, LaneType element,
    int buffer, int64_t offset) {
    int parameter = kernel_parameter_of(&call->builder, role, name, element);
    call->step.arguments[parameter] = (Argument){buffer, offset};
    return parameter;
}

const int *call_placement(
    KernelCall *call, ParameterRole role, const char *name, const Placement *placement) {
    int *parameters = ARENA_ARRAY(call->builder.arena, int, placement->run_count);
    for (int i = 0; i < placement->run_count; i++) {
        const Run *run = &placement->runs[i];
        int first = 0;
        while (placement->runs[first].buffer != run->buffer)
            first++;
        if (first < i) {
            parameters[i] = parameters[first];
            continue;
        }
        const char *run_name = i == 0 ? name : arena_format(call->builder.arena, "%s_%d", name, i);
        parameters[i] = call_parameter_of(call, buffer_role(role, run->buffer), run_name,
            placement->element, run->buffer, run->offset);
    }
    return parameters;
}

static void add_weight_block(Program *program, int64_t begin) {
    ARENA_GROW(program->arena, program->weight_blocks, program->weight_block_count,
        program->weight_block_capacity, 64);
    program->weight_blocks[program->weight_block_count++] = begin;
}

/* So many zeros behind the weights there are; where they begin. */
static size_t reserve_weights(Emission *emission, int64_t bytes) {
    RestingBytes *weights = &emission->program->weights;
    size_t gap = (64 - weights->length % 64) % 64, offset = weights->length + gap;
    resting_append(weights, gap + (size_t)bytes);
    add_weight_block(emission->program, (int64_t)offset);
    return offset;
}

ByteRows call_byte_rows(KernelCall *call, const Emission *emission, int buffer, int64_t height) {
    assert(emission->program->buffers[buffer].kind == BUFFER_INPUT);
    return (ByteRows){.parameter = call_parameter(call, PARAMETER_TABLE, "row_bytes",
                          row_bytes_buffer(emission->program, buffer), 0),
        .packed = emission->program->buffers[buffer].row_bytes,
        .height = height};
}

const Expression *byte_rows_apart(KernelBuilder *builder, const ByteRows *rows) {
    Arena *arena = builder->arena;
    const Expression *given =
        expression_element(arena, rows->parameter, expression_constant(arena, 0));
    return kernel_let(builder, "apart",
        expression_maximum(arena, given, expression_constant(arena, rows->packed)));
}

const Expression *byte_row(
    KernelBuilder *builder, const ByteRows *rows, const Expression *image, const Expression *row) {
    Arena *arena = builder->arena;
    const Expression *apart = byte_rows_apart(builder, rows);
    return expression_product(
        arena, expression_add(arena, expression_multiply(arena, image, rows->height), row), apart);
}

ParameterRole buffer_role(ParameterRole role, int buffer) {
    return buffer == WEIGHTS_BUFFER && role == PARAMETER_READ ? PARAMETER_WEIGHTS : role;
}

float *emission_weights(Emission *emission, int64_t floats, int64_t *offset) {
    size_t begin = reserve_weights(emission, floats * (int64_t)sizeof(float));
    *offset = (int64_t)(begin / sizeof(float));
    return (float *)(void *)(emission->program->weights.data + begin);
}

float *call_weights(Emission *emission, KernelCall *call, int64_t floats, int *parameter) {
    size_t offset = reserve_weights(emission, floats * (int64_t)sizeof(float));
    *parameter = call_parameter(
        call, PARAMETER_WEIGHTS, "weights", WEIGHTS_BUFFER, (int64_t)(offset / sizeof(float)));
    return (float *)(void *)(emission->program->weights.data + offset);
}

uint8_t *call_weight_bytes(Emission *emission, KernelCall *call, int64_t bytes, int *parameter) {
    size_t offset = reserve_weights(emission, bytes);
    *parameter =
        call_parameter_of(call, PARAMETER_WEIGHTS, "weight_bytes", LANE_U8, 0, (int64_t)offset);
    return (uint8_t *)emission->program->weights.data + offset;
}

/* Numbers of that type. */
static void *call_weight_numbers(Emission *emission, KernelCall *call, const char *name,
    LaneType type, int64_t count, int *parameter) {
    size_t offset = reserve_weights(emission, count * lane_bytes(type));
    *parameter = call_parameter_of(
        call, PARAMETER_WEIGHTS, name, type, 0, (int64_t)offset / lane_bytes(type));
    return emission->program->weights.data + offset;
}

int16_t *call_weight_words(Emission *emission, KernelCall *call, int64_t count, int *parameter) {
    return call_weight_numbers(emission, call, "weight_words", LANE_S16, count, parameter);
}

uint16_t *call_weight_halves(
    Emission *emission, KernelCall *call, LaneType type, int64_t count, int *parameter) {
    const char *name = type == LANE_BF16 ? "weight_pairs" : "weight_halves";
    return call_weight_numbers(emission, call, name, type, count, parameter);
}

void call_weights_f16(
    Emission *emission, KernelCall *call, const float *numbers, int64_t count, int *parameter) {
    uint16_t *halves = call_weight_halves(emission, call, LANE_F16, count, parameter);
    for (int64_t i = 0; i < count; i++)
        halves[i] = f16_from_float(numbers[i]);
}

static Step *add_step(Emission *emission) {
    Program *program = emission->program;
    if (program->step_count == program->step_capacity) {
        ARENA_GROW(
            emission->arena, program->steps, program->step_count, program->step_capacity, 64);
        program->kernels =
            arena_grow(emission->arena, program->kernels, (size_t)program->kernel_count,
                (size_t)program->step_capacity, sizeof *program->kernels);
    }
    return &program->steps[program->step_count++];
}

/* Whether the kernel prints as `text`. Counts that differ spare the printing. */
static bool prints_as(const Kernel *kernel, const Kernel *like, const Text *like_text) {
    if (kernel->parameter_count != like->parameter_count ||
        kernel->register_count != like->register_count ||
        kernel->variable_count != like->variable_count || kernel->extent != like->extent)
        return false;
    Text text = {0};
    Kernel unnamed = *kernel;
    unnamed.name = "";
    kernel_print(&unnamed, &text);
    bool equal = text_equal(&text, like_text);
    text_free(&text);
    return equal;
}

/* The index of the kernel that equals this unnamed one, which is added when there is none. */
static int share_kernel(Program *program, Kernel *kernel) {
    Text text = {0};
    int index = 0;
    kernel_print(kernel, &text);
    while (index < program->kernel_count && !prints_as(program->kernels[index], kernel, &text))
        index++;
    text_free(&text);
    if (index == program->kernel_count) {
        kernel->name = arena_format(program->arena, "kernel_%d", index);
        program->kernels[program->kernel_count++] = kernel;
    }
    return index;
}

static void mark_alive(Emission *emission, const Step *step, int parameter_count, int index) {
    for (int i = 0; i < parameter_count; i++) {
        Buffer *buffer = &emission->program->buffers[step->arguments[i].buffer];
        if (buffer->kind != BUFFER_WORKSPACE)
            continue;
        if (buffer->first_step < 0)
            buffer->first_step = index;
        buffer->last_step = index;
    }
}

void call_describe(KernelCall *call, const char *format, ...) {
    char label[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(label, sizeof label, format, arguments);
    va_end(arguments);
    const char *before = call->step.label;
    call->step.op_count++;
    call->step.label =
        arena_format(call->builder.arena, "%s%s%s", before, before[0] ? " + " : "", label);
}

void call_end(Emission *emission, KernelCall *call) {
    Program *program = emission->program;
    Kernel *kernel = call->builder.kernel;
    assert(call->builder.depth == 0);
    kernel->name = "";
    assert(kernel_fault(kernel) == NULL);
    choose_scratch(kernel, most_stack_bytes(emission->compilation));
    Step *step = add_step(emission);
    *step = call->step;
    step->scratch = add_scratch(emission, kernel, step->path, program->step_count - 1);
    mark_alive(emission, step, kernel->parameter_count, program->step_count - 1);
    step->kernel = share_kernel(program, kernel);
}
