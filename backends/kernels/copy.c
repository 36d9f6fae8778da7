/* Plain copies of a tensor from one placement to another, whatever their strides. */
#include "backends/kernels/copy.h"
#include "backends/program/buffers.h"
#include "backends/program/call.h"
#include "backends/program/emission.h"
#include "backends/program/math.h"
#include "backends/program/placement.h"
#include "backends/target/product.h"
#include "backends/target/target.h"
#include "ir/arena.h"
#include "ir/graph.h"
#include "ir/kernel.h"

typedef struct Copy {
    KernelBuilder *builder;
    Arena *arena;
    const Run *from, *to;
    int from_parameter, to_parameter;
    LaneType element;
    const Expression *image, *row;
    int64_t channel_count, width;
    int64_t from_channel, to_channel; /* of the segment, in the runs */
} Copy;

static const Expression *copy_offset(const Copy *copy, const Run *run, int64_t first_channel,
    const Expression *channel, const Expression *column) {
    Arena *arena = copy->arena;
    return expression_sum(arena, expression_multiply(arena, copy->image, run->image_stride),
        expression_multiply(arena, copy->row, run->row_stride),
        expression_multiply(arena, column, run->pixel_stride),
        expression_multiply(arena, channel, run->channel_stride),
        expression_constant(arena, run->displacement + first_channel * run->channel_stride), NULL);
}

static void copy_lanes(
    const Copy *copy, const Expression *channel, const Expression *column, int lanes, int count) {
    int reg = kernel_register_of(copy->builder, copy->element, lanes);
    kernel_load(copy->builder, reg, copy->from_parameter,
        copy_offset(copy, copy->from, copy->from_channel, channel, column), 0, count);
    kernel_store(copy->builder, reg, copy->to_parameter,
        copy_offset(copy, copy->to, copy->to_channel, channel, column), 0, count);
}

/* Moves one row of a segment: by vectors along whatever is consecutive on both sides. */
static void copy_row(const Copy *copy, const Target *target) {
    bool by_channel = copy->from->channel_stride == 1 && copy->to->channel_stride == 1;
    bool by_column = copy->from->pixel_stride == 1 && copy->to->pixel_stride == 1;
    int64_t inner = by_channel ? copy->channel_count : copy->width;
    int64_t outer = by_channel ? copy->width : copy->channel_count;
    int lanes = by_channel || by_column ? target->lanes : 1;
    const Expression *a = kernel_open_range(copy->builder, "outer", 0, outer, 1);
    int64_t whole = inner / lanes * lanes;
    if (whole > 0) {
        const Expression *b = kernel_open_range(copy->builder, "inner", 0, whole, lanes);
        copy_lanes(copy, by_channel ? b : a, by_channel ? a : b, lanes, lanes);
        kernel_close(copy->builder);
    }
    if (whole < inner) {
        const Expression *b = expression_constant(copy->arena, whole);
        copy_lanes(copy, by_channel ? b : a, by_channel ? a : b, lanes, (int)(inner - whole));
    }
    kernel_close(copy->builder);
}

void lower_copy(Emission *emission, const Node *node, const Placement *from, const Placement *to,
    const char *label, const char *reason) {
    KernelCall call;
    call_begin(emission, &call, node, to->images * to->height);
    call.step.reason = reason;
    const int *from_parameters = call_placement(&call, PARAMETER_READ, "input", from);
    const int *to_parameters = call_placement(&call, PARAMETER_WRITE, "output", to);
    const Expression *index =
        kernel_open_for(&call.builder, "row", kernel_variable(&call.builder, VARIABLE_BEGIN),
            kernel_variable(&call.builder, VARIABLE_END), 1);
    const Target target = target_for_lanes(emission->compilation->target, from->element);
    Copy copy = {.builder = &call.builder,
        .arena = emission->arena,
        .element = from->element,
        .image = expression_divide(emission->arena, index, to->height),
        .row = expression_remainder(emission->arena, index, to->height),
        .width = to->width};
    const Placement *placements[2] = {from, to};
    int count;
    const Segment *segments = channel_segments(emission->arena, placements, 2, &count);
    for (int i = 0; i < count; i++) {
        copy.from = &from->runs[segments[i].runs[0]];
        copy.to = &to->runs[segments[i].runs[1]];
        copy.from_parameter = from_parameters[segments[i].runs[0]];
        copy.to_parameter = to_parameters[segments[i].runs[1]];
        copy.from_channel = segments[i].first_channel - copy.from->first_channel;
        copy.to_channel = segments[i].first_channel - copy.to->first_channel;
        copy.channel_count = segments[i].channel_count;
        copy_row(&copy, &target);
    }
    kernel_close(&call.builder);
    call_describe(&call, "%s", label);
    call_end(emission, &call);
}

const Placement *make_channels_last(
    Emission *emission, const Node *node, const Placement *placement) {
    for (int i = 0; i < placement->run_count; i++)
        if (placement->runs[i].channel_stride != 1) {
            Placement *copy = temporary_placement(emission, placement, "channels last");
            lower_copy(emission, node, placement, copy, "NCHW to NHWC",
                arena_format(emission->arena,
                    "%s reads vectors of channels, which lie apart in a tensor that the caller "
                    "gives as NCHW",
                    op_info(node->op)->name));
            return copy;
        }
    return placement;
}

const Placement *make_one_run(Emission *emission, const Node *node, const Placement *placement) {
    placement = make_channels_last(emission, node, placement);
    if (placement->run_count == 1)
        return placement;
    Placement *copy = temporary_placement(emission, placement, "joined");
    lower_copy(emission, node, placement, copy, "join",
        arena_format(emission->arena, "%s looks at all channels of a pixel, which lie in %d pieces",
            op_info(node->op)->name, placement->run_count));
    return copy;
}
