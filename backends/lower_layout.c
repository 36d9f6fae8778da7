/* Memory-layout ops: concat, split, shuffle, gather, route, flatten, crop, and plain copies.
 *
 * Every one but flatten and crop is a list that says for each output channel which channel of the
 * joined operands it is. Where that list is a few long runs nothing is moved: the result is a view,
 * a placement whose runs point into the operands' buffers. Otherwise one kernel copies channel
 * vectors, and puts each together from the source vectors it needs. */
#include "backends/lower.h"
#include <assert.h>
#include <inttypes.h>
#include <string.h>

/* A view that vectors are read from must have few and long runs, for each run costs its readers a
 * loop of its own. A convolution reads its input number by number, wherever it lies. */
enum { MOST_VIEW_RUNS = 8, LEAST_VIEW_CHANNELS = 8, MOST_VIEW_BUFFERS = 32 };

/* One output channel's source. */
typedef struct Source {
    int operand, run;
    int64_t channel; /* within the run */
} Source;

/* ---- what goes where ---- */

static int64_t *identity_channels(Arena *arena, int64_t count) {
    int64_t *channels = ARENA_ARRAY(arena, int64_t, count);
    for (int64_t i = 0; i < count; i++)
        channels[i] = i;
    return channels;
}

/* The channel list of the node's result `result`. */
static const int64_t *channel_list(Arena *arena, const Node *node, int result) {
    int64_t count = node->results[result]->type.dims[1];
    if (node->op == OP_route || node->op == OP_gather)
        return node_list(node, "channels").items;
    int64_t *channels = identity_channels(arena, count);
    if (node->op == OP_split) {
        int64_t first = 0;
        bool interleaved = node_flag(node, "interleaved");
        for (int i = 0; i < result; i++)
            first += node->results[i]->type.dims[1];
        for (int64_t i = 0; i < count; i++)
            channels[i] = interleaved ? result + i * node->result_count : first + i;
    } else if (node->op == OP_shuffle) {
        int64_t groups = node_integer(node, "groups");
        bool paper = node_integer(node, "form") == SHUFFLE_PAPER;
        /* Output channel i is row i / columns, column i % columns of the transposed matrix. */
        int64_t columns = paper ? groups : count / groups;
        int64_t rows = count / columns;
        for (int64_t i = 0; i < count; i++)
            channels[i] = i % columns * rows + i / columns;
    }
    return channels;
}

static Source *find_sources(
    Arena *arena, const Placement *const *operands, const int64_t *channels, int64_t count) {
    Source *sources = ARENA_ARRAY(arena, Source, count);
    for (int64_t i = 0; i < count; i++) {
        int64_t channel = channels[i];
        int operand = 0, run = 0;
        while (channel >= operands[operand]->channels)
            channel -= operands[operand++]->channels;
        const Run *runs = operands[operand]->runs;
        while (channel >= runs[run].first_channel + runs[run].channel_count)
            run++;
        sources[i] = (Source){operand, run, channel - runs[run].first_channel};
    }
    return sources;
}

static bool continues(const Source *a, const Source *b, int64_t distance) {
    return a->operand == b->operand && a->run == b->run && a->channel + distance == b->channel;
}

/* ---- views ---- */

void placement_share_parameters(Placement *placement) {
    for (int i = 0; i < placement->run_count; i++) {
        int first = 0;
        while (placement->runs[first].buffer != placement->runs[i].buffer)
            first++;
        placement->runs[i].displacement = placement->runs[i].offset - placement->runs[first].offset;
    }
}

/* Whether nobody reads vectors from the value: for a convolution or fully connected layer its
 * channels are the numbers that it multiplies its weights by. A residual is loaded by vectors that
 * are put together from pieces, which is still less than a copy; and layout ops look for views of
 * their own. */
static bool is_read_by_numbers(const Graph *graph, const Value *value) {
    for (int i = 0; i < graph->output_count; i++)
        if (graph->outputs[i].value == value)
            return false;
    for (const Node *node = graph->first; node; node = node->next)
        for (int i = 0; i < node->operand_count; i++)
            if (node->operands[i] == value && !op_moves_channels(node->op) &&
                (is_depthwise(node) || (node->op != OP_conv && node->op != OP_linear)))
                return false;
    return true;
}

