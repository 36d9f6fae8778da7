/* What the lowerings of several ops share: vectors, tiles, windows, activations. */
#include "backends/program/lowering.h"
#include <assert.h>
#include <stdarg.h>

int vector_width(const Target *target, int64_t count) {
    int narrowest = target->lanes < 4 ? target->lanes : 4;
    int width = target->lanes;
    while (width > narrowest && width / 2 >= count)
        width /= 2;
    return width;
}

int vector_widths(const Target *target, int64_t count, int *widths, int capacity) {
    int used = 0;
    while (count > 0) {
        assert(used < capacity);
        widths[used] = vector_width(target, count);
        count -= widths[used++];
    }
    (void)capacity;
    return used;
}

int tile_spans(Arena *arena, ColumnRange columns, int64_t width_in, const Window *window,
    int pixels, TileSpan **result) {
    int count = 0;
    int64_t width = columns.end - columns.begin;
    TileSpan *spans = *result = ARENA_ARRAY(arena, TileSpan, (width + pixels - 1) / pixels);
    for (int64_t first = columns.begin; first < columns.end; first += pixels) {
        int64_t left = columns.end - first;
        int here = left < pixels ? (int)left : pixels;
        int64_t leftmost = first * window->stride[1] - window->padding[1];
        int64_t rightmost = (first + here - 1) * window->stride[1] - window->padding[1] +
                            (window->kernel[1] - 1) * window->dilation[1];
        bool interior = leftmost >= 0 && rightmost < width_in;
        TileSpan *previous = count > 0 ? &spans[count - 1] : NULL;
        if (previous && interior && previous->interior && previous->pixels == here) {
            previous->repeat++;
            continue;
        }
        spans[count++] = (TileSpan){first, 1, here, interior};
    }
    return count;
}

Window node_window(const Node *node) {
    Window window = {{1, 1}, {1, 1}, {1, 1}, {0, 0, 0, 0}};
    if (node->op == OP_linear || node->op == OP_quantized_linear)
        return window;
    for (int i = 0; i < 4; i++)
        window.padding[i] = node_list(node, "padding").items[i];
    if (node->op == OP_pad)
        return window;
    bool multiplies = op_multiplies(node->op);
    const int64_t *kernel =
        multiplies ? node_weight(node, "weight")->type.dims + 2 : node_list(node, "kernel").items;
    for (int i = 0; i < 2; i++) {
        window.kernel[i] = kernel[i];
        window.stride[i] = node_list(node, "stride").items[i];
        if (multiplies)
            window.dilation[i] = node_list(node, "dilation").items[i];
    }
    return window;
}

/* ceil(max(numerator, 0) / divisor) */
static const Expression *ceiling_divide(
    Arena *arena, const Expression *numerator, int64_t divisor) {
    const Expression *zero = expression_constant(arena, 0);
    const Expression *positive = expression_maximum(arena, numerator, zero);
    return expression_divide(arena, expression_offset(arena, positive, divisor - 1), divisor);
}

void window_rows(Arena *arena, const Window *window, int64_t height_in, int64_t height_out,
    const Expression *y, const Expression **begin, const Expression **end) {
    int64_t kernel = window->kernel[0], stride = window->stride[0], top = window->padding[0];
    int64_t dilation = window->dilation[0];
    *begin = expression_constant(arena, 0);
    *end = expression_constant(arena, kernel);
    if (top > 0) /* input row y*stride - top + ky*dilation >= 0 */
        *begin = ceiling_divide(
            arena, expression_offset(arena, expression_multiply(arena, y, -stride), top), dilation);
    if ((height_out - 1) * stride - top + (kernel - 1) * dilation >= height_in)
        *end = expression_minimum(arena, *end,
            ceiling_divide(arena,
                expression_offset(arena, expression_multiply(arena, y, -stride), height_in + top),
                dilation));
}

