/* Lowering: walks the graph once, lets each family of ops emit kernels and calls, then plans
 * memory.
 *
 * Inside the network tensors are channels last, without padding between pixels. Vector loads may
 * read past the last channel of a pixel (lanes that nobody looks at), so the workspace ends with
 * one vector of slack; the caller's own buffers are read and written exactly. */
#include "backends/lower/lower.h"
#include "backends/kernels/copy.h"
#include "backends/kernels/gather.h"
#include "backends/kernels/kernels.h"
#include "backends/lower/convolution.h"
#include "backends/lower/gpu.h"
#include "backends/program/buffers.h"
#include "backends/program/lowering.h"
#include "backends/program/options.h"
#include "backends/program/placement.h"
#include "backends/program/program.h"
#include "backends/program/summary.h"
#include "backends/program/workspace.h"
#include "backends/schedule/chains.h"
#include "backends/schedule/in_place.h"
#include "backends/schedule/liveness.h"
#include "backends/schedule/owned.h"
#include "backends/schedule/routes.h"
#include "backends/target/target.h"
#include "ir/arena.h"
#include "ir/diagnostics.h"
#include "ir/graph.h"
#include "ir/resting.h"
#include <assert.h>
#include <string.h>

/* ---- the walk ---- */

static bool lower_node(Lowering *lowering, const Node *node) {
    if (node->op == OP_max_pool && node->results[0]->type.element == ELEMENT_U8)
        return lower_quantized(lowering, node);
    if (lowering_chain_previous(lowering, node))
        return lower_chain(lowering, node);
    switch (node->op) {
    case OP_quantize:
    case OP_quantized_conv:
    case OP_quantized_linear:
        return lower_quantized(lowering, node);
    case OP_conv:
    case OP_linear:
        return lower_convolution(lowering, node);
    case OP_pad:
    case OP_max_pool:
    case OP_avg_pool:
        return lower_chain(lowering, node);
    case OP_relu:
    case OP_relu6:
    case OP_sigmoid:
    case OP_hard_sigmoid:
    case OP_hard_swish:
    case OP_add:
    case OP_multiply:
        return lower_elementwise(lowering, node);
    case OP_concat:
    case OP_split:
    case OP_shuffle:
    case OP_gather:
    case OP_route:
    case OP_flatten:
    case OP_unflatten:
    case OP_crop:
        return lower_layout(lowering, node);
    case OP_global_avg_pool:
    case OP_softmax:
    case OP_local_response_norm:
        return lower_reduction(lowering, node);
    case OP_batch_norm:
    case OP_bias:
    case OP_range:
    case OP_COUNT:
        break;
    }
    diagnostics_report(lowering->diagnostics, SEVERITY_ERROR, node->where,
        "every optimisation level has the passes that remove it: see `riffle passes`",
        "'%s' has no kernel; the pipeline must remove it", op_info(node->op)->name);
    return false;
}

/* What has the same numbers in the same order under another shape. */
static const Value *before_renaming(const Value *value) {
    while (value->producer && node_renames_channels(value->producer))
        value = value->producer->operands[0];
    return value;
}

/* An output can be written in place by its producer when the layout is one that kernels write. */
static void choose_direct_outputs(Lowering *lowering) {
    const Graph *graph = lowering->graph;
    for (int i = 0; i < graph->output_count; i++) {
        const GraphOutput *output = &graph->outputs[i];
        const TensorType *type = &output->value->type;
        bool flat = type->rank < 4 || type->dims[2] * type->dims[3] == 1;
        const Value *written = before_renaming(output->value);
        const Node *producer = written->producer;
        bool by_kernel = producer && !op_moves_channels(producer->op) &&
                         producer->op != OP_flatten && producer->op != OP_crop;
        if ((!flat && output->layout != LAYOUT_NHWC) || !by_kernel ||
            lowering->outputs[written->id] || lowering->outputs[output->value->id])
            continue;
        lowering->outputs[written->id] = output;
        lowering->outputs[output->value->id] = output;
    }
}

static const char *output_reason(const Lowering *lowering, const GraphOutput *output) {
    const Node *producer = output->value->producer;
    if (lowering->outputs[output->value->id])
        return "the same tensor is another output, too";
    if (!producer)
        return "the output is an input";
    const TensorType *type = &output->value->type;
    if (output->layout == LAYOUT_NCHW && type->rank == 4 && type->dims[2] * type->dims[3] > 1)
        return "the caller wants NCHW, and kernels write NHWC";
    return arena_format(lowering->arena,
        "the output is what %s makes of tensors that have places of their own",
        op_info(producer->op)->name);
}

static void copy_other_outputs(Lowering *lowering) {
    const Graph *graph = lowering->graph;
    for (int i = 0; i < graph->output_count; i++) {
        const GraphOutput *output = &graph->outputs[i];
        if (lowering->outputs[output->value->id] == output)
            continue;
        int buffer = 1 + graph->input_count + i;
        Placement *to =
            dense_placement(lowering, &output->value->type, buffer, output->layout, true);
        const Placement *from = lowering_placement(lowering, output->value);
        const Node *producer = output->value->producer;
        const char *reason = output_reason(lowering, output);
        if (placement_is_scattered(from) && to->runs[0].channel_stride == 1)
            lower_gathering_copy(
                lowering, producer, lowering_channels_last(lowering, producer, from), to, reason);
        else
            lower_copy(lowering, producer, from, to,
                arena_format(lowering->arena, "copy to output %s", output->name), reason);
    }
}

