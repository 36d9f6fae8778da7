/* The decisions in their order: each looks at those before it. */
#include "backends/schedule/decisions.h"
#include "backends/program/compilation.h"
#include "backends/schedule/arrangements.h"
#include "backends/schedule/chains.h"
#include "backends/schedule/liveness.h"
#include "backends/schedule/owned.h"
#include "backends/schedule/routes.h"
#include "backends/schedule/stored.h"
#include "ir/arena.h"
#include "ir/graph.h"

/* What has the same numbers in the same order under another shape. */
static const Value *before_renaming(const Value *value) {
    while (value->producer && node_renames_channels(value->producer))
        value = value->producer->operands[0];
    return value;
}

/* An output can be written in place by its producer when the layout is one that kernels write. */
static void choose_direct_outputs(Decisions *decisions) {
    const Graph *graph = decisions->graph;
    for (int i = 0; i < graph->output_count; i++) {
        const GraphOutput *output = &graph->outputs[i];
        const TensorType *type = &output->value->type;
        bool flat = type->rank != 4 || type->dims[2] * type->dims[3] == 1;
        const Value *written = before_renaming(output->value);
        const Node *producer = written->producer;
        bool by_kernel = producer && !op_moves_channels(producer->op) &&
                         producer->op != OP_constant && producer->op != OP_flatten &&
                         producer->op != OP_crop;
        bool anywhere =
            flat || output->layout == LAYOUT_NHWC || (producer && op_moves_numbers(producer->op));
        if (!anywhere || !by_kernel || decisions->outputs[written->id] ||
            decisions->outputs[output->value->id])
            continue;
        decisions->outputs[written->id] = output;
        decisions->outputs[output->value->id] = output;
    }
}

const Decisions *decide(const Graph *graph, const Compilation *compilation, Arena *arena) {
    Decisions *decisions = ARENA_NEW(arena, Decisions);
    *decisions = (Decisions){.compilation = compilation, .graph = graph, .arena = arena};
    decisions->outputs = ARENA_ARRAY(arena, const GraphOutput *, graph->next_value_id + 1);
    decisions->arrangements = find_arrangements(graph, arena);
    choose_direct_outputs(decisions);
    claim_routes(decisions);
    decisions->stored = store_arrangements(decisions);
    find_chains(decisions);
    Liveness *liveness = liveness_create(decisions, arena);
    liveness_schedule(liveness);
    cut_owned_tensors(decisions, liveness);
    decisions->live_bytes = liveness_bound(liveness);
    decisions->order = liveness_nodes(liveness);
    return decisions;
}
