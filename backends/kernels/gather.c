/* Vectors put together from channels that lie apart, and the kernel that copies a tensor so. */
#include "backends/kernels/gather.h"
#include "backends/kernels/segments.h"
#include "backends/program/call.h"
#include "backends/program/emission.h"
#include "backends/program/math.h"
#include "backends/program/placement.h"
#include "backends/schedule/shape.h"
#include "backends/target/product.h"
#include "backends/target/target.h"
#include "ir/arena.h"
#include "ir/graph.h"
#include "ir/kernel.h"
#include "ir/kernel_lanes.h"
#include <assert.h>
#include <inttypes.h>

/* Where one lane of the vector comes from: a place along the channels of a buffer. */
typedef struct Lane {
    const Run *run;
    int parameter;
    int64_t position; /* in floats, from the parameter, at the pixel */
    int64_t left;     /* channels from there to the end of the run */
} Lane;

/* So many consecutive floats that one load brings. */
typedef struct GatherWindow {
    Lane first;
    int64_t last; /* position of the last lane that is used */
} GatherWindow;

typedef struct Gather {
    Lane lanes[MOST_LANES];
    int count; /* of the lanes that are used */
    LaneType element;
    GatherWindow windows[MOST_LANES];
    int window_count;
    int window_of[MOST_LANES], lane_in[MOST_LANES];
} Gather;

/* The run in which the channel lies. */
static int find_run(const Placement *placement, int64_t channel) {
    int first = 0, end = placement->run_count;
    while (end - first > 1) {
        int middle = first + (end - first) / 2;
        *(placement->runs[middle].first_channel <= channel ? &first : &end) = middle;
    }
    return first;
}

static void find_lanes(
    Gather *gather, const Placement *placement, const int *parameters, int64_t first, int count) {
    int run = find_run(placement, first);
    assert(count <= MOST_LANES);
    gather->count = count;
    gather->element = placement->element;
    for (int i = 0; i < count; i++) {
        int64_t channel = first + i;
        while (channel >= placement->runs[run].first_channel + placement->runs[run].channel_count)
            run++;
        const Run *at = &placement->runs[run];
        assert(at->channel_stride == 1);
        gather->lanes[i] =
            (Lane){at, parameters[run], at->displacement + channel - at->first_channel,
                at->first_channel + at->channel_count - channel};
    }
}

static bool lie_together(const Lane *a, const Lane *b) {
    return a->parameter == b->parameter && a->run->pixel_stride == b->run->pixel_stride &&
           a->run->row_stride == b->run->row_stride && a->run->ring_rows == b->run->ring_rows;
}

/* Covers the lanes with windows of `width` floats, each from the lowest lane that it serves. */
static void find_windows(Gather *gather, int width) {
    bool found[MOST_LANES] = {false};
    const Lane *lanes = gather->lanes;
    gather->window_count = 0;
    for (int i = 0; i < gather->count; i++) {
        if (found[i])
            continue;
        GatherWindow *window = &gather->windows[gather->window_count];
        *window = (GatherWindow){lanes[i], lanes[i].position};
        for (int j = i + 1; j < gather->count; j++)
            if (!found[j] && lie_together(&lanes[j], &lanes[i]) &&
                lanes[j].position < window->first.position &&
                lanes[i].position - lanes[j].position < width)
                window->first = lanes[j];
        for (int j = i; j < gather->count; j++) {
            int64_t lane = lanes[j].position - window->first.position;
            if (found[j] || !lie_together(&lanes[j], &lanes[i]) || lane < 0 || lane >= width)
                continue;
            found[j] = true;
            gather->window_of[j] = gather->window_count;
            gather->lane_in[j] = (int)lane;
            window->last = window->last > lanes[j].position ? window->last : lanes[j].position;
        }
        gather->window_count++;
    }
}

/* Whether both are put together alike, each window of the one as far on as the first. */
static bool gather_alike(const Gather *a, const Gather *b) {
    if (a->count != b->count || a->window_count != b->window_count)
        return false;
    int64_t shift = b->windows[0].first.position - a->windows[0].first.position;
    for (int w = 0; w < a->window_count; w++) {
        const GatherWindow *x = &a->windows[w], *y = &b->windows[w];
        if (!lie_together(&x->first, &y->first) ||
            x->first.run->image_stride != y->first.run->image_stride ||
            x->first.run->exact != y->first.run->exact ||
            y->first.position - x->first.position != shift || y->last - x->last != shift)
            return false;
    }
    for (int i = 0; i < a->count; i++)
        if (a->window_of[i] != b->window_of[i] || a->lane_in[i] != b->lane_in[i])
            return false;
    return true;
}

static int load_window(KernelBuilder *builder, const Gather *gather, const GatherWindow *window,
    int width, GatherBase *base, const void *context) {
    const Lane *lane = &window->first;
    int reg = kernel_register_of(builder, gather->element, width);
    int count = lane->run->exact ? (int)(window->last - lane->position) + 1 : width;
    kernel_load(builder, reg, lane->parameter,
        expression_offset(builder->arena, base(context, lane->run), lane->position), 0, count);
    return reg;
}