const Expression *expression_sum(Arena *arena, ...) {
    va_list arguments;
    va_start(arguments, arena);
    const Expression *sum = expression_constant(arena, 0);
    for (;;) {
        const Expression *next = va_arg(arguments, const Expression *);
        if (!next)
            break;
        sum = expression_add(arena, sum, next);
    }
    va_end(arguments);
    return sum;
}

Segment *channel_segments(
    Arena *arena, const Placement *const *placements, int count, int *segment_count) {
    int most = 0;
    for (int i = 0; i < count; i++)
        most += placements[i]->run_count;
    Segment *segments = ARENA_ARRAY(arena, Segment, most);
    *segment_count = 0;
    int runs[4] = {0};
    assert(count <= 4);
    for (int64_t channel = 0; channel < placements[0]->channels;) {
        int64_t end = placements[0]->channels;
        for (int i = 0; i < count; i++) {
            const Run *run = &placements[i]->runs[runs[i]];
            while (channel >= run->first_channel + run->channel_count)
                run = &placements[i]->runs[++runs[i]];
            int64_t run_end = run->first_channel + run->channel_count;
            end = run_end < end ? run_end : end;
        }
        assert(*segment_count < most);
        Segment *segment = &segments[(*segment_count)++];
        segment->first_channel = channel;
        segment->channel_count = end - channel;
        for (int i = 0; i < count; i++)
            segment->runs[i] = runs[i];
        channel = end;
    }
    return segments;
}

static int emit_constant(KernelBuilder *builder, int lanes, float constant) {
    int reg = kernel_register(builder, lanes);
    kernel_splat(builder, reg, constant);
    return reg;
}

/* The range reduction and polynomial of Cephes' expf: x = n ln 2 + r, |r| <= ln 2 / 2. Clamped so
 * that n goes from -127, whose power is 0, to 128, whose power is infinity: below -87.7 the result
 * is 0, above 88.4 it is infinity. */
void emit_exponential(KernelBuilder *builder, int destination, int source) {
    static const float coefficients[] = {1.9875691500e-4f, 1.3981999507e-3f, 8.3334519073e-3f,
        4.1665795894e-2f, 1.6666665459e-1f, 5.0000001201e-1f};
    int lanes = builder->kernel->register_lanes[source];
    int x = kernel_register(builder, lanes), n = kernel_register(builder, lanes);
    int square = kernel_register(builder, lanes), sum = kernel_register(builder, lanes);
    int one = emit_constant(builder, lanes, 1.0f);
    int least = emit_constant(builder, lanes, -88.3f);
    kernel_binary(builder, INSTRUCTION_maximum, x, least, source);
    kernel_binary(builder, INSTRUCTION_minimum, x, emit_constant(builder, lanes, 88.6f), x);
    /* NaN stays in x, and so in the result; no integer is made of it. */
    kernel_binary(builder, INSTRUCTION_maximum, n, x, least);
    kernel_multiply_add(builder, n, n, emit_constant(builder, lanes, 1.44269504088896341f),
        emit_constant(builder, lanes, 0.5f));
    kernel_unary(builder, INSTRUCTION_floor, n, n);
    kernel_multiply_add(builder, x, n, emit_constant(builder, lanes, -0.693359375f), x);
    kernel_multiply_add(builder, x, n, emit_constant(builder, lanes, 2.12194440e-4f), x);
    kernel_binary(builder, INSTRUCTION_multiply, square, x, x);
    kernel_splat(builder, sum, coefficients[0]);
    for (int i = 1; i < 6; i++)
        kernel_multiply_add(builder, sum, sum, x, emit_constant(builder, lanes, coefficients[i]));
    kernel_multiply_add(builder, sum, sum, square, x);
    kernel_binary(builder, INSTRUCTION_add, sum, sum, one);
    kernel_unary(builder, INSTRUCTION_power_of_two, n, n);
    kernel_binary(builder, INSTRUCTION_multiply, destination, sum, n);
}

