/* The sums of one thread of a convolution: channels x pixels registers.
 *
 * Where a thread adds so many products that a float32 would lose their last bits, each part of them
 * begins with zeros and is then added to the totals: registers of which compilers may keep some in
 * memory, since they are not needed in the innermost loops. */
#include "backends/gpu/convolution.h"
#include "backends/gpu/gpu.h"
#include "backends/program/math.h"
#include "backends/program/part_sum.h"
#include "backends/schedule/shape.h"
#include "backends/schedule/sum_parts.h"
#include "ir/arena.h"
#include "ir/kernel.h"

enum { MOST_PIXELS = 4, MOST_CHANNELS = 8 };

/* One of the thread's pixels, where its window is in the input. */
typedef struct PixelWindow {
    const Expression *base;         /* offset of the window's first place in a plane */
    const Expression *row, *column; /* of that place; may lie in the padding */
} PixelWindow;

/* How much of a thread's products is a part: so many of its input channels, or rows of the window
 * for one channel, or columns of a row. All are 0 where there are no parts. */
typedef struct ThreadParts {
    int64_t inputs, rows, columns;
} ThreadParts;

typedef struct Sums {
    GpuConvolution *conv;
    KernelBuilder *builder;
    Arena *arena;
    ThreadParts parts;
    int *sums, *totals;            /* of a part; of all. The same without parts */
    const Expression *weights;     /* offset of the thread's own */
    const Expression *first_input; /* channel */
    const Expression *pixel;       /* the thread's first, in all images */
    PixelWindow windows[MOST_PIXELS];
} Sums;

/* ---- parts ---- */

static ThreadParts thread_parts(const GpuConvolution *conv) {
    int64_t inputs = (conv->group_inputs - 1) / conv->shape.slices + 1;
    int64_t part = sum_part(inputs * conv->taps, LONGEST_SUM);
    int64_t columns = conv->window.kernel[1];
    if (part == 0)
        return (ThreadParts){0};
    if (part >= conv->taps)
        return (ThreadParts){.inputs = part / conv->taps};
    if (part >= columns)
        return (ThreadParts){.rows = part / columns};
    return (ThreadParts){.columns = part};
}

static bool has_parts(const ThreadParts *parts) {
    return parts->inputs + parts->rows + parts->columns > 0;
}

static int *start_registers(const Sums *sums) {
    int count = sums->conv->shape.channels * sums->conv->shape.pixels;
    int *registers = ARENA_ARRAY(sums->arena, int, count);
    for (int i = 0; i < count; i++)
        registers[i] = emit_splat(sums->builder, 1, 0.0f);
    return registers;
}

/* A loop whose steps add products; `part` steps are a part, 0: the loop ends none. */
static const Expression *open_products(const Sums *sums, const char *name, const Expression *begin,
    int64_t end, int64_t step, int64_t part) {
    const Expression *last = expression_constant(sums->arena, end);
    if (part == 0)
        return kernel_open_for(sums->builder, name, begin, last, step);
    const Expression *first = kernel_open_for(sums->builder, "part", begin, last, part * step);
    return open_part(sums->builder, name, first, part * step, last, step);
}

static void close_products(const Sums *sums, int64_t part) {
    KernelBuilder *builder = sums->builder;
    kernel_close(builder);
    if (part == 0)
        return;
    for (int i = 0; i < sums->conv->shape.channels * sums->conv->shape.pixels; i++) {
        kernel_binary(builder, INSTRUCTION_add, sums->totals[i], sums->totals[i], sums->sums[i]);
        kernel_splat(builder, sums->sums[i], 0.0f);
    }
    kernel_close(builder);
}

/* ---- products ---- */

static int weight_lanes(const Sums *sums) {
    return sums->conv->shape.channels % 4 == 0 ? 4 : 1;
}

/* Registers for the weights of the thread's channels, a register for 4 or 1 of them; zeros where
 * they may not be loaded. */
static void start_weights(const Sums *sums, int *registers, bool may_miss) {
    int lanes = weight_lanes(sums);
    for (int i = 0; i < sums->conv->shape.channels / lanes; i++) {
        registers[i] = kernel_register(sums->builder, lanes);
        if (may_miss)
            kernel_splat(sums->builder, registers[i], 0.0f);
    }
}

static void load_weights(const Sums *sums, const Expression *sum_index, const int *registers) {
    const GpuConvolution *conv = sums->conv;
    int channels = conv->shape.channels, lanes = weight_lanes(sums);
    const Expression *offset = expression_add(
        sums->arena, sums->weights, expression_multiply(sums->arena, sum_index, channels));
    for (int i = 0; i < channels / lanes; i++)
        kernel_load(sums->builder, registers[i], conv->weights,
            expression_offset(sums->arena, offset, i * lanes), 0, lanes);
}

