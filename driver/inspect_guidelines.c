/* Finds where the guidelines of the ShuffleNet V2 paper are broken.
 *
 * G1 and G2 compare a convolution with one of the same MACs, pixels and kernel: of equal widths,
 * and of one group. G3 compares all the convolutions of a block with a single 1x1 of the same MACs.
 * G4 is what an op costs as a kernel of its own; whether it becomes one is up to the passes, which
 * is why that is counted apart. */
#include "driver/inspect_guidelines.h"

#include "backends/backends.h"
#include "backends/schedule/layer_cost.h"
#include "frontend/frontend.h"
#include "ir/formula.h"
#include "passes/passes.h"

#include <math.h>
#include <string.h>

/* Widths of 1 to 2 move 6 % more than equal ones: the least that the paper measures. */
static const double least_excess = 0.05;
enum { DEEPEST_BLOCK = 64 }; /* joins within joins */

typedef struct BlockSearch {
    const Compilation *compilation;
    Arena *arena;
    const int *use_counts;
    bool *in_block; /* by value id: already part of a block that was named */
    Guidelines *guidelines;
} BlockSearch;

static bool is_elementwise(OpKind op) {
    return op_computes_elements(op) || op == OP_batch_norm || op == OP_bias;
}

static bool is_layout_op(OpKind op) {
    return op_moves_channels(op) || op == OP_pad || op == OP_crop || op == OP_take;
}

static void add_finding(BlockSearch *search, LayerBound *layer, Finding finding) {
    Guidelines *guidelines = search->guidelines;
    finding.node = layer->node;
    guidelines->findings[guidelines->finding_count++] = finding;
    layer->broken |= 1u << finding.guideline;
}

/* ---- G1 and G2 ---- */

static void compare_with(BlockSearch *search, LayerBound *layer, const ConvolutionShape *shape,
    const ConvolutionShape *better, Guideline guideline, const char *what) {
    double bytes = convolution_bytes(shape) - convolution_bytes(better);
    if (bytes < least_excess * convolution_bytes(shape))
        return;
    double cycles = convolution_cycles(search->compilation, shape) -
                    convolution_cycles(search->compilation, better);
    const char *suggestion =
        arena_format(search->arena, "%lld to %lld channels%s%s", (long long)better->inputs,
            (long long)better->outputs, guideline == GUIDELINE_GROUPS ? " in one group" : "",
            cycles > 0 ? "" : "; no gain on this target");
    add_finding(search, layer,
        (Finding){.guideline = guideline,
            .what = what,
            .suggestion = suggestion,
            .bytes = bytes,
            .cycles = cycles});
}

static void find_unbalanced(BlockSearch *search, LayerBound *layer, const ConvolutionShape *shape) {
    if (layer->node->operands[0]->producer == NULL)
        return; /* the caller's channels are given */
    ConvolutionShape balanced = convolution_balanced(shape, shape->groups);
    compare_with(search, layer, shape, &balanced, GUIDELINE_BALANCED,
        arena_format(search->arena, "%lld to %lld channels", (long long)shape->inputs,
            (long long)shape->outputs));
}

static void find_groups(BlockSearch *search, LayerBound *layer, const ConvolutionShape *shape) {
    if (shape->groups == 1)
        return;
    double root = sqrt((double)shape->groups);
    ConvolutionShape dense = *shape;
    dense.groups = 1;
    dense.inputs = llround((double)shape->inputs / root);
    dense.outputs = llround((double)shape->outputs / root);
    compare_with(search, layer, shape, &dense, GUIDELINE_GROUPS,
        arena_format(search->arena, "%lld to %lld channels in %lld groups",
            (long long)shape->inputs, (long long)shape->outputs, (long long)shape->groups));
}

static void look_at_convolution(
    BlockSearch *search, LayerBound *layer, const ConvolutionShape *shape) {
    layer->has_bound = true;
    layer->bound_bytes = convolution_bound_bytes(shape, shape->groups);
    layer->bound_one_group_bytes = convolution_bound_bytes(shape, 1);
    if (layer->node->op != OP_conv)
        return; /* the classes of a classifier are given, and it has one pixel */
    if (convolution_shape_is_depthwise(shape)) {
        add_finding(search, layer,
            (Finding){.guideline = GUIDELINE_ELEMENTWISE,
                .what = "depthwise",
                .bytes = convolution_bytes(shape),
                .cycles = layer->cycles});
        return;
    }
    find_unbalanced(search, layer, shape);
    find_groups(search, layer, shape);
}