static int count_buffers(const Run *runs, int run_count) {
    int count = 0;
    for (int i = 0; i < run_count; i++) {
        int first = 0;
        while (runs[first].buffer != runs[i].buffer)
            first++;
        count += first == i;
    }
    return count;
}

static bool is_good_view(
    const Lowering *lowering, const Value *value, const Run *runs, int run_count) {
    if (run_count == 1)
        return true;
    if (count_buffers(runs, run_count) > MOST_VIEW_BUFFERS)
        return false;
    return (run_count <= MOST_VIEW_RUNS &&
               value->type.dims[1] / run_count >= LEAST_VIEW_CHANNELS) ||
           is_read_by_numbers(lowering->graph, value);
}

/* NULL where the value is better copied. */
static Placement *make_view(Lowering *lowering, const Value *value,
    const Placement *const *operands, const Source *sources) {
    int64_t count = value->type.dims[1];
    Run *runs = ARENA_ARRAY(lowering->arena, Run, count);
    int run_count = 0;
    for (int64_t first = 0; first < count;) {
        int64_t end = first + 1;
        while (end < count && continues(&sources[first], &sources[end], end - first))
            end++;
        Run *run = &runs[run_count++];
        *run = operands[sources[first].operand]->runs[sources[first].run];
        run->offset += sources[first].channel * run->channel_stride;
        run->first_channel = first;
        run->channel_count = end - first;
        first = end;
    }
    if (!is_good_view(lowering, value, runs, run_count))
        return NULL;
    Placement *view = ARENA_NEW(lowering->arena, Placement);
    *view = *operands[0];
    view->channels = count;
    view->run_count = run_count;
    view->runs = runs;
    placement_share_parameters(view);
    return view;
}

/* ---- the copying route ---- */

typedef struct RouteKernel {
    Lowering *lowering;
    KernelBuilder *builder;
    const Placement *const *operands;
    const Source *sources;
    const Placement *output;
    int64_t begin, end;     /* of the output channels that this kernel writes */
    const int **parameters; /* by operand and run */
    int output_parameter;
    const Expression *image, *row, *column;
} RouteKernel;

static const Expression *at_pixel(const RouteKernel *route, const Run *run, int64_t channel) {
    Arena *arena = route->lowering->arena;
    return expression_sum(arena, expression_multiply(arena, route->image, run->image_stride),
        expression_multiply(arena, route->row, run->row_stride),
        expression_multiply(arena, route->column, run->pixel_stride),
        expression_constant(arena, run->displacement + channel * run->channel_stride), NULL);
}

static const Run *source_run(const RouteKernel *route, const Source *source) {
    return &route->operands[source->operand]->runs[source->run];
}

static int source_parameter(const RouteKernel *route, const Source *source) {
    return route->parameters[source->operand][source->run];
}

static void copy_by_scalars(const RouteKernel *route, int64_t first, int count) {
    for (int64_t i = first; i < first + count; i++) {
        int reg = kernel_register(route->builder, 1);
        const Source *source = &route->sources[i];
        kernel_load(route->builder, reg, source_parameter(route, source),
            at_pixel(route, source_run(route, source), source->channel), 0, 1);
        kernel_store(route->builder, reg, route->output_parameter,
            at_pixel(route, &route->output->runs[0], i), 0, 1);
    }
}

enum { MOST_SOURCE_VECTORS = 8, MOST_PIECES = 1 << 14 };

/* Groups the sources of `count` output channels into windows of `lanes` consecutive source
 * channels. window_of[i] and lane_of[i] say where output i finds its value. Returns the number of
 * windows, or -1 when there would be too many. */
static int find_windows(
    const Source *sources, int count, int lanes, Source *windows, int *window_of, int *lane_of) {
    int window_count = 0;
    bool found[64] = {false};
    assert(count <= 64);
    for (int i = 0; i < count; i++) {
        if (found[i])
            continue;
        if (window_count == MOST_SOURCE_VECTORS)
            return -1;
        Source *window = &windows[window_count];
        *window = sources[i];
        for (int j = i + 1; j < count; j++)
            if (!found[j] && sources[j].operand == window->operand &&
                sources[j].run == window->run && sources[j].channel < window->channel &&
                sources[i].channel - sources[j].channel < lanes)
                window->channel = sources[j].channel;
        for (int j = i; j < count; j++) {
            int64_t lane = sources[j].channel - window->channel;
            if (!found[j] && sources[j].operand == window->operand &&
                sources[j].run == window->run && lane >= 0 && lane < lanes) {
                found[j] = true;
                window_of[j] = window_count;
                lane_of[j] = (int)lane;
            }
        }
        window_count++;
    }
    return window_count;
}

