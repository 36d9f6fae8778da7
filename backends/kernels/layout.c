/* Memory-layout ops: concat, split, shuffle, gather, route, flatten, crop, and plain copies.
 *
 * Every one but flatten and crop is a list that says for each output channel which channel of the
 * joined operands it is. Where that list is a few long runs nothing is moved: the result is a view,
 * a placement whose runs point into the operands' buffers. Otherwise one kernel copies channel
 * vectors, and puts each together from the source vectors it needs. */
#include "backends/kernels/copy.h"
#include "backends/kernels/gather.h"
#include "backends/kernels/kernels.h"
#include "backends/kernels/place.h"
#include "backends/program/buffers.h"
#include "backends/program/emission.h"
#include "backends/program/placement.h"
#include "backends/schedule/lowering.h"
#include "ir/arena.h"
#include "ir/diagnostics.h"
#include "ir/graph.h"
#include <assert.h>
#include <inttypes.h>
#include <string.h>

/* Each piece is code of its own, and each buffer a parameter of the reader's kernel. */
enum { MOST_NUMBER_RUNS = 1 << 12, MOST_PIECES = 1 << 14, MOST_VIEW_BUFFERS = 32 };

/* One output channel's source. */
typedef struct LayoutSource {
    int operand, run;
    int64_t channel; /* within the run */
} LayoutSource;

/* ---- what goes where ---- */

static LayoutSource *find_sources(
    Arena *arena, const Placement *const *operands, const Value *value) {
    int64_t count = value->type.dims[1];
    LayoutSource *sources = ARENA_ARRAY(arena, LayoutSource, count);
    for (int64_t i = 0; i < count; i++) {
        ChannelSource source = channel_source(value, i);
        const Run *runs = operands[source.operand]->runs;
        int run = 0;
        while (source.channel >= runs[run].first_channel + runs[run].channel_count)
            run++;
        sources[i] = (LayoutSource){source.operand, run, source.channel - runs[run].first_channel};
    }
    return sources;
}

static bool continues(const LayoutSource *a, const LayoutSource *b, int64_t distance) {
    return a->operand == b->operand && a->run == b->run && a->channel + distance == b->channel;
}

/* ---- views ---- */

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

static const char copied_as_written[] = "layout ops are copied as written, as was asked for";

static const char *place_of(const Node *node) {
    return node->path[0] ? node->path : "the spec";
}

/* Why the value is better copied than read as the view; NULL where it is not. Outputs count for
 * nothing here: they are copied from anywhere. */
static const char *objection(const Emission *emission, const Value *value, const Placement *view) {
    int pieces = view->run_count, buffers = count_buffers(view->runs, pieces), once = 0;
    if (emission->compilation->options.copy_layout)
        return copied_as_written;
    if (buffers > MOST_VIEW_BUFFERS)
        return arena_format(emission->arena,
            "its channels lie in %d buffers, more than a kernel should have parameters for",
            buffers);
    if (!placement_is_scattered(view))
        return NULL;
    if (pieces > MOST_NUMBER_RUNS)
        return arena_format(emission->arena, "its channels lie in %d pieces", pieces);
    for (const Node *node = emission->graph->first; node; node = node->next)
        for (int i = 0; i < node->operand_count; i++) {
            if (node->operands[i] != value)
                continue;
            Reading reading = reading_of(node);
            once += reading == READING_ONCE;
            if (reading == READING_VECTORS)
                return arena_format(emission->arena,
                    "the %s of %s reads vectors of channels again and again, and they lie in %d "
                    "pieces",
                    op_info(node->op)->name, place_of(node), pieces);
            if (once > 1)
                return arena_format(emission->arena,
                    "several ops read vectors of channels that lie in %d pieces", pieces);
        }
    return NULL;
}

static Placement *make_view(Emission *emission, const Placement *const *operands,
    const LayoutSource *sources, int64_t count) {
    Placement *view = ARENA_NEW(emission->arena, Placement);
    *view = *operands[0];
    view->channels = count;
    view->run_count = 0;
    view->runs = ARENA_ARRAY(emission->arena, Run, count);
    for (int64_t first = 0; first < count;) {
        int64_t end = first + 1;
        while (end < count && continues(&sources[first], &sources[end], end - first))
            end++;
        Run *run = &view->runs[view->run_count++];
        *run = operands[sources[first].operand]->runs[sources[first].run];
        run->offset += sources[first].channel * run->channel_stride;
        run->first_channel = first;
        run->channel_count = end - first;
        first = end;
    }
    placement_share_parameters(view);
    return view;
}

/* ---- flatten ---- */

static bool is_linear(const Node *reader, const void *context) {
    (void)context;
    return reader->op == OP_linear;
}