/* ---- G3 ---- */

/* Convolutions and poolings that belong together. */
typedef struct NetworkBlock {
    int operators;
    double macs, bytes, cycles;
    double pixels; /* of the results of the last convolution that was added */
} NetworkBlock;

static bool is_pool(OpKind op) {
    return op == OP_max_pool || op == OP_avg_pool;
}

static void add_to_block(BlockSearch *search, NetworkBlock *block, const Node *node) {
    ConvolutionShape shape;
    block->operators++;
    if (!convolution_shape(node, &shape))
        return;
    block->macs += convolution_macs(&shape);
    block->bytes += convolution_bytes(&shape);
    block->cycles += convolution_cycles(search->compilation, &shape);
    block->pixels = (double)shape.out_pixels;
}

static bool is_join(const Node *node) {
    return node->op == OP_concat || (node->op == OP_add && node->operand_count == 2);
}

/* Goes up from a value through ops that have one reader, into joins, too. */
static void follow(BlockSearch *search, const Value *value, int depth, NetworkBlock *block) {
    while (value->producer != NULL && search->use_counts[value->id] == 1) {
        const Node *node = value->producer;
        if (is_join(node)) {
            if (depth >= DEEPEST_BLOCK)
                return;
            search->in_block[value->id] = true;
            for (int i = 0; i < node->operand_count; i++)
                follow(search, node->operands[i], depth + 1, block);
            return;
        }
        if (node->operand_count != 1)
            return;
        if (node->op == OP_conv || is_pool(node->op))
            add_to_block(search, block, node);
        else if (!is_elementwise(node->op))
            return;
        value = node->operands[0];
    }
}

/* One 1x1 convolution of equal widths with the MACs of the block. */
static ConvolutionShape merged_block(const NetworkBlock *block) {
    ConvolutionShape one = {.in_pixels = (int64_t)block->pixels,
        .out_pixels = (int64_t)block->pixels,
        .groups = 1,
        .taps = 1};
    one.inputs = one.outputs = llround(sqrt(block->macs / block->pixels));
    if (one.inputs < 1)
        one.inputs = one.outputs = 1;
    return one;
}

static void add_block(
    BlockSearch *search, LayerBound *layer, const NetworkBlock *block, const char *what) {
    ConvolutionShape one = merged_block(block);
    double cycles = block->cycles - convolution_cycles(search->compilation, &one);
    add_finding(search, layer,
        (Finding){.guideline = GUIDELINE_FRAGMENTS,
            .what = what,
            .suggestion = arena_format(search->arena, "one 1x1 of %lld channels%s",
                (long long)one.outputs, cycles > 0 ? "" : "; no gain on this target"),
            .bytes = block->bytes - convolution_bytes(&one),
            .cycles = cycles});
}

static void find_branches(BlockSearch *search, LayerBound *layer) {
    const Node *node = layer->node;
    if (!is_join(node) || search->in_block[node->results[0]->id])
        return;
    NetworkBlock block = {0};
    int branches = 0;
    for (int i = 0; i < node->operand_count; i++) {
        int before = block.operators;
        follow(search, node->operands[i], 0, &block);
        branches += block.operators > before;
    }
    if (branches > 1 && block.macs > 0)
        add_block(search, layer, &block,
            arena_format(search->arena, "%d operators in %d branches", block.operators, branches));
}

static bool is_dense_pointwise(const Node *node, ConvolutionShape *shape) {
    return node->op == OP_conv && convolution_shape(node, shape) && shape->taps == 1 &&
           shape->groups == 1 && shape->in_pixels == shape->out_pixels;
}