static void emit_products(const Sums *sums, const int *inputs, const int *weights) {
    const GpuConvolutionShape *shape = &sums->conv->shape;
    int lanes = weight_lanes(sums);
    for (int channel = 0; channel < shape->channels; channel++) {
        int weight = emit_lane(sums->builder, weights[channel / lanes], channel % lanes);
        for (int pixel = 0; pixel < shape->pixels; pixel++) {
            int sum = sums->sums[channel * shape->pixels + pixel];
            kernel_multiply_add(sums->builder, sum, inputs[pixel], weight, sum);
        }
    }
}

/* ---- the thread's input channels ---- */

/* What is done for one of them; where it `may_miss`, it may lie behind the last. */
typedef void EmitInput(Sums *sums, const Expression *input, bool may_miss);

/* Of the 128 registers of a thread: for loads of steps that are made together; and for the sums and
 * the loads of all steps. */
enum { REGISTERS_AHEAD = 48, MOST_STEPS_AHEAD = 8, MOST_REGISTERS_OF_SUMS = 104 };

/* How many channels are loaded together: as many as registers have room for. A window's taps are
 * enough. */
static int64_t steps_ahead(const GpuConvolution *conv) {
    int64_t steps = REGISTERS_AHEAD / (conv->shape.channels + conv->shape.pixels);
    if (conv->taps > 1 || steps < 1)
        return 1;
    return steps < MOST_STEPS_AHEAD ? steps : MOST_STEPS_AHEAD;
}

/* `count` steps of which the first is number `first`; they take all threads alike, so that the
 * loads of all are under way together. */
static void emit_steps(
    Sums *sums, EmitInput *emit, const Expression *first, int64_t count, bool may_miss) {
    const GpuConvolution *conv = sums->conv;
    Arena *arena = sums->arena;
    const Expression *step = kernel_open_range(sums->builder, "step", 0, count, 1);
    emit(sums,
        kernel_let(sums->builder, "input_channel",
            expression_add(arena, conv->slice,
                expression_multiply(
                    arena, expression_add(arena, first, step), conv->shape.slices))),
        may_miss);
    kernel_close(sums->builder);
}

static int64_t thread_steps(const GpuConvolution *conv) {
    return (conv->group_inputs + conv->shape.slices - 1) / conv->shape.slices;
}

bool sums_leave_registers(const GpuConvolution *conv) {
    return thread_steps(conv) <= 2 * steps_ahead(conv);
}

/* Whether all groups of steps are in one loop. Otherwise the last, which alone may leave the
 * channels, is behind it, and compilers have its loads under way with those of a loop that turns
 * once: where there are registers for both. */
static bool is_one_loop(const GpuConvolution *conv) {
    int64_t channels = conv->shape.channels, pixels = conv->shape.pixels;
    int64_t steps = thread_steps(conv), ahead = steps_ahead(conv);
    if (ahead == 1)
        return conv->group_inputs % conv->shape.slices == 0;
    return steps > ahead && steps <= 2 * ahead &&
           channels * pixels + steps * (channels + pixels) > MOST_REGISTERS_OF_SUMS;
}

static void emit_groups(Sums *sums, EmitInput *emit, int64_t groups, bool may_miss) {
    int64_t ahead = steps_ahead(sums->conv);
    const Expression *group = kernel_open_range(sums->builder, "group", 0, groups, 1);
    emit_steps(sums, emit, expression_multiply(sums->arena, group, ahead), ahead, may_miss);
    kernel_close(sums->builder);
}

static void emit_inputs(Sums *sums, EmitInput *emit) {
    const GpuConvolution *conv = sums->conv;
    int64_t slices = conv->shape.slices, steps = thread_steps(conv);
    int64_t ahead = steps_ahead(conv), groups = (steps - 1) / ahead;
    if (sums->parts.inputs > 0) {
        emit(sums,
            open_products(
                sums, "input_channel", conv->slice, conv->group_inputs, slices, sums->parts.inputs),
            false);
        close_products(sums, sums->parts.inputs);
        return;
    }
    if (is_one_loop(conv)) {
        emit_groups(sums, emit, groups + 1, conv->group_inputs < (groups + 1) * ahead * slices);
        return;
    }
    if (groups > 0)
        emit_groups(sums, emit, groups, false);
    emit_steps(sums, emit, expression_constant(sums->arena, groups * ahead), steps - groups * ahead,
        conv->group_inputs % slices != 0);
}