static int load_window(const RouteKernel *route, const Source *window, int lanes) {
    const Run *run = source_run(route, window);
    int reg = kernel_register(route->builder, lanes);
    emit_vector_load(route->builder, reg, source_parameter(route, window),
        at_pixel(route, run, window->channel), run->channel_count - window->channel, run->exact);
    return reg;
}

/* Output channels first..first+count-1 as one vector of `lanes`. */
static void copy_vector(const RouteKernel *route, int64_t first, int count, int lanes) {
    Source windows[MOST_SOURCE_VECTORS];
    int window_of[64], lane_of[64];
    int window_count =
        find_windows(route->sources + first, count, lanes, windows, window_of, lane_of);
    if (window_count < 0 || lanes == 1) {
        copy_by_scalars(route, first, count);
        return;
    }
    int result = load_window(route, &windows[0], lanes);
    bool in_order = window_count == 1;
    for (int i = 0; i < count; i++)
        in_order = in_order && lane_of[i] == i;
    for (int w = 1; !in_order && (w == 1 || w < window_count); w++) {
        int other = w < window_count ? load_window(route, &windows[w], lanes) : result;
        int *indices = ARENA_ARRAY(route->lowering->arena, int, lanes);
        for (int i = 0; i < lanes; i++) {
            indices[i] = w == 1 ? 0 : i; /* lanes that no window has filled yet: anything */
            if (i < count && window_of[i] == w)
                indices[i] = lanes + lane_of[i];
            else if (i < count && w == 1 && window_of[i] == 0)
                indices[i] = lane_of[i];
        }
        int next = kernel_register(route->builder, lanes);
        kernel_permute(route->builder, next, result, other, indices);
        result = next;
    }
    kernel_store(route->builder, result, route->output_parameter,
        at_pixel(route, &route->output->runs[0], first), 0, count);
}

static void emit_route(const RouteKernel *route) {
    KernelBuilder *builder = route->builder;
    const Placement *output = route->output;
    const Target *target = route->lowering->target;
    Arena *arena = route->lowering->arena;
    for (int64_t channel = route->begin; channel < route->end;) {
        int64_t run_end = channel + 1;
        while (run_end < route->end &&
               continues(&route->sources[channel], &route->sources[run_end], run_end - channel))
            run_end++;
        int64_t whole = (run_end - channel) / target->lanes * target->lanes;
        if (whole >= 2 * target->lanes) { /* a long stretch: a loop */
            const Source *source = &route->sources[channel];
            const Expression *index =
                kernel_open_range(builder, "channel", 0, whole, target->lanes);
            int reg = kernel_register(builder, target->lanes);
            kernel_load(builder, reg, source_parameter(route, source),
                expression_add(
                    arena, at_pixel(route, source_run(route, source), source->channel), index),
                0, target->lanes);
            kernel_store(builder, reg, route->output_parameter,
                expression_add(arena, at_pixel(route, &output->runs[0], channel), index), 0,
                target->lanes);
            kernel_close(builder);
            channel += whole;
            continue;
        }
        int64_t left = route->end - channel;
        int width = vector_width(target, left);
        int count = left < width ? (int)left : width;
        copy_vector(route, channel, count, width);
        channel += count;
    }
}

