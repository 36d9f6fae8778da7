/* Lowering: walks the graph once, lets each family of ops emit kernels and calls, then plans
 * memory.
 *
 * Inside the network tensors are channels last, without padding between pixels. Vector loads may
 * read past the last channel of a pixel (lanes that nobody looks at), so the workspace ends with
 * one vector of slack; the caller's own buffers are read and written exactly. */
#include "backends/lower/lower.h"
#include "backends/kernels/copy.h"
#include "backends/kernels/gather.h"
#include "backends/kernels/in_place.h"
#include "backends/kernels/kernels.h"
#include "backends/kernels/place.h"
#include "backends/kernels/quantized/quantized.h"
#include "backends/kernels/winograd/winograd.h"
#include "backends/lower/gpu.h"
#include "backends/program/buffers.h"
#include "backends/program/compilation.h"
#include "backends/program/emission.h"
#include "backends/program/placement.h"
#include "backends/program/program.h"
#include "backends/program/summary.h"
#include "backends/program/workspace.h"
#include "backends/schedule/decisions.h"
#include "backends/schedule/form.h"
#include "backends/schedule/loop_schedule.h"
#include "backends/schedule/lowering.h"
#include "backends/schedule/step_schedule.h"
#include "backends/schedule/winograd.h"
#include "backends/target/product.h"
#include "backends/target/target.h"
#include "ir/arena.h"
#include "ir/diagnostics.h"
#include "ir/graph.h"
#include "ir/progress.h"
#include "ir/resting.h"
#include <assert.h>
#include <string.h>

/* ---- the walk ---- */

static bool lower_in_form(
    Emission *emission, const Node *node, Form form, const WinogradBlock *block) {
    switch (form) {
    case FORM_ROWS:
        return lower_chain(emission, node);
    case FORM_FLAT:
        return lower_flat_convolution(emission, node);
    case FORM_WINOGRAD:
        return lower_winograd(emission, node, block);
    case FORM_QUANTIZE:
        return lower_quantize(emission, node);
    case FORM_PIXELS:
        return lower_pixels(emission, node);
    case FORM_SAMPLE:
        return lower_sample(emission, node);
    case FORM_ELEMENTS:
        return lower_elementwise(emission, node);
    case FORM_LAYOUT:
        return lower_layout(emission, node);
    case FORM_REDUCTION:
        return lower_reduction(emission, node);
    case FORM_CONSTANT:
        return lower_constant(emission, node);
    case FORM_NONE:
        break;
    }
    assert(false && "an op that has_kernels looks for");
    return false;
}

/* The steps from `first` on, copies left out. */
static void note_form(Emission *emission, int first, Form form) {
    Program *program = emission->program;
    for (Step *step = program->steps + first; step < program->steps + program->step_count; step++)
        if (!step->reason)
            step_schedule(step, emission->arena)->form = form;
}

static bool lower_node(Emission *emission, const Node *node) {
    WinogradBlock block;
    int first = emission->program->step_count;
    const Placement **operands =
        ARENA_ARRAY(emission->arena, const Placement *, node->operand_count);
    for (int i = 0; i < node->operand_count; i++)
        operands[i] = emission->placements[node->operands[i]->id]; /* NULL inside of a chain */
    Form form = form_of(emission->decisions, node, operands, &block);
    bool lowered = lower_in_form(emission, node, form, &block);
    note_form(emission, first, form);
    return lowered;
}

static const char *output_reason(const Emission *emission, const GraphOutput *output) {
    const Node *producer = output->value->producer;
    if (emission->decisions->outputs[output->value->id])
        return "the same tensor is another output, too";
    if (!producer)
        return "the output is an input";
    if (producer->op == OP_constant)
        return "the output is a constant";
    const TensorType *type = &output->value->type;
    if (output->layout == LAYOUT_NCHW && type->rank == 4 && type->dims[2] * type->dims[3] > 1)
        return "the caller wants NCHW, and kernels write NHWC";
    return arena_format(emission->arena,
        "the output is what %s makes of tensors that have places of their own",
        op_info(producer->op)->name);
}

static void copy_other_outputs(Emission *emission) {
    const Graph *graph = emission->graph;
    for (int i = 0; i < graph->output_count; i++) {
        const GraphOutput *output = &graph->outputs[i];
        if (emission->decisions->outputs[output->value->id] == output)
            continue;
        int buffer = 1 + graph->input_count + i;
        Placement *to =
            dense_placement(emission->arena, &output->value->type, buffer, output->layout, true);
        const Placement *from = value_placement(emission, output->value);
        const Node *producer = output->value->producer;
        const char *reason = output_reason(emission, output);
        if (placement_is_scattered(from) && to->runs[0].channel_stride == 1)
            lower_gathering_copy(
                emission, producer, make_channels_last(emission, producer, from), to, reason);
        else
            lower_copy(emission, producer, from, to,
                arena_format(emission->arena, "copy to output %s", output->name), reason);
    }
}

static bool node_uses(const Node *node, ElementType element) {
    const Weight *weight = op_multiplies(node->op) ? node_weight(node, "weight") : NULL;
    bool uses = weight && weight->type.element == element;
    for (int i = 0; i < node->result_count; i++)
        uses = uses || node->results[i]->type.element == element;
    return uses;
}

bool computes_with(const Graph *graph, ElementType element) {
    for (const Node *node = graph->first; node; node = node->next)
        if (node_uses(node, element))
            return true;
    return false;
}

int shared_weight_block(const Graph *graph, const Target *target) {
    bool halves = target->f16 && computes_with(graph, ELEMENT_F16);
    return target_for_lanes(target, halves ? LANE_F16 : LANE_F32).lanes;
}