/* Opens a condition for loads of that channel, whose registers are 0 before. */
static void open_input(const Sums *sums, const Expression *input, bool may_miss) {
    if (may_miss)
        kernel_open_if_less(
            sums->builder, input, expression_constant(sums->arena, sums->conv->group_inputs));
}

/* ---- a 1x1 convolution: consecutive numbers of each plane ---- */

static void emit_pointwise_input(Sums *sums, const Expression *index, bool may_miss) {
    const GpuConvolution *conv = sums->conv;
    int pixels = conv->shape.pixels, inputs[MOST_PIXELS], weights[MOST_CHANNELS];
    const Expression *plane =
        access_plane(&conv->input, expression_add(sums->arena, sums->first_input, index));
    int reg = kernel_register(sums->builder, pixels);
    if (may_miss)
        kernel_splat(sums->builder, reg, 0.0f);
    start_weights(sums, weights, may_miss);
    open_input(sums, index, may_miss);
    kernel_load(sums->builder, reg, conv->input.parameter,
        expression_add(sums->arena, plane, sums->pixel), 0, pixels);
    load_weights(sums, index, weights);
    if (may_miss)
        kernel_close(sums->builder);
    for (int pixel = 0; pixel < pixels; pixel++)
        inputs[pixel] = emit_lane(sums->builder, reg, pixel);
    emit_products(sums, inputs, weights);
}

/* ---- any convolution: number by number ---- */

static const Expression *place_in_window(
    Arena *arena, const Window *window, int axis, const Expression *at) {
    return expression_offset(
        arena, expression_multiply(arena, at, window->stride[axis]), -window->padding[axis]);
}

static void find_window(Sums *sums, int pixel) {
    const GpuConvolution *conv = sums->conv;
    KernelBuilder *builder = sums->builder;
    Arena *arena = sums->arena;
    const Tensor *in = conv->input.tensor;
    const Expression *image, *row, *column;
    if (conv->shape.rows > 0) {
        const Expression *index = expression_offset(
            arena, expression_multiply(arena, conv->quad, conv->shape.pixels), pixel);
        image = conv->image;
        row = expression_minimum(arena,
            expression_add(arena, conv->first_row, expression_divide(arena, index, conv->width)),
            expression_constant(arena, conv->height - 1));
        column = expression_remainder(arena, index, conv->width);
    } else {
        int64_t size = conv->height * conv->width, all = conv->images * size;
        const Expression *index = expression_offset(arena, sums->pixel, pixel);
        if (pixel > 0 && all % conv->shape.pixels != 0)
            index = expression_minimum(arena, index, expression_constant(arena, all - 1));
        index = kernel_let(builder, "index", index);
        image = conv->images > 1 ? expression_divide(arena, index, size)
                                 : expression_constant(arena, 0);
        const Expression *rest =
            conv->images > 1 ? expression_remainder(arena, index, size) : index;
        row = expression_divide(arena, rest, conv->width);
        column = expression_remainder(arena, rest, conv->width);
    }
    PixelWindow *window = &sums->windows[pixel];
    window->row = kernel_let(builder, "row", place_in_window(arena, &conv->window, 0, row));
    window->column =
        kernel_let(builder, "column", place_in_window(arena, &conv->window, 1, column));
    window->base = kernel_let(builder, "base",
        expression_add(arena, access_row(&conv->input, image, window->row),
            expression_multiply(arena, window->column, in->pixel_stride)));
}

static int open_bounds(const Sums *sums, int axis, const Expression *at) {
    const GpuConvolution *conv = sums->conv;
    const Window *w = &conv->window;
    const Tensor *in = conv->input.tensor;
    int64_t size = axis == 0 ? in->height : in->width;
    int64_t out = axis == 0 ? conv->height : conv->width;
    int64_t last =
        (out - 1) * w->stride[axis] - w->padding[axis] + (w->kernel[axis] - 1) * w->dilation[axis];
    bool below = w->padding[axis] > 0, above = last >= size;
    if (below)
        kernel_open_if_less(sums->builder, expression_constant(sums->arena, -1), at);
    if (above)
        kernel_open_if_less(sums->builder, at, expression_constant(sums->arena, size));
    return below + above;
}

typedef struct PlanePlace {
    const Expression *offset;
    AccessScale scale;
} PlanePlace;