/* The registers' lanes put in order, one window after the other. */
static int emit_windows(KernelBuilder *builder, const Gather *gather, int width, GatherBase *base,
    const void *context) {
    int result = load_window(builder, gather, &gather->windows[0], width, base, context);
    bool in_order = gather->window_count == 1;
    for (int i = 0; i < gather->count; i++)
        in_order = in_order && gather->lane_in[i] == i;
    for (int w = 1; !in_order && (w == 1 || w < gather->window_count); w++) {
        int other = w < gather->window_count
                        ? load_window(builder, gather, &gather->windows[w], width, base, context)
                        : result;
        int *indices = ARENA_ARRAY(builder->arena, int, width);
        for (int i = 0; i < width; i++) {
            indices[i] = w == 1 ? 0 : i; /* lanes that no window has filled yet: anything */
            if (i < gather->count && gather->window_of[i] == w)
                indices[i] = width + gather->lane_in[i];
            else if (i < gather->count && w == 1 && gather->window_of[i] == 0)
                indices[i] = gather->lane_in[i];
        }
        int next = kernel_register_of(builder, gather->element, width);
        kernel_permute(builder, next, result, other, indices);
        result = next;
    }
    return result;
}

int emit_gather(KernelBuilder *builder, const Placement *placement, const int *parameters,
    int64_t first, int count, int width, GatherBase *base, const void *context) {
    Gather gather;
    find_lanes(&gather, placement, parameters, first, count);
    find_windows(&gather, width);
    return emit_windows(builder, &gather, width, base, context);
}

/* ---- vectors that are alike ---- */

static int count_vectors(const ChannelSegments *segments, int lanes) {
    int64_t count = 0;
    for (int i = 0; i < segments->count; i++)
        count += (segments->segments[i].channel_count + lanes - 1) / lanes;
    return (int)count;
}

/* Vector `done / lanes` of the segment. */
static Segment cut_vector(const Segment *segment, int64_t done, int lanes) {
    int64_t left = segment->channel_count - done;
    Segment vector = *segment;
    vector.first_channel += done;
    vector.channel_count = left < lanes ? left : lanes;
    return vector;
}

ChannelSegments find_gathered_vectors(Arena *arena, int lanes, const Placement *placement,
    const int *parameters, const ChannelSegments *segments, int place) {
    int count = count_vectors(segments, lanes), last_kind = -1;
    ChannelSegments vectors = {
        ARENA_ARRAY(arena, Segment, count), ARENA_ARRAY(arena, RepeatPart, count), 0};
    Gather gathers[2] = {{.count = 0}};
    for (int i = 0; i < segments->count; i++)
        for (int64_t done = 0; done < segments->segments[i].channel_count; done += lanes) {
            int at = vectors.count++;
            Gather *here = &gathers[at % 2], *last = &gathers[1 - at % 2];
            RepeatPart *part = &vectors.parts[at];
            Segment vector = vectors.segments[at] = cut_vector(&segments->segments[i], done, lanes);
            find_lanes(
                here, placement, parameters, vector.first_channel, (int)vector.channel_count);
            find_windows(here, lanes);
            bool like_last = segments->parts[i].kind == last_kind && gather_alike(last, here);
            part->kind = like_last ? part[-1].kind : at;
            for (int p = 0; p < MOST_PLACES; p++)
                part->places[p] = segments->parts[i].places[p] + done;
            part->places[place] = here->windows[0].first.position;
            last_kind = segments->parts[i].kind;
        }
    return vectors;
}

/* ---- copying ---- */

typedef struct GatheringCopy {
    Emission *emission;
    KernelBuilder *builder;
    const Placement *from; /* a slice: its channels are first.. of the result */
    const Run *to;
    const int *parameters; /* of `from`, by run */
    int to_parameter;
    int64_t first;
    const Expression *image, *row, *column;
} GatheringCopy;

static const Expression *copy_base(const void *context, const Run *run) {
    const GatheringCopy *copy = context;
    Arena *arena = copy->emission->arena;
    return expression_sum(arena, expression_multiply(arena, copy->image, run->image_stride),
        expression_multiply(arena, copy->row, run->row_stride),
        expression_multiply(arena, copy->column, run->pixel_stride), NULL);
}

static const Expression *copy_target(const GatheringCopy *copy, int64_t channel) {
    return expression_offset(copy->emission->arena, copy_base(copy, copy->to),
        copy->to->displacement + copy->first + channel);
}

static void copy_by_numbers(const GatheringCopy *copy, int64_t first, int count) {
    for (int64_t channel = first; channel < first + count; channel++) {
        int reg = emit_gather(
            copy->builder, copy->from, copy->parameters, channel, 1, 1, copy_base, copy);
        kernel_store(copy->builder, reg, copy->to_parameter, copy_target(copy, channel), 0, 1);
    }
}

