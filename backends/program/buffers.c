/* Buffers of a program, and the placements of whole tensors in them. */
#include "backends/program/buffers.h"
#include "backends/program/emission.h"
#include "backends/program/placement.h"
#include "backends/program/program.h"
#include "backends/program/summary.h"
#include "backends/target/product.h"
#include "backends/target/target.h"
#include "ir/arena.h"
#include "ir/graph.h"
#include "ir/kernel.h"
#include <assert.h>
#include <string.h>

const char *buffer_name(const Emission *emission, const Value *value) {
    if (value->name)
        return value->name;
    if (value->producer && value->producer->path[0])
        return value->producer->path;
    return arena_format(emission->arena, "%d", value->id);
}

int add_buffer(Emission *emission, BufferKind kind, int index, int64_t bytes, const char *name) {
    Program *program = emission->program;
    ARENA_GROW(
        emission->arena, program->buffers, program->buffer_count, program->buffer_capacity, 64);
    program->buffers[program->buffer_count] =
        (Buffer){.kind = kind, .index = index, .bytes = bytes, .first_step = -1, .name = name};
    return program->buffer_count++;
}

void add_row_bytes(Emission *emission, int input, const TensorType *type) {
    Buffer *buffer = &emission->program->buffers[input];
    buffer->row_bytes = type->dims[1] * type->dims[3];
    add_buffer(emission, BUFFER_ROW_BYTES, buffer->index, (int64_t)sizeof(int32_t), buffer->name);
}

int row_bytes_buffer(const Program *program, int input) {
    int buffer = input + 1;
    while (program->buffers[buffer].kind != BUFFER_ROW_BYTES ||
           program->buffers[buffer].index != program->buffers[input].index)
        buffer++;
    return buffer;
}

static const LaneType element_lanes[] = {[ELEMENT_F32] = LANE_F32,
    [ELEMENT_U8] = LANE_U8,
    [ELEMENT_BF16] = LANE_BF16,
    [ELEMENT_F16] = LANE_F16};

LaneType element_lane_type(ElementType element) {
    return element_lanes[element];
}

static ElementType element_of(LaneType lane) {
    ElementType element = ELEMENT_F32;
    while (element_lanes[element] != lane)
        element++;
    return element;
}

static Placement *new_placement(Arena *arena, const TensorType *type, int run_count) {
    Placement *placement = ARENA_NEW(arena, Placement);
    placement->images = type->dims[0];
    placement->channels = tensor_channels(type);
    placement->height = type->rank == 4 ? type->dims[2] : 1;
    placement->width = type->rank == 4 ? type->dims[3] : 1;
    placement->element = element_lane_type(type->element);
    placement->runs = ARENA_ARRAY(arena, Run, run_count);
    placement->run_count = run_count;
    return placement;
}

int64_t pixel_distance(const Target *target, LaneType element, int64_t channels) {
    enum { SETS_FLOATS = 512, LINE_FLOATS = 16 };
    int64_t lanes = target_for_lanes(target, element).lanes;
    int64_t whole = (channels + lanes - 1) / lanes * lanes;
    if (target->lane_multiply_add && channels > lanes)
        return whole;
    return channels % SETS_FLOATS == 0 ? channels + LINE_FLOATS : channels;
}

/* A flatten after which the pixels' numbers follow each other needs no copy. */
static bool must_be_dense(const Emission *emission, const Value *value) {
    for (const Node *node = emission->graph->first; node; node = node->next)
        if (node->op == OP_flatten && node->operands[0] == value)
            return true;
    return value->type.rank != 4 || value->type.dims[2] * value->type.dims[3] == 1;
}

Placement *dense_placement(
    Arena *arena, const TensorType *type, int buffer, Layout layout, bool exact) {
    Placement *placement = new_placement(arena, type, 1);
    int64_t channels = placement->channels, height = placement->height, width = placement->width;
    bool planar = layout == LAYOUT_NCHW && height * width > 1;
    placement->runs[0] = (Run){.channel_count = channels,
        .buffer = buffer,
        .channel_stride = planar ? height * width : 1,
        .pixel_stride = planar ? 1 : channels,
        .row_stride = planar ? width : width * channels,
        .image_stride = height * width * channels,
        .exact = exact};
    return placement;
}

/* The same with so many numbers from one pixel to the next. */
static Placement *padded_placement(
    Emission *emission, const TensorType *type, int buffer, int64_t distance) {
    Placement *placement = dense_placement(emission->arena, type, buffer, LAYOUT_NHWC, false);
    Run *run = &placement->runs[0];
    run->pixel_stride = distance;
    run->row_stride = placement->width * run->pixel_stride;
    run->image_stride = placement->height * run->row_stride;
    return placement;
}

Placement *value_placement(Emission *emission, const Value *value) {
    assert(emission->placements[value->id]);
    return emission->placements[value->id];
}

Placement *own_placement(Emission *emission, const Value *value) {
    int64_t channels = tensor_channels(&value->type);
    int64_t distance = must_be_dense(emission, value)
                           ? channels
                           : pixel_distance(emission->compilation->target,
                                 element_lane_type(value->type.element), channels);
    int64_t bytes = tensor_elements(&value->type) / channels * distance *
                    element_type_bytes(value->type.element);
    int buffer = add_buffer(emission, BUFFER_WORKSPACE, 0, bytes, buffer_name(emission, value));
    return padded_placement(emission, &value->type, buffer, distance);
}

Placement *own_placement_in_parts(
    Emission *emission, const Value *value, const int64_t *ends, int count) {
    Placement *placement = new_placement(emission->arena, &value->type, count);
    int64_t pixels = tensor_elements(&value->type) / placement->channels;
    for (int i = 0; i < count; i++) {
        TensorType type = value->type;
        int64_t first = i > 0 ? ends[i - 1] : 0;
        type.dims[1] = ends[i] - first;
        int64_t distance =
            pixel_distance(emission->compilation->target, placement->element, type.dims[1]);
        const char *name = buffer_name(emission, value);
        if (count > 1)
            name = arena_format(emission->arena, "%s channels %lld to %lld", name, (long long)first,
                (long long)ends[i] - 1);
        int buffer = add_buffer(emission, BUFFER_WORKSPACE, 0,
            pixels * distance * element_type_bytes(type.element), name);
        placement->runs[i] = padded_placement(emission, &type, buffer, distance)->runs[0];
        placement->runs[i].first_channel = first;
    }
    return placement;
}

Placement *temporary_placement(Emission *emission, const Placement *like, const char *name) {
    TensorType type = {
        .rank = 4, .dims = {like->images, like->channels, like->height, like->width}};
    type.element = element_of(like->element);
    int64_t bytes = tensor_elements(&type) * element_type_bytes(type.element);
    int buffer = add_buffer(emission, BUFFER_WORKSPACE, 0, bytes, name);
    return dense_placement(emission->arena, &type, buffer, LAYOUT_NHWC, false);
}