/* Loads the number at a tap of the window, but in the padding. */
static void load_tap(const Sums *sums, int reg, const PixelWindow *window, const PlanePlace *plane,
    const Expression *row_tap, const Expression *column_tap) {
    const GpuConvolution *conv = sums->conv;
    Arena *arena = sums->arena;
    const Tensor *in = conv->input.tensor;
    const Expression *down = expression_multiply(arena, row_tap, conv->window.dilation[0]);
    const Expression *right = expression_multiply(arena, column_tap, conv->window.dilation[1]);
    int open = open_bounds(sums, 0, expression_add(arena, window->row, down));
    open += open_bounds(sums, 1, expression_add(arena, window->column, right));
    access_load(sums->builder, &conv->input, &plane->scale, reg,
        expression_sum(arena, plane->offset, window->base, access_rows(&conv->input, down),
            expression_multiply(arena, right, in->pixel_stride), NULL));
    while (open-- > 0)
        kernel_close(sums->builder);
}

static void emit_any_input(Sums *sums, const Expression *index, bool may_miss) {
    const GpuConvolution *conv = sums->conv;
    KernelBuilder *builder = sums->builder;
    Arena *arena = sums->arena;
    int inputs[MOST_PIXELS], weights[MOST_CHANNELS];
    const Expression *channel = expression_add(arena, sums->first_input, index);
    if (may_miss)
        channel =
            expression_minimum(arena, channel, expression_constant(arena, conv->in->channels - 1));
    PlanePlace plane = {kernel_let(builder, "plane", access_plane(&conv->input, channel)),
        access_scale(builder, &conv->input, channel)};
    const Expression *zero = expression_constant(arena, 0);
    const Expression *row =
        open_products(sums, "kernel_row", zero, conv->window.kernel[0], 1, sums->parts.rows);
    const Expression *column =
        open_products(sums, "kernel_column", zero, conv->window.kernel[1], 1, sums->parts.columns);
    for (int pixel = 0; pixel < conv->shape.pixels; pixel++) {
        inputs[pixel] = emit_splat(builder, 1, 0.0f);
        open_input(sums, index, may_miss);
        load_tap(sums, inputs[pixel], &sums->windows[pixel], &plane, row, column);
        if (may_miss)
            kernel_close(builder);
    }
    start_weights(sums, weights, may_miss);
    open_input(sums, index, may_miss);
    load_weights(sums,
        expression_sum(arena, expression_multiply(arena, index, conv->taps),
            expression_multiply(arena, row, conv->window.kernel[1]), column, NULL),
        weights);
    if (may_miss)
        kernel_close(builder);
    emit_products(sums, inputs, weights);
    close_products(sums, sums->parts.columns);
    close_products(sums, sums->parts.rows);
}

/* ---- the thread ---- */

const int *emit_sums(GpuConvolution *conv) {
    KernelBuilder *builder = conv->builder;
    Arena *arena = conv->arena;
    const GpuConvolutionShape *shape = &conv->shape;
    int64_t own = conv->group_inputs * conv->taps * shape->channels;
    int threads = shape->quads * shape->parts * shape->slices;
    Sums sums = {.conv = conv, .builder = builder, .arena = arena, .parts = thread_parts(conv)};
    sums.sums = sums.totals = start_registers(&sums);
    if (has_parts(&sums.parts))
        sums.totals = start_registers(&sums);
    sums.weights = kernel_let(builder, "first_weight",
        expression_multiply(arena,
            expression_add(arena, expression_multiply(arena, conv->tile, shape->parts), conv->part),
            own));
    sums.first_input = expression_constant(arena, 0);
    if (conv->groups > 1)
        sums.first_input = kernel_let(builder, "first_input",
            expression_multiply(arena, expression_divide(arena, conv->tile, conv->channel_tiles),
                conv->group_inputs));
    sums.pixel = kernel_let(builder, "pixel",
        expression_add(
            arena, conv->first_pixel, expression_multiply(arena, conv->quad, shape->pixels)));
    bool idle = threads < BLOCK_THREADS;
    if (idle)
        kernel_open_if_less(builder, conv->thread, expression_constant(arena, threads));
    kernel_open_if_less(
        builder, sums.pixel, expression_constant(arena, conv->images * conv->height * conv->width));
    if (!conv->pointwise)
        for (int pixel = 0; pixel < shape->pixels; pixel++)
            find_window(&sums, pixel);
    emit_inputs(&sums, conv->pointwise ? emit_pointwise_input : emit_any_input);
    kernel_close(builder);
    if (idle)
        kernel_close(builder);
    return sums.totals;
}