/* One vector: by windows, or where it would take many, number by number. */
static void copy_vector(const GatheringCopy *copy, int64_t first, int count, int width) {
    enum { MOST_WINDOWS = 8 };
    Gather gather;
    find_lanes(&gather, copy->from, copy->parameters, first, count);
    find_windows(&gather, width);
    if (gather.window_count > MOST_WINDOWS || width == 1) {
        copy_by_numbers(copy, first, count);
        return;
    }
    int reg = emit_windows(copy->builder, &gather, width, copy_base, copy);
    kernel_store(copy->builder, reg, copy->to_parameter, copy_target(copy, first), 0, count);
}

static Target seen_target(const GatheringCopy *copy) {
    return target_for_lanes(copy->emission->compilation->target, copy->from->element);
}

/* The whole vectors of a long run, by a loop. Returns the channels copied. */
static int64_t copy_run(const GatheringCopy *copy, int run_index, int64_t first) {
    KernelBuilder *builder = copy->builder;
    Arena *arena = copy->emission->arena;
    int lanes = seen_target(copy).lanes;
    const Run *run = &copy->from->runs[run_index];
    int64_t skipped = first - run->first_channel;
    int64_t whole = (run->channel_count - skipped) / lanes * lanes;
    if (whole < 2 * lanes)
        return 0;
    const Expression *index = kernel_open_range(builder, "channel", 0, whole, lanes);
    int reg = kernel_register_of(builder, copy->from->element, lanes);
    kernel_load(builder, reg, copy->parameters[run_index],
        expression_sum(arena, copy_base(copy, run), index,
            expression_constant(arena, run->displacement + skipped), NULL),
        0, lanes);
    kernel_store(builder, reg, copy->to_parameter,
        expression_add(arena, copy_target(copy, first), index), 0, lanes);
    kernel_close(builder);
    return whole;
}

static void emit_copy(const GatheringCopy *copy) {
    const Target target = seen_target(copy);
    int run = 0;
    for (int64_t channel = 0; channel < copy->from->channels;) {
        while (channel >= copy->from->runs[run].first_channel + copy->from->runs[run].channel_count)
            run++;
        int64_t looped = copy_run(copy, run, channel);
        channel += looped;
        if (looped > 0)
            continue;
        int64_t left = copy->from->channels - channel;
        int width = vector_width(&target, left);
        int count = left < width ? (int)left : width;
        copy_vector(copy, channel, count, width);
        channel += count;
    }
}

static void lower_slice(Emission *emission, const Node *node, const Placement *from,
    const Placement *to, int64_t first, const char *reason) {
    Arena *arena = emission->arena;
    KernelCall call;
    call_begin(emission, &call, node, to->images * to->height);
    call.step.reason = reason;
    GatheringCopy copy = {.emission = emission,
        .builder = &call.builder,
        .from = from,
        .to = &to->runs[0],
        .first = first};
    copy.parameters = call_placement(&call, PARAMETER_READ, "input", from);
    copy.to_parameter = call_placement(&call, PARAMETER_WRITE, "output", to)[0];
    const Expression *index =
        kernel_open_for(&call.builder, "row", kernel_variable(&call.builder, VARIABLE_BEGIN),
            kernel_variable(&call.builder, VARIABLE_END), 1);
    copy.image = expression_divide(arena, index, to->height);
    copy.row = expression_remainder(arena, index, to->height);
    copy.column = kernel_open_range(&call.builder, "column", 0, to->width, 1);
    emit_copy(&copy);
    kernel_close(&call.builder);
    kernel_close(&call.builder);
    call_describe(
        &call, "%s, %" PRId64 " channels copied", op_info(node->op)->name, from->channels);
    call_end(emission, &call);
}

/* The runs from *first_run on whose buffers a kernel has parameters for; moves *first_run behind
 * them. */
static Placement *next_slice(Arena *arena, const Placement *from, int *first_run) {
    Placement *slice = ARENA_NEW(arena, Placement);
    int begin = *first_run, buffers = 1; /* the output */
    *slice = *from;
    slice->runs = ARENA_ARRAY(arena, Run, from->run_count - begin);
    slice->run_count = 0;
    slice->channels = 0;
    for (int i = begin; i < from->run_count; i++) {
        int known = begin;
        while (from->runs[known].buffer != from->runs[i].buffer)
            known++;
        if (known == i && ++buffers > MAX_KERNEL_PARAMETERS)
            break;
        Run *run = &slice->runs[slice->run_count++];
        *run = from->runs[i];
        run->first_channel = slice->channels;
        slice->channels += run->channel_count;
        *first_run = i + 1;
    }
    placement_share_parameters(slice);
    return slice;
}

void lower_gathering_copy(Emission *emission, const Node *node, const Placement *from,
    const Placement *to, const char *reason) {
    int64_t first = 0;
    assert(to->run_count == 1);
    for (int run = 0; run < from->run_count;) {
        const Placement *slice = next_slice(emission->arena, from, &run);
        lower_slice(emission, node, slice, to, first, reason);
        first += slice->channels;
    }
}