/* Whether code for the type can be made for the target, where the graph needs it. */
static bool has_element(Emission *emission, ElementType element, bool has, const char *names) {
    for (const Node *node = has ? NULL : emission->graph->first; node; node = node->next) {
        if (!node_uses(node, element))
            continue;
        diagnostics_report(emission->diagnostics, SEVERITY_ERROR, node->where,
            arena_format(emission->arena, "%s have it", names), "there is no code for %s on '%s'",
            element_name(element), emission->compilation->target->name);
        return false;
    }
    return true;
}

static bool has_elements(Emission *emission) {
    const Target *target = emission->compilation->target;
    return has_element(emission, ELEMENT_BF16, target->bf16 != BF16_NONE,
               target_names_with_bf16(emission->arena)) &&
           has_element(emission, ELEMENT_F16, target_stores_f16(target),
               "processors of 64-bit ARM and of x86-64-v3");
}

static void add_public_buffers(Emission *emission) {
    const Graph *graph = emission->graph;
    add_buffer(emission, BUFFER_WEIGHTS, 0, 0, "weights");
    for (int i = 0; i < graph->input_count; i++) {
        const GraphInput *input = &graph->inputs[i];
        int64_t bytes =
            tensor_elements(&input->value->type) * element_type_bytes(input->value->type.element);
        int buffer = add_buffer(emission, BUFFER_INPUT, i, bytes, input->value->name);
        emission->placements[input->value->id] =
            dense_placement(emission->arena, &input->value->type, buffer, input->layout, true);
    }
    for (int i = 0; i < graph->output_count; i++) {
        int64_t bytes = tensor_elements(&graph->outputs[i].value->type) * (int64_t)sizeof(float);
        add_buffer(emission, BUFFER_OUTPUT, i, bytes, graph->outputs[i].name);
    }
    for (int i = 0; i < graph->input_count; i++)
        if (graph->inputs[i].value->type.element == ELEMENT_U8)
            add_row_bytes(emission, 1 + i, &graph->inputs[i].value->type);
}

static bool have_data(const Graph *graph, Diagnostics *diagnostics) {
    for (const Weight *weight = graph->first_weight; weight; weight = weight->next)
        if (!weight->data) {
            diagnostics_report(diagnostics, SEVERITY_ERROR, weight->where,
                "give --weights FILE or --random-weights SEED", "weight '%s' has no data",
                weight->path);
            return false;
        }
    return true;
}

static bool has_kernels(const Graph *graph, const Target *target, Diagnostics *diagnostics) {
    for (const Node *node = graph->first; node; node = node->next)
        if (target->gpu ? gpu_family(node) == GPU_NONE : kernel_family(node) == KERNELS_NONE) {
            diagnostics_report(diagnostics, SEVERITY_ERROR, node->where,
                "every optimisation level has the passes that remove it: see `riffle passes`",
                "'%s' has no kernel; the pipeline must remove it", op_info(node->op)->name);
            return false;
        }
    return true;
}

static Program *new_program(const Graph *graph, const Compilation *compilation, Arena *arena) {
    Program *program = ARENA_NEW(arena, Program);
    program->measured = ARENA_NEW(arena, Measured);
    program->arena = arena;
    program->name = graph->name;
    program->target = compilation->target;
    program->input_count = graph->input_count;
    program->output_count = graph->output_count;
    program->winograd = compilation->options.winograd;
    return program;
}

static bool lower_nodes(Emission *emission) {
    int work = progress_begin("layer", graph_node_count(emission->graph));
    int64_t index = 0;
    bool done = true;
    for (const Node *const *node = emission->decisions->order; done && *node; node++) {
        progress_set(++index);
        done = lower_node(emission, *node);
        node_rest_weights(*node);
        count_reads(emission, *node);
    }
    progress_end(work);
    return done;
}

static bool lower_for_processor(Emission *emission) {
    const Graph *graph = emission->graph;
    for (const Node *node = graph->first; node; node = node->next)
        if (!check_bytes(emission, node))
            return false;
    Program *program = emission->program;
    const Decisions *decisions = decide(graph, emission->compilation, emission->arena);
    emission->decisions = decisions;
    program->decisions = decisions;
    program->live_bytes = decisions->live_bytes;
    add_public_buffers(emission);
    place_owned(emission);
    if (!lower_nodes(emission))
        return false;
    copy_other_outputs(emission);
    resting_append(&program->weights, 64);
    program->buffers[0].bytes = (int64_t)program->weights.length;
    plan_workspace(emission);
    program_count(program);
    program->loop_schedules = loop_schedules_make(
        program->kernels, program->kernel_count, program->target, program->arena);
    return true;
}

Program *program_lower(
    const Graph *graph, const Compilation *compilation, Arena *arena, Diagnostics *diagnostics) {
    int values = graph->next_value_id + 1;
    if (!have_data(graph, diagnostics) || !has_kernels(graph, compilation->target, diagnostics))
        return NULL;
    Emission emission = {.compilation = compilation,
        .graph = graph,
        .arena = arena,
        .diagnostics = diagnostics,
        .program = new_program(graph, compilation, arena),
        .placements = ARENA_ARRAY(arena, Placement *, values),
        .owned = ARENA_ARRAY(arena, Placement *, values),
        .unread = graph_use_counts(graph, arena)};
    if (has_elements(&emission) &&
        (compilation->target->gpu ? gpu_lower(&emission) : lower_for_processor(&emission)))
        return emission.program;
    program_destroy(emission.program);
    return NULL;
}

bool program_weights_equal(const Program *a, const Program *b) {
    return a->weights.length == b->weights.length &&
           memcmp(a->weights.data, b->weights.data, a->weights.length) == 0;
}
