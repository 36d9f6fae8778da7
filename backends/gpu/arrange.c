/* rearrange, slice and join: each source is copied to where its numbers are in the result. */
#include "backends/gpu/gpu.h"
#include "backends/program/arranged.h"
#include "backends/program/placement.h"
#include "backends/schedule/arrangements.h"
#include "ir/arena.h"
#include "ir/diagnostics.h"
#include "ir/graph.h"

/* The planes as runs, of a channel each; a tensor without channels is one run. */
static Placement placement_of_tensor(Arena *arena, const Tensor *tensor, int rank) {
    bool has_channels = rank_has_channels(rank);
    Placement placement = {.images = tensor->images,
        .channels = tensor->channels,
        .height = tensor->height,
        .width = tensor->width,
        .element = LANE_F32,
        .run_count = has_channels ? (int)tensor->channels : 1};
    placement.runs = ARENA_ARRAY(arena, Run, placement.run_count);
    for (int i = 0; i < placement.run_count; i++)
        placement.runs[i] = (Run){.first_channel = i,
            .channel_count = has_channels ? 1 : tensor->channels,
            .buffer = tensor->planes[i].buffer,
            .offset = tensor->planes[i].offset,
            .channel_stride = 1,
            .pixel_stride = tensor->pixel_stride,
            .row_stride = tensor->row_stride,
            .image_stride = tensor->image_stride};
    return placement;
}

static Tensor tensor_of_placement(Arena *arena, const Placement *placement) {
    const Run *any = &placement->runs[0];
    Tensor tensor = {.planes = ARENA_ARRAY(arena, Plane, placement->channels),
        .images = placement->images,
        .channels = placement->channels,
        .height = placement->height,
        .width = placement->width,
        .image_stride = any->image_stride,
        .row_stride = any->row_stride,
        .pixel_stride = any->pixel_stride};
    for (int i = 0; i < placement->run_count; i++) {
        const Run *run = &placement->runs[i];
        for (int64_t c = 0; c < run->channel_count; c++)
            tensor.planes[run->first_channel + c] =
                (Plane){run->buffer, run->offset + c * run->channel_stride};
    }
    return tensor;
}

static bool copy_part(
    GpuLowering *gpu, const Node *node, const ArrangedPart *part, const Tensor *result) {
    Arena *arena = gpu->emission.arena;
    Placement from = placement_of_tensor(
        arena, gpu_make_floats(gpu, node, part->source), part->source->type.rank);
    Placement to = placement_of_tensor(arena, result, node->results[0]->type.rank);
    ArrangedPiece *pieces;
    int count = arranged_pieces(arena, &part->map, &from, &to, &pieces);
    if (count < 0) {
        diagnostics_report(gpu->emission.diagnostics, SEVERITY_ERROR, node->where, NULL,
            "the numbers would have to be copied in more than %d pieces", MOST_ARRANGED_PIECES);
        return false;
    }
    for (int i = 0; i < count; i++) {
        Tensor *tensors = ARENA_ARRAY(arena, Tensor, 2);
        tensors[0] = tensor_of_placement(arena, &pieces[i].from);
        tensors[1] = tensor_of_placement(arena, &pieces[i].to);
        gpu_copy(gpu, node, &tensors[0], &tensors[1], op_info(node->op)->name,
            "kernels for a GPU write whole planes");
    }
    return true;
}

bool gpu_arrange(GpuLowering *gpu, const Node *node) {
    const Value *value = node->results[0];
    const Arrangement *arrangement = gpu->arrangements[value->id];
    if (!arrangement) /* only others of its kind read it */
        return true;
    const Tensor *result = gpu_place(gpu, value);
    bool good = true;
    for (int i = 0; i < arrangement->part_count && good; i++)
        good = copy_part(gpu, node, &arrangement->parts[i], result);
    return good;
}