/* The 1x1 convolution from which this value comes by element-wise ops alone. */
static const Node *pointwise_before(const BlockSearch *search, const Value *value) {
    ConvolutionShape shape;
    for (; value->producer != NULL && search->use_counts[value->id] == 1;
        value = value->producer->operands[0]) {
        if (is_dense_pointwise(value->producer, &shape) && value->producer->operand_count == 1)
            return value->producer;
        if (!is_elementwise(value->producer->op) || value->producer->operand_count != 1)
            return NULL;
    }
    return NULL;
}

/* Nodes come from the last to the first: a series is named at its end, and marked. */
static void find_series(BlockSearch *search, LayerBound *layer) {
    ConvolutionShape shape;
    if (!is_dense_pointwise(layer->node, &shape) || search->in_block[layer->node->results[0]->id])
        return;
    NetworkBlock block = {0};
    const Node *node = layer->node;
    for (; node != NULL; node = pointwise_before(search, node->operands[0])) {
        add_to_block(search, &block, node);
        search->in_block[node->results[0]->id] = true;
    }
    if (block.operators > 1)
        add_block(search, layer, &block,
            arena_format(search->arena, "%d 1x1 convolutions in series", block.operators));
}

/* ---- all of them ---- */

static void look_at(BlockSearch *search, LayerBound *layer) {
    ConvolutionShape shape;
    const Node *node = layer->node;
    if (convolution_shape(node, &shape))
        look_at_convolution(search, layer, &shape);
    if (is_elementwise(node->op) || is_layout_op(node->op))
        add_finding(search, layer,
            (Finding){.guideline = GUIDELINE_ELEMENTWISE,
                .what = op_info(node->op)->name,
                .bytes = (double)node_bytes(node),
                .cycles = layer->cycles});
}

bool guidelines_find(
    const Graph *graph, const char *target, Session *session, Guidelines *guidelines) {
    enum { MOST_FINDINGS = 4 }; /* of a layer */
    Arena *arena = session->arena;
    const Compilation compilation = {.target = target_find(target, arena, session->diagnostics)};
    BlockSearch search = {.compilation = &compilation,
        .arena = arena,
        .use_counts = graph_use_counts(graph, arena),
        .in_block = ARENA_ARRAY(arena, bool, graph->next_value_id + 1),
        .guidelines = guidelines};
    if (compilation.target == NULL || !graph_within_limits(graph, session->diagnostics))
        return false;
    int count = graph_node_count(graph);
    guidelines->target = compilation.target->name;
    guidelines->layers = ARENA_ARRAY(arena, LayerBound, count + 1);
    guidelines->findings = ARENA_ARRAY(arena, Finding, MOST_FINDINGS * count + 1);
    guidelines->layer_count = count;
    LayerBound *layer = guidelines->layers;
    for (const Node *node = graph->first; node != NULL; node = node->next, layer++) {
        layer->node = node;
        layer->cycles = layer_cycles(search.compilation, node);
        guidelines->cycles += layer->cycles;
        look_at(&search, layer);
    }
    for (int i = count - 1; i >= 0; i--) {
        find_branches(&search, &guidelines->layers[i]);
        find_series(&search, &guidelines->layers[i]);
    }
    return true;
}

bool guidelines_compiled_cost(
    const Graph *graph, const char *target_name, Session *session, CompiledCost *cost) {
    *cost = (CompiledCost){0};
    const Target *target = target_find(target_name, session->arena, session->diagnostics);
    if (target == NULL || !graph_within_limits(graph, session->diagnostics))
        return false;
    Graph *copy = graph_copy(graph, session->arena);
    weights_randomize(copy, 0); /* their values change no count */
    if (!pipeline_run(copy, pipeline_preset(DEFAULT_PIPELINE_LEVEL), NULL, session->diagnostics))
        return false;
    Program *program =
        program_lower(copy, &(Compilation){.target = target}, session->arena, session->diagnostics);
    if (program == NULL)
        return false;
    ProgramSummary summary = program_summary(program);
    cost->layout_bytes = summary.layout_bytes;
    for (int i = 0; i < summary.step_count; i++) {
        StepSummary step = program_step(program, i);
        if (step.node != NULL && step.op_count <= 1 && is_elementwise(step.node->op))
            cost->elementwise_bytes += step.count.bytes_read + step.count.bytes_written;
    }
    program_destroy(program);
    return true;
}
