#include "backends/schedule/stored.h"
#include "backends/program/arranged.h"
#include "backends/program/buffers.h"
#include "backends/program/placement.h"
#include "backends/schedule/arrangements.h"
#include "backends/schedule/decisions.h"
#include "backends/schedule/lowering.h"
#include "backends/schedule/routes.h"
#include "backends/schedule/winograd.h"
#include "ir/arena.h"
#include "ir/graph.h"
#include "ir/index_map.h"

static bool is_padded(const Decisions *decisions, const TensorType *type) {
    int64_t channels = tensor_channels(type);
    return pixel_distance(decisions->compilation->target, element_lane_type(type->element),
               channels) != channels;
}

static void spread_pixels(Run *run) {
    run->pixel_stride *= 2;
    run->row_stride *= 2;
    run->image_stride *= 2;
}

/* As the value will be placed, but for the distance of pixels and the buffers: one run of all
 * channels, or one for each range of them that a route owns. Where pixels are padded, or may have
 * channels of other values between them, they lie apart here, too: no channel follows the last one
 * of the pixel before. */
static Placement *likely_placement(const Decisions *decisions, const Value *value) {
    const GraphOutput *output = decisions->outputs[value->id];
    const Claim *claims = decisions->claims[value->id];
    Placement *placement = dense_placement(
        decisions->arena, &value->type, 0, output ? output->layout : LAYOUT_NHWC, output != NULL);
    int64_t channels = placement->channels;
    if (claims || (!output && is_padded(decisions, &value->type)))
        spread_pixels(&placement->runs[0]);
    const Run whole = placement->runs[0];
    if (claims)
        placement->runs = ARENA_ARRAY(decisions->arena, Run, channels);
    placement->runs[0] = whole;
    for (int64_t c = 1; claims && c < channels; c++) {
        Run *run = &placement->runs[placement->run_count - 1];
        if (continues_claim(&claims[c - 1], &claims[c]))
            continue;
        run->channel_count = c - run->first_channel;
        run[1] = whole;
        run[1].first_channel = c;
        run[1].channel_count = channels - c;
        placement->run_count++;
    }
    return placement;
}

/* Whether the kernels that compute the value can store each number several times. */
static bool can_repeat(const Decisions *decisions, const Node *node) {
    WinogradBlock block;
    KernelFamily family = kernel_family(node);
    return (family == KERNELS_PRODUCT && !takes_winograd(decisions, node, &block)) ||
           family == KERNELS_ELEMENTS || family == KERNELS_WINDOW;
}

/* Why the part must be copied; NULL where its source can be stored in place. */
static const char *objection(
    const Decisions *decisions, ArrangedPart *part, const int *uses, bool is_stored) {
    const Value *source = part->source;
    const Node *producer = source->producer;
    if (decisions->compilation->options.copy_layout)
        return "layout ops are copied as written, as was asked for";
    if (!producer)
        return "the caller gives it in an order of its own";
    if (producer->op == OP_constant)
        return "it is a constant";
    if (decisions->outputs[source->id])
        return "it is an output, too";
    if (is_stored || decisions->claims[source->id])
        return "it lies in another tensor already";
    if (uses[source->id] != 1 && decisions->outputs[part->arrangement->value->id])
        return "others read it, too, and the caller's memory is only written";
    bool whole = !stores_by_runs(producer); /* one run, with any strides, if it computes */
    if (whole && kernel_family(producer) != KERNELS_REDUCTION)
        return arena_format(
            decisions->arena, "kernels of %s write whole tensors", op_info(producer->op)->name);
    if (index_map_repeats(&part->map) && !can_repeat(decisions, producer))
        return arena_format(
            decisions->arena, "kernels of %s write each number once", op_info(producer->op)->name);
    const Placement *place = arranged_placement(decisions->arena,
        likely_placement(decisions, part->arrangement->value), source, &part->map);
    if (!place || (whole && place->run_count > 1))
        return "rows or channels of it fall apart there";
    part->dense = pixels_are_dense(place);
    return NULL;
}

const ArrangedPart **store_arrangements(const Decisions *decisions) {
    const Graph *graph = decisions->graph;
    int values = graph->next_value_id + 1;
    const int *uses = graph_use_counts(graph, decisions->arena);
    const ArrangedPart **stored = ARENA_ARRAY(decisions->arena, const ArrangedPart *, values);
    for (int id = 0; id < values; id++)
        for (int i = 0; decisions->arrangements[id] && i < decisions->arrangements[id]->part_count;
            i++) {
            ArrangedPart *part = &decisions->arrangements[id]->parts[i];
            part->reason = objection(decisions, part, uses, stored[part->source->id] != NULL);
            if (!part->reason)
                stored[part->source->id] = part;
        }
    return stored;
}

bool lies_elsewhere(const Decisions *decisions, const Value *value) {
    return decisions->outputs[value->id] || decisions->stored[value->id] ||
           (value->producer && value->producer->op == OP_constant) ||
           (value->producer && op_moves_numbers(value->producer->op) &&
               !decisions->arrangements[value->id]);
}