/* Whether code for bf16 can be made for the target, where the graph needs it. */
static bool has_bf16(Lowering *lowering) {
    if (lowering->target->bf16 != BF16_NONE)
        return true;
    for (const Node *node = lowering->graph->first; node; node = node->next) {
        const Weight *weight = op_multiplies(node->op) ? node_weight(node, "weight") : NULL;
        bool halves = weight && weight->type.element == ELEMENT_BF16;
        for (int i = 0; i < node->result_count; i++)
            halves = halves || node->results[i]->type.element == ELEMENT_BF16;
        if (!halves)
            continue;
        diagnostics_report(lowering->diagnostics, SEVERITY_ERROR, node->where,
            arena_format(lowering->arena, "%s have it", target_names_with_bf16(lowering->arena)),
            "there is no code for bf16 on '%s'", lowering->target->name);
        return false;
    }
    return true;
}

static void add_public_buffers(Lowering *lowering) {
    const Graph *graph = lowering->graph;
    add_buffer(lowering, BUFFER_WEIGHTS, 0, 0, "weights");
    for (int i = 0; i < graph->input_count; i++) {
        const GraphInput *input = &graph->inputs[i];
        int64_t bytes = tensor_elements(&input->value->type) * (int64_t)sizeof(float);
        int buffer = add_buffer(lowering, BUFFER_INPUT, i, bytes, input->value->name);
        lowering->placements[input->value->id] =
            dense_placement(lowering, &input->value->type, buffer, input->layout, true);
    }
    for (int i = 0; i < graph->output_count; i++) {
        int64_t bytes = tensor_elements(&graph->outputs[i].value->type) * (int64_t)sizeof(float);
        add_buffer(lowering, BUFFER_OUTPUT, i, bytes, graph->outputs[i].name);
    }
}

Program *program_lower(
    const Graph *graph, const Target *target, Arena *arena, Diagnostics *diagnostics) {
    LowerOptions options = {0};
    return program_lower_with(graph, target, &options, arena, diagnostics);
}

Program *program_lower_with(const Graph *graph, const Target *target, const LowerOptions *options,
    Arena *arena, Diagnostics *diagnostics) {
    for (const Weight *weight = graph->first_weight; weight; weight = weight->next)
        if (!weight->data) {
            diagnostics_report(diagnostics, SEVERITY_ERROR, weight->where,
                "give --weights FILE or --random-weights SEED", "weight '%s' has no data",
                weight->path);
            return NULL;
        }
    Program *program = ARENA_NEW(arena, Program);
    program->measured = ARENA_NEW(arena, Measured);
    program->arena = arena;
    program->name = graph->name;
    program->target = target;
    program->input_count = graph->input_count;
    program->output_count = graph->output_count;
    program->winograd = options->winograd;
    Lowering lowering = {.program = program,
        .graph = graph,
        .target = target,
        .arena = arena,
        .diagnostics = diagnostics,
        .copy_layout = options->copy_layout,
        .chains = options->chains,
        .winograd = options->winograd,
        .ring_bytes = options->ring_bytes > 0 ? options->ring_bytes : MOST_LOCAL_BYTES};
    if (!has_bf16(&lowering))
        return NULL;
    lowering.placements = ARENA_ARRAY(arena, Placement *, graph->next_value_id + 1);
    lowering.outputs = ARENA_ARRAY(arena, const GraphOutput *, graph->next_value_id + 1);
    if (target->gpu) {
        if (gpu_lower(&lowering))
            return program;
        program_destroy(program);
        return NULL;
    }
    add_public_buffers(&lowering);
    choose_direct_outputs(&lowering);
    lowering_claim_routes(&lowering);
    lowering_find_chains(&lowering);
    Liveness *liveness = liveness_create(&lowering, arena);
    liveness_schedule(liveness);
    lowering_make_owned(&lowering, liveness);
    program->live_bytes = liveness_bound(liveness);
    const Node **nodes = liveness_nodes(liveness);
    lowering.unread = graph_use_counts(graph, arena);
    bool good = true;
    for (const Node *const *node = nodes; good && *node; node++) {
        good = lower_node(&lowering, *node);
        node_rest_weights(*node);
        lowering_count_reads(&lowering, *node);
    }
    if (!good) {
        program_destroy(program);
        return NULL;
    }
    copy_other_outputs(&lowering);
    resting_append(&program->weights, 64);
    program->buffers[0].bytes = (int64_t)program->weights.length;
    plan_workspace(&lowering);
    program_count(program);
    return program;
}

bool program_weights_equal(const Program *a, const Program *b) {
    return a->weights.length == b->weights.length &&
           memcmp(a->weights.data, b->weights.data, a->weights.length) == 0;
}
