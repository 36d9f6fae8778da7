/* From graph to kernels for a GPU. */
#include "backends/lower/gpu.h"
#include "backends/gpu/gpu.h"
#include "backends/program/emission.h"
#include "backends/schedule/arrangements.h"
#include "backends/schedule/lowering.h"
#include "ir/arena.h"
#include "ir/diagnostics.h"
#include "ir/graph.h"
#include <assert.h>
#include <string.h>

static bool lower_node(GpuLowering *gpu, const Node *node) {
    if (gpu->fused_into[node->results[0]->id])
        return true; /* its reader computes it */
    const Node *producer = node->operand_count > 0 ? node->operands[0]->producer : NULL;
    if (producer && gpu->fused_into[node->operands[0]->id] == node)
        return gpu_lower_convolution(gpu, node);
    switch (gpu_family(node)) {
    case GPU_CONVOLUTION:
        return gpu_lower_convolution(gpu, node);
    case GPU_MAP:
        return gpu_lower_map(gpu, node);
    case GPU_ARRANGE:
        return gpu_arrange(gpu, node);
    case GPU_VIEW:
        gpu_view(gpu, node);
        return true;
    case GPU_CONSTANT:
        gpu_constant(gpu, node);
        return true;
    case GPU_REDUCE:
        return gpu_lower_reduce(gpu, node);
    case GPU_NO_CODE:
        diagnostics_report(gpu->emission.diagnostics, SEVERITY_ERROR, node->where,
            "compile without --precision int8", "there is no code for '%s' on GPUs",
            op_info(node->op)->name);
        return false;
    case GPU_NONE:
        break;
    }
    assert(false && "an op that has_kernels looks for");
    return false;
}

/* A kernel writes the caller's output itself when nobody else reads the value. */
static void choose_direct_outputs(GpuLowering *gpu) {
    const Graph *graph = gpu->emission.graph;
    for (int i = 0; i < graph->output_count; i++) {
        const GraphOutput *output = &graph->outputs[i];
        const Node *producer = output->value->producer;
        if (producer && !op_moves_channels(producer->op) && producer->op != OP_constant &&
            producer->op != OP_pixels && producer->op != OP_flatten &&
            producer->op != OP_unflatten && producer->op != OP_crop &&
            graph_use_count(graph, output->value) == 1)
            gpu->direct[output->value->id] = output;
    }
}

static void copy_other_outputs(GpuLowering *gpu) {
    const Graph *graph = gpu->emission.graph;
    for (int i = 0; i < graph->output_count; i++) {
        const GraphOutput *output = &graph->outputs[i];
        if (gpu->direct[output->value->id] == output)
            continue;
        gpu_copy(gpu, output->value->producer, gpu_tensor(gpu, output->value),
            gpu_output_tensor(gpu, i),
            arena_format(gpu->emission.arena, "copy to output %s", output->name),
            "other layers read it, too, or it is what layout ops make of several tensors");
    }
}

static bool lower_all(GpuLowering *gpu) {
    bool good = true;
    gpu_add_public_buffers(gpu);
    gpu->arrangements = find_arrangements(gpu->emission.graph, gpu->emission.arena);
    choose_direct_outputs(gpu);
    gpu_find_fusions(gpu);
    gpu_claim_planes(gpu);
    for (const Node *node = gpu->emission.graph->first; node && good; node = node->next)
        good = lower_node(gpu, node);
    if (good)
        copy_other_outputs(gpu);
    return good && gpu_finish(gpu);
}

bool gpu_lower(Emission *emission) {
    Arena *arena = emission->arena;
    int64_t values = emission->graph->next_value_id + 1;
    GpuLowering gpu = {.emission = *emission};
    gpu.tensors = ARENA_ARRAY(arena, Tensor *, values);
    gpu.claims = ARENA_ARRAY(arena, Claim *, values);
    gpu.owned = ARENA_ARRAY(arena, Tensor *, values);
    gpu.fused_into = ARENA_ARRAY(arena, const Node *, values);
    gpu.direct = ARENA_ARRAY(arena, const GraphOutput *, values);
    return lower_all(&gpu);
}
