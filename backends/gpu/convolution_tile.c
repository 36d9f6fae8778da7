/* The tile in shared memory: threads store their sums, [channel of the thread][slice][part][pixel],
 * and each number is then added up by one thread. */
#include "backends/gpu/convolution.h"
#include "backends/gpu/gpu.h"
#include "ir/arena.h"
#include "ir/kernel.h"

/* Cycles of a pass over the slices beside its loads: a barrier, and waiting for the first. */
enum { PASS_CYCLES = 75 };

int join_lanes(KernelBuilder *builder, const int *lanes, int count) {
    static const int first_two[] = {0, 1}, all[] = {0, 1, 2, 3};
    if (count == 1)
        return lanes[0];
    int low = kernel_register(builder, 2), high = kernel_register(builder, 2);
    int joined = kernel_register(builder, 4);
    kernel_permute(builder, low, lanes[0], lanes[1], first_two);
    kernel_permute(builder, high, lanes[2], lanes[3], first_two);
    kernel_permute(builder, joined, low, high, all);
    return joined;
}

int open_threads(const GpuConvolution *conv, int64_t count) {
    if (count >= BLOCK_THREADS)
        return 0;
    kernel_open_if_less(conv->builder, conv->thread, expression_constant(conv->arena, count));
    return 1;
}

void store_sums(const GpuConvolution *conv, const int *sums) {
    KernelBuilder *builder = conv->builder;
    Arena *arena = conv->arena;
    const GpuConvolutionShape *shape = &conv->shape;
    const Expression *own = expression_multiply(arena, conv->thread, shape->pixels);
    int closes = open_threads(conv, (int64_t)shape->quads * shape->parts * shape->slices);
    for (int i = 0; i < shape->channels; i++)
        kernel_store(builder, join_lanes(builder, sums + i * shape->pixels, shape->pixels),
            conv->shared, expression_offset(arena, own, i * channel_floats(shape)), 0,
            shape->pixels);
    while (closes-- > 0)
        kernel_close(builder);
    kernel_barrier(builder);
}

/* ---- which thread adds up what ---- */

TileUnits tile_units(const GpuConvolution *conv) {
    int64_t numbers = tile_channels(conv) * tile_pixels(conv);
    int lanes = numbers <= BLOCK_THREADS ? 1 : conv->shape.pixels;
    return (TileUnits){lanes, numbers / lanes};
}

/* Unit `element`: channels of a thread, and for each the numbers of a slice. */
static TileUnit unit_at(
    const GpuConvolution *conv, const TileUnits *units, const Expression *element) {
    KernelBuilder *builder = conv->builder;
    Arena *arena = conv->arena;
    const GpuConvolutionShape *shape = &conv->shape;
    int64_t slice = slice_floats(shape), a_channel = slice / units->lanes;
    const Expression *channel =
        kernel_let(builder, "thread_channel", expression_divide(arena, element, a_channel));
    const Expression *number = kernel_let(builder, "number",
        expression_multiply(arena, expression_remainder(arena, element, a_channel), units->lanes));
    TileUnit unit;
    unit.in_tile =
        expression_add(arena, expression_multiply(arena, channel, channel_floats(shape)), number);
    unit.index = channel;
    if (shape->parts > 1)
        unit.index = kernel_let(builder, "index",
            expression_add(arena,
                expression_multiply(
                    arena, expression_divide(arena, number, tile_pixels(conv)), shape->channels),
                channel));
    unit.out_pixel = kernel_let(builder, "out_pixel",
        expression_add(arena, conv->first_pixel,
            shape->parts > 1 ? expression_remainder(arena, number, tile_pixels(conv)) : number));
    return unit;
}

const Expression *open_elements(const GpuConvolution *conv, int64_t count, int *closes) {
    KernelBuilder *builder = conv->builder;
    Arena *arena = conv->arena;
    const Expression *element = conv->thread;
    *closes = 0;
    if (count > BLOCK_THREADS) {
        int64_t rounds = (count + BLOCK_THREADS - 1) / BLOCK_THREADS;
        const Expression *round = kernel_open_range(builder, "round", 0, rounds, 1);
        element = kernel_let(builder, "element",
            expression_add(arena, conv->thread, expression_multiply(arena, round, BLOCK_THREADS)));
        *closes = 1;
    }
    if (count % BLOCK_THREADS != 0) {
        kernel_open_if_less(builder, element, expression_constant(arena, count));
        (*closes)++;
    }
    return element;
}