/* All numbers of an image in a row, in the order in which they lie. */
static Placement *row_of_numbers(Emission *emission, const Placement *from) {
    Placement *row = ARENA_NEW(emission->arena, Placement);
    *row = *from;
    row->channels = from->channels * from->height * from->width;
    row->height = row->width = 1;
    row->flattened_pixels = from->height * from->width;
    row->runs = ARENA_NEW(emission->arena, Run);
    row->runs[0] = from->runs[0];
    row->runs[0].channel_count = row->channels;
    row->runs[0].pixel_stride = row->runs[0].row_stride = row->runs[0].image_stride;
    return row;
}

static bool is_dense_image(const Placement *placement) {
    const Run *run = &placement->runs[0];
    return placement->run_count == 1 && run->channel_stride == 1 &&
           run->pixel_stride == placement->channels &&
           run->row_stride == placement->width * placement->channels;
}

static bool lower_flatten(Emission *emission, const Node *node) {
    const Placement *from = value_placement(emission, node->operands[0]);
    Placement *to;
    if (from->height * from->width == 1) { /* the same numbers in the same order: a view */
        to = ARENA_NEW(emission->arena, Placement);
        *to = *from;
        emission->placements[node->results[0]->id] = to;
        return true;
    }
    if (is_dense_image(from) &&
        graph_is_read_only_by(emission->graph, node->results[0], is_linear, NULL)) {
        emission->placements[node->results[0]->id] = row_of_numbers(emission, from);
        return true;
    }
    to = place_result(emission, node->results[0]);
    Placement planar = *from;
    Run run = to->runs[0];
    run.channel_count = from->channels;
    run.channel_stride = from->height * from->width;
    run.row_stride = from->width;
    run.pixel_stride = 1;
    planar.runs = &run;
    planar.run_count = 1;
    lower_copy(emission, node, from, &planar, "flatten",
        "the flattened numbers have the order of NCHW, and not only linear reads them");
    return true;
}

/* Pieces are copied one by one, by code of their own. Passes may have made the node of others: it
 * is not named, but shown where its first was written. */
static bool few_pieces(const Emission *emission, const Node *node, const Placement *view) {
    if (view->run_count <= MOST_PIECES)
        return true;
    diagnostics_report(emission->diagnostics, SEVERITY_ERROR, node->where, NULL,
        "the channels would have to be copied in %d pieces, more than %d", view->run_count,
        MOST_PIECES);
    return false;
}

/* ---- crop ---- */

/* A view: the same rows, of which fewer are looked at. */
static bool lower_crop(Emission *emission, const Node *node) {
    const Placement *from = value_placement(emission, node->operands[0]);
    const int64_t *margins = node_list(node, "margins").items;
    const int64_t *dims = node->results[0]->type.dims;
    Placement *view = ARENA_NEW(emission->arena, Placement);
    *view = *from;
    view->height = dims[2];
    view->width = dims[3];
    view->runs = ARENA_ARRAY(emission->arena, Run, from->run_count);
    for (int i = 0; i < from->run_count; i++) {
        Run *run = &view->runs[i];
        *run = from->runs[i];
        run->offset += margins[0] * run->row_stride + margins[1] * run->pixel_stride;
    }
    placement_share_parameters(view);
    if (emission->compilation->options.copy_layout)
        lower_copy(emission, node, view, place_result(emission, node->results[0]), "crop",
            copied_as_written);
    else
        emission->placements[node->results[0]->id] = view;
    return true;
}

bool lower_layout(Emission *emission, const Node *node) {
    if (op_moves_numbers(node->op))
        return lower_arrangement(emission, node);
    if (node->op == OP_flatten || node->op == OP_unflatten)
        return lower_flatten(emission, node);
    if (node->op == OP_crop)
        return lower_crop(emission, node);
    Arena *arena = emission->arena;
    const Placement **operands = ARENA_ARRAY(arena, const Placement *, node->operand_count);
    for (int i = 0; i < node->operand_count; i++)
        operands[i] = value_placement(emission, node->operands[i]);
    for (int result = 0; result < node->result_count; result++) {
        Value *value = node->results[result];
        int64_t count = value->type.dims[1];
        if (emission->owned[value->id]) { /* the sources wrote themselves there */
            emission->placements[value->id] = emission->owned[value->id];
            continue;
        }
        Placement *view =
            make_view(emission, operands, find_sources(arena, operands, value), count);
        const char *reason = objection(emission, value, view);
        if (!reason) {
            emission->placements[value->id] = view;
            continue;
        }
        if (!few_pieces(emission, node, view))
            return false;
        for (int i = 0; i < node->operand_count; i++)
            operands[i] = make_channels_last(emission, node, operands[i]);
        view = make_view(emission, operands, find_sources(arena, operands, value), count);
        lower_gathering_copy(emission, node, view, place_result(emission, value), reason);
    }
    return true;
}