/* What is clamped comes second, so that NaN stays NaN. */
static void emit_clamp(KernelBuilder *builder, int reg, float least, float most) {
    int lanes = builder->kernel->register_lanes[reg];
    kernel_binary(builder, INSTRUCTION_maximum, reg, emit_constant(builder, lanes, least), reg);
    kernel_binary(builder, INSTRUCTION_minimum, reg, emit_constant(builder, lanes, most), reg);
}

void emit_activation(KernelBuilder *builder, Activation activation, int reg) {
    int lanes = builder->kernel->register_lanes[reg];
    int temporary;
    switch (activation) {
    case ACTIVATION_NONE:
        return;
    case ACTIVATION_RELU:
        kernel_binary(builder, INSTRUCTION_maximum, reg, emit_constant(builder, lanes, 0.0f), reg);
        return;
    case ACTIVATION_RELU6:
        emit_clamp(builder, reg, 0.0f, 6.0f);
        return;
    case ACTIVATION_SIGMOID:
        temporary = kernel_register(builder, lanes);
        kernel_binary(
            builder, INSTRUCTION_subtract, temporary, emit_constant(builder, lanes, 0.0f), reg);
        emit_exponential(builder, temporary, temporary);
        kernel_binary(
            builder, INSTRUCTION_add, temporary, temporary, emit_constant(builder, lanes, 1.0f));
        kernel_binary(
            builder, INSTRUCTION_divide, reg, emit_constant(builder, lanes, 1.0f), temporary);
        return;
    case ACTIVATION_HARD_SIGMOID:
    case ACTIVATION_HARD_SWISH:
        temporary = kernel_register(builder, lanes);
        kernel_binary(
            builder, INSTRUCTION_add, temporary, reg, emit_constant(builder, lanes, 3.0f));
        emit_clamp(builder, temporary, 0.0f, 6.0f);
        kernel_binary(builder, INSTRUCTION_multiply, temporary, temporary,
            emit_constant(builder, lanes, 1.0f / 6.0f));
        if (activation == ACTIVATION_HARD_SWISH)
            kernel_binary(builder, INSTRUCTION_multiply, reg, reg, temporary);
        else
            kernel_unary(builder, INSTRUCTION_move, reg, temporary);
        return;
    case ACTIVATION_COUNT:
        break;
    }
    assert(false && "unknown activation");
}

RunPart run_part(const Run *run, int64_t begin, int64_t end) {
    int64_t first = run->first_channel > begin ? run->first_channel : begin;
    int64_t last = run->first_channel + run->channel_count;
    last = last < end ? last : end;
    return (RunPart){first, first < last ? last - first : 0};
}

const Expression *row_offset(Arena *arena, const Run *run, const Expression *row) {
    if (run->ring_rows > 0)
        row = expression_remainder(arena, row, run->ring_rows);
    return expression_multiply(arena, row, run->row_stride);
}

const Expression *window_row_offset(Arena *arena, const Window *window, const Run *run,
    const Expression *row, const Expression *kernel_row) {
    const Expression *first = expression_multiply(arena, row, window->stride[0]);
    const Expression *tap = expression_multiply(arena, kernel_row, window->dilation[0]);
    if (run->ring_rows > 0)
        return row_offset(arena, run,
            expression_offset(arena, expression_add(arena, first, tap), -window->padding[0]));
    /* The padding as a constant of its own ends up in the displacement of the address. */
    return expression_sum(arena, expression_multiply(arena, first, run->row_stride),
        expression_multiply(arena, tap, run->row_stride),
        expression_constant(arena, -window->padding[0] * run->row_stride), NULL);
}

void emit_vector_load(KernelBuilder *builder, int destination, int parameter,
    const Expression *offset, int64_t channels_left, bool exact) {
    int lanes = builder->kernel->register_lanes[destination];
    int count = exact && channels_left < lanes ? (int)channels_left : lanes;
    kernel_load(builder, destination, parameter, offset, 0, count);
}