TileUnit open_units(const GpuConvolution *conv, const TileUnits *units, int *closes) {
    return unit_at(conv, units, open_elements(conv, units->count, closes));
}

TileUnit only_unit(const GpuConvolution *conv, const TileUnits *units) {
    return unit_at(conv, units, conv->thread);
}

const Expression *channel_in_tile(const GpuConvolution *conv, const Expression *index) {
    Arena *arena = conv->arena;
    const GpuConvolutionShape *shape = &conv->shape;
    int64_t stride = channel_floats(shape);
    if (shape->parts == 1)
        return expression_multiply(arena, index, stride);
    return expression_add(arena,
        expression_multiply(arena, expression_remainder(arena, index, shape->channels), stride),
        expression_multiply(
            arena, expression_divide(arena, index, shape->channels), tile_pixels(conv)));
}

/* ---- adding up ---- */

/* The sum of `count` slices, `stride` numbers apart, by halves: of a long sum the last bits stay.
 */
static int sum_slices(
    const GpuConvolution *conv, int lanes, const Expression *first, int64_t stride, int64_t count) {
    KernelBuilder *builder = conv->builder;
    int64_t half = (count + 1) / 2;
    if (count == 1) {
        int reg = kernel_register(builder, lanes);
        kernel_load(builder, reg, conv->shared, first, 0, lanes);
        return reg;
    }
    int sum = sum_slices(conv, lanes, first, stride, half);
    int rest = sum_slices(
        conv, lanes, expression_offset(conv->arena, first, half * stride), stride, count - half);
    kernel_binary(builder, INSTRUCTION_add, sum, sum, rest);
    return sum;
}

/* Loads of the thread that has the most, for a pass that leaves so many slices, and the last. */
static int64_t pass_cycles(const TileUnits *units, int64_t slices, int64_t kept) {
    int64_t first = (units->count * kept + BLOCK_THREADS - 1) / BLOCK_THREADS;
    int64_t last = (units->count + BLOCK_THREADS - 1) / BLOCK_THREADS;
    return kept == slices ? slices * last : slices / kept * first + PASS_CYCLES + kept * last;
}

static int64_t slices_to_keep(const TileUnits *units, int64_t slices) {
    int64_t best = slices;
    for (int64_t kept = 2; kept < slices; kept++)
        if (slices % kept == 0 &&
            pass_cycles(units, slices, kept) < pass_cycles(units, slices, best))
            best = kept;
    return best;
}

int64_t fold_slices(const GpuConvolution *conv, const TileUnits *units) {
    KernelBuilder *builder = conv->builder;
    Arena *arena = conv->arena;
    const GpuConvolutionShape *shape = &conv->shape;
    int64_t slices = shape->slices, kept = slices_to_keep(units, slices);
    if (kept == slices)
        return slices;
    int closes;
    int64_t stride = slice_floats(shape), a_channel = stride / units->lanes * kept;
    const Expression *element = open_elements(conv, units->count * kept, &closes);
    /* The first `kept` slices of a channel lie side by side. */
    const Expression *first = kernel_let(builder, "first_sum",
        expression_add(arena,
            expression_multiply(
                arena, expression_divide(arena, element, a_channel), channel_floats(shape)),
            expression_multiply(
                arena, expression_remainder(arena, element, a_channel), units->lanes)));
    int sum = sum_slices(conv, units->lanes, first, stride * kept, slices / kept);
    kernel_store(builder, sum, conv->shared, first, 0, units->lanes);
    while (closes-- > 0)
        kernel_close(builder);
    kernel_barrier(builder);
    return kept;
}

int add_slices(
    const GpuConvolution *conv, const TileUnits *units, const TileUnit *unit, int64_t slices) {
    return sum_slices(conv, units->lanes, unit->in_tile, slice_floats(&conv->shape), slices);
}