static void lower_route_slice(
    RouteKernel *route, const Node *node, int operand_count, const bool *used) {
    Lowering *lowering = route->lowering;
    Arena *arena = lowering->arena;
    const Placement *output = route->output;
    KernelCall call;
    call_begin(lowering, &call, node, output->images * output->height);
    route->builder = &call.builder;
    route->parameters = ARENA_ARRAY(arena, const int *, operand_count);
    for (int i = 0; i < operand_count; i++)
        if (used[i])
            route->parameters[i] = call_placement(
                &call, PARAMETER_READ, arena_format(arena, "input%d", i), route->operands[i]);
    call.step.bytes_read =
        output->images * (route->end - route->begin) * output->height * output->width * 4;
    route->output_parameter = call_placement(&call, PARAMETER_WRITE, "output", output)[0];
    const Expression *index =
        kernel_open_for(&call.builder, "row", kernel_variable(&call.builder, VARIABLE_BEGIN),
            kernel_variable(&call.builder, VARIABLE_END), 1);
    route->image = expression_divide(arena, index, output->height);
    route->row = expression_remainder(arena, index, output->height);
    route->column = kernel_open_range(&call.builder, "column", 0, output->width, 1);
    emit_route(route);
    kernel_close(&call.builder);
    kernel_close(&call.builder);
    call_describe(&call, "%s, %" PRId64 " channels copied", op_info(node->op)->name,
        route->end - route->begin);
    call_end(lowering, &call);
}

/* How far a kernel that begins at route->begin gets with the parameters that a kernel may have, and
 * which operands it uses. */
static int64_t slice_end(const RouteKernel *route, bool *used) {
    int64_t end = route->begin;
    int parameters = 1; /* the output */
    for (; end < route->output->channels; end++) {
        int operand = route->sources[end].operand;
        if (used[operand])
            continue;
        parameters += route->operands[operand]->run_count;
        if (parameters > MAX_KERNEL_PARAMETERS)
            break;
        used[operand] = true;
    }
    return end;
}

static void lower_route(Lowering *lowering, const Node *node, const Placement *const *operands,
    int operand_count, const Source *sources, Value *result) {
    RouteKernel route = {.lowering = lowering,
        .operands = operands,
        .sources = sources,
        .output = lowering_place(lowering, result)};
    for (; route.begin < route.output->channels; route.begin = route.end) {
        bool *used = ARENA_ARRAY(lowering->arena, bool, operand_count);
        route.end = slice_end(&route, used);
        assert(route.end > route.begin);
        lower_route_slice(&route, node, operand_count, used);
    }
}

/* ---- plain copies ---- */

