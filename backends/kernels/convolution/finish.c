/* What follows the sums of a tile: activation, residual, narrowing, and the stores. */
#include "backends/kernels/convolution/convolution.h"
#include "backends/kernels/emit.h"
#include "backends/kernels/gather.h"
#include "backends/program/math.h"
#include "backends/program/placement.h"
#include "ir/arena.h"
#include "ir/kernel.h"
#include <assert.h>

/* Offset of the tile's pixel p, channel `channel` of the run (relative to the run). */
static const Expression *output_offset(const Convolution *conv, const ConvolutionTile *tile,
    const Run *run, int p, const Expression *channel) {
    Arena *arena = conv->arena;
    const Expression *offset = expression_sum(arena, times(conv, channel, run->channel_stride),
        times(conv, column_in(arena, &conv->rows, run, tile->column), run->pixel_stride),
        expression_constant(arena, run->displacement + p * run->pixel_stride), NULL);
    if (!conv->flat)
        offset = expression_sum(arena, offset, times(conv, tile->image, run->image_stride),
            row_offset(arena, run, tile->row), NULL);
    return offset;
}

/* Where a residual is read. */
typedef struct PixelPlace {
    const Convolution *conv;
    const ConvolutionTile *tile;
    int pixel;
} PixelPlace;

static const Expression *pixel_base(const void *context, const Run *run) {
    const PixelPlace *place = context;
    Arena *arena = place->conv->arena;
    return output_offset(place->conv, place->tile, run, place->pixel,
        expression_constant(arena, -run->displacement));
}

/* A part of such lanes, in one run. */
typedef struct LanesPart {
    int run, first_lane, count;
    const Expression *offset;
} LanesPart;

/* Writes the parts, at most one a run; returns their number. `only`: the run in which all lie, or
 * -1. */
static int lanes_parts(const Convolution *conv, const ConvolutionTile *tile,
    const Placement *placement, int only, const PixelLanes *place, LanesPart *parts) {
    Arena *arena = conv->arena;
    if (only >= 0) {
        const Run *run = &placement->runs[only];
        parts[0] = (LanesPart){only, place->first_lane, place->count,
            output_offset(conv, tile, run, place->pixel,
                expression_offset(arena, place->channel, -run->first_channel))};
        return 1;
    }
    int64_t first = 0;
    int count = 0;
    bool constant = expression_is_constant(place->channel, &first);
    assert(constant);
    (void)constant;
    for (int i = 0; i < placement->run_count; i++) {
        const Run *run = &placement->runs[i];
        RunPart part = run_part(run, first, first + place->count);
        if (part.count > 0)
            parts[count++] =
                (LanesPart){i, place->first_lane + (int)(part.first - first), (int)part.count,
                    output_offset(conv, tile, run, place->pixel,
                        expression_constant(arena, part.first - run->first_channel))};
    }
    return count;
}

void store_lanes(
    const Convolution *conv, const ConvolutionTile *tile, const PixelLanes *place, int reg) {
    LanesPart *parts = ARENA_ARRAY(conv->arena, LanesPart, conv->output->run_count);
    int count = lanes_parts(conv, tile, conv->output, tile->output_run, place, parts);
    for (int i = 0; i < count; i++)
        store_repeated(conv->builder, reg, conv->output_parameters[parts[i].run],
            &conv->output->runs[parts[i].run], parts[i].offset, parts[i].first_lane,
            parts[i].count);
}

void load_residual_lanes(
    const Convolution *conv, const ConvolutionTile *tile, const PixelLanes *place, int reg) {
    KernelBuilder *builder = conv->builder;
    LanesPart *parts = ARENA_ARRAY(conv->arena, LanesPart, conv->residual->run_count);
    int count = lanes_parts(conv, tile, conv->residual, tile->residual_run, place, parts);
    kernel_splat(builder, reg, 0.0f);
    for (int i = 0; i < count; i++) {
        int part = kernel_register(builder, builder->kernel->register_lanes[reg]);
        kernel_load(builder, part, conv->residual_parameters[parts[i].run], parts[i].offset,
            parts[i].first_lane, parts[i].count);
        kernel_binary(builder, INSTRUCTION_add, reg, reg, part);
    }
}

/* A vector of the residual: where it lies in one run, the channel may be an expression; else it is
 * put together. */
static void load_residual(const Convolution *conv, const ConvolutionTile *tile,
    const Expression *channel, int p, int64_t count, int reg) {
    KernelBuilder *builder = conv->builder;
    if (tile->residual_run >= 0) {
        const Run *run = &conv->residual->runs[tile->residual_run];
        emit_vector_load(builder, reg, conv->residual_parameters[tile->residual_run],
            output_offset(
                conv, tile, run, p, expression_offset(conv->arena, channel, -run->first_channel)),
            count, run->exact);
        return;
    }
    int64_t first = 0;
    bool constant = expression_is_constant(channel, &first);
    assert(constant);
    (void)constant;
    const PixelPlace place = {conv, tile, p};
    int gathered = emit_gather(builder, conv->residual, conv->residual_parameters, first,
        (int)count, builder->kernel->register_lanes[reg], pixel_base, &place);
    kernel_unary(builder, INSTRUCTION_move, reg, gathered);
}

void emit_convolution_result(
    const Convolution *conv, const ConvolutionTile *tile, int p, int first, int reg, int width) {
    KernelBuilder *builder = conv->builder;
    int64_t left = tile->channel_count - first, count = left < width ? left : width;
    const Expression *channel = expression_offset(conv->arena, tile_channel(conv, tile), first);
    emit_activation(builder, conv->activation, reg);
    if (conv->residual) {
        int other = kernel_register_of(builder, conv->residual->element, width);
        load_residual(conv, tile, channel, p, count, other);
        other = emit_as(builder, other, builder->kernel->register_types[reg]);
        kernel_binary(builder, INSTRUCTION_add, reg, reg, other);
        emit_activation(builder, conv->residual_activation, reg);
    }
    reg = emit_as(builder, reg, conv->output->element);
    store_lanes(conv, tile, &(PixelLanes){channel, p, 0, (int)count}, reg);
}