typedef struct Copy {
    KernelBuilder *builder;
    Arena *arena;
    const Run *from, *to;
    int from_parameter, to_parameter;
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
    int reg = kernel_register(copy->builder, lanes);
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

void lower_copy(Lowering *lowering, const Node *node, const Placement *from, const Placement *to,
    const char *label) {
    KernelCall call;
    call_begin(lowering, &call, node, to->images * to->height);
    const int *from_parameters = call_placement(&call, PARAMETER_READ, "input", from);
    const int *to_parameters = call_placement(&call, PARAMETER_WRITE, "output", to);
    const Expression *index =
        kernel_open_for(&call.builder, "row", kernel_variable(&call.builder, VARIABLE_BEGIN),
            kernel_variable(&call.builder, VARIABLE_END), 1);
    Copy copy = {.builder = &call.builder,
        .arena = lowering->arena,
        .image = expression_divide(lowering->arena, index, to->height),
        .row = expression_remainder(lowering->arena, index, to->height),
        .width = to->width};
    const Placement *placements[2] = {from, to};
    int count;
    const Segment *segments = channel_segments(lowering->arena, placements, 2, &count);
    for (int i = 0; i < count; i++) {
        copy.from = &from->runs[segments[i].runs[0]];
        copy.to = &to->runs[segments[i].runs[1]];
        copy.from_parameter = from_parameters[segments[i].runs[0]];
        copy.to_parameter = to_parameters[segments[i].runs[1]];
        copy.from_channel = segments[i].first_channel - copy.from->first_channel;
        copy.to_channel = segments[i].first_channel - copy.to->first_channel;
        copy.channel_count = segments[i].channel_count;
        copy_row(&copy, lowering->target);
    }
    kernel_close(&call.builder);
    call_describe(&call, "%s", label);
    call_end(lowering, &call);
}

const Placement *lowering_channels_last(
    Lowering *lowering, const Node *node, const Placement *placement) {
    for (int i = 0; i < placement->run_count; i++)
        if (placement->runs[i].channel_stride != 1) {
            Placement *copy = lowering_temporary(lowering, placement, "channels last");
            lower_copy(lowering, node, placement, copy, "NCHW to NHWC");
            return copy;
        }
    return placement;
}

/* ---- flatten ---- */

static bool lower_flatten(Lowering *lowering, const Node *node) {
    const Placement *from = lowering_placement(lowering, node->operands[0]);
    Placement *to;
    if (from->height * from->width == 1) { /* the same numbers in the same order: a view */
        to = ARENA_NEW(lowering->arena, Placement);
        *to = *from;
        lowering->placements[node->results[0]->id] = to;
        return true;
    }
    to = lowering_place(lowering, node->results[0]);
    Placement planar = *from;
    Run run = to->runs[0];
    run.channel_count = from->channels;
    run.channel_stride = from->height * from->width;
    run.row_stride = from->width;
    run.pixel_stride = 1;
    planar.runs = &run;
    planar.run_count = 1;
    lower_copy(lowering, node, from, &planar, "flatten");
    return true;
}

/* Pieces are copied one by one, by code of their own. */
static bool few_pieces(
    const Lowering *lowering, const Node *node, const int64_t *channels, int64_t count) {
    int64_t pieces = 1;
    for (int64_t i = 1; i < count; i++)
        pieces += channels[i] != channels[i - 1] + 1;
    if (pieces <= MOST_PIECES)
        return true;
    diagnostics_report(lowering->diagnostics, SEVERITY_ERROR, node->where, NULL,
        "'%s' would have to copy %" PRId64 " pieces, more than %d", op_info(node->op)->name, pieces,
        MOST_PIECES);
    return false;
}

/* ---- crop ---- */

/* Always a view: the same rows, of which fewer are looked at. */
static bool lower_crop(Lowering *lowering, const Node *node) {
    const Placement *from = lowering_placement(lowering, node->operands[0]);
    const int64_t *margins = node_list(node, "margins").items;
    const int64_t *dims = node->results[0]->type.dims;
    Placement *view = ARENA_NEW(lowering->arena, Placement);
    *view = *from;
    view->height = dims[2];
    view->width = dims[3];
    view->runs = ARENA_ARRAY(lowering->arena, Run, from->run_count);
    for (int i = 0; i < from->run_count; i++) {
        Run *run = &view->runs[i];
        *run = from->runs[i];
        run->offset += margins[0] * run->row_stride + margins[1] * run->pixel_stride;
    }
    placement_share_parameters(view);
    lowering->placements[node->results[0]->id] = view;
    return true;
}

bool lower_layout(Lowering *lowering, const Node *node) {
    if (node->op == OP_flatten)
        return lower_flatten(lowering, node);
    if (node->op == OP_crop)
        return lower_crop(lowering, node);
    Arena *arena = lowering->arena;
    const Placement **operands = ARENA_ARRAY(arena, const Placement *, node->operand_count);
    int most_runs = 0;
    for (int i = 0; i < node->operand_count; i++) {
        operands[i] = lowering_placement(lowering, node->operands[i]);
        most_runs = operands[i]->run_count > most_runs ? operands[i]->run_count : most_runs;
    }
    for (int result = 0; result < node->result_count; result++) {
        Value *value = node->results[result];
        int64_t count = value->type.dims[1];
        if (lowering->owned[value->id]) { /* the sources wrote themselves there */
            lowering->placements[value->id] = lowering->owned[value->id];
            continue;
        }
        const int64_t *channels = channel_list(arena, node, result);
        Source *sources = find_sources(arena, operands, channels, count);
        lowering->placements[value->id] = make_view(lowering, value, operands, sources);
        if (lowering->placements[value->id])
            continue;
        if (!few_pieces(lowering, node, channels, count))
            return false;
        if (most_runs + 1 > MAX_KERNEL_PARAMETERS) {
            diagnostics_report(lowering->diagnostics, SEVERITY_ERROR, node->where,
                "split the concat into smaller ones",
                "'%s' reads an operand of more than %d pieces", op_info(node->op)->name,
                MAX_KERNEL_PARAMETERS - 1);
            return false;
        }
        for (int i = 0; i < node->operand_count; i++)
            operands[i] = lowering_channels_last(lowering, node, operands[i]);
        sources = find_sources(arena, operands, channels, count);
        lower_route(lowering, node, operands, node->operand_count, sources, value);
    }
    return true;
}
