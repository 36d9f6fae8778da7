/* Lowering: walks the graph once, lets each family of ops emit kernels and calls, then plans
 * memory.
 *
 * Inside the network tensors are channels last, without padding between pixels. Vector loads may
 * read past the last channel of a pixel (lanes that nobody looks at), so the workspace ends with
 * one vector of slack; the caller's own buffers are read and written exactly. */
#include "backends/program/levels.h"
#include "backends/schedule/liveness.h"
#include "ir/quote.h"
#include "passes/passes.h"
#include <assert.h>
#include <stdarg.h>
#include <string.h>

enum { WORKSPACE_ALIGNMENT = 64, SLACK_BYTES = 64 };

/* ---- buffers ---- */

static int add_buffer(
    Lowering *lowering, BufferKind kind, int index, int64_t bytes, const char *name) {
    Program *program = lowering->program;
    if (program->buffer_count == program->buffer_capacity) {
        int capacity = program->buffer_capacity * 2 + 64;
        Buffer *buffers = ARENA_ARRAY(lowering->arena, Buffer, capacity);
        if (program->buffer_count > 0)
            memcpy(buffers, program->buffers, (size_t)program->buffer_count * sizeof *buffers);
        program->buffers = buffers;
        program->buffer_capacity = capacity;
    }
    program->buffers[program->buffer_count] =
        (Buffer){.kind = kind, .index = index, .bytes = bytes, .first_step = -1, .name = name};
    return program->buffer_count++;
}

static const LaneType element_lanes[] = {
    [ELEMENT_F32] = LANE_F32, [ELEMENT_U8] = LANE_U8, [ELEMENT_BF16] = LANE_BF16};

static ElementType element_of(LaneType lane) {
    ElementType element = ELEMENT_F32;
    while (element_lanes[element] != lane)
        element++;
    return element;
}

static Placement *new_placement(Lowering *lowering, const TensorType *type, int run_count) {
    Placement *placement = ARENA_NEW(lowering->arena, Placement);
    placement->images = type->dims[0];
    placement->channels = type->rank > 1 ? type->dims[1] : 1;
    placement->height = type->rank > 2 ? type->dims[2] : 1;
    placement->width = type->rank > 3 ? type->dims[3] : 1;
    placement->element = element_lanes[type->element];
    placement->runs = ARENA_ARRAY(lowering->arena, Run, run_count);
    placement->run_count = run_count;
    return placement;
}

int64_t pixel_distance(const Target *target, int64_t channels) {
    enum { SETS_FLOATS = 512, LINE_FLOATS = 16 };
    int64_t whole = (channels + target->lanes - 1) / target->lanes * target->lanes;
    if (target->lane_multiply_add && channels > target->lanes)
        return whole;
    return channels % SETS_FLOATS == 0 ? channels + LINE_FLOATS : channels;
}

/* A flatten after which the pixels' numbers follow each other needs no copy. */
static bool must_be_dense(const Lowering *lowering, const Value *value) {
    for (const Node *node = lowering->graph->first; node; node = node->next)
        if (node->op == OP_flatten && node->operands[0] == value)
            return true;
    return value->type.rank < 4 || value->type.dims[2] * value->type.dims[3] == 1;
}

static Placement *dense_placement(
    Lowering *lowering, const TensorType *type, int buffer, Layout layout, bool exact) {
    Placement *placement = new_placement(lowering, type, 1);
    int64_t channels = placement->channels, height = placement->height, width = placement->width;
    bool planar = layout == LAYOUT_NCHW && height * width > 1;
    placement->runs[0] = (Run){.channel_count = channels,
        .buffer = buffer,
        .channel_stride = planar ? height * width : 1,
        .pixel_stride = planar ? 1 : channels,
        .row_stride = planar ? width : width * channels,
        .image_stride = height * width * channels,
        .exact = exact};
    return placement;
}

/* The same with so many numbers from one pixel to the next. */
static Placement *padded_placement(
    Lowering *lowering, const TensorType *type, int buffer, int64_t distance) {
    Placement *placement = dense_placement(lowering, type, buffer, LAYOUT_NHWC, false);
    Run *run = &placement->runs[0];
    run->pixel_stride = distance;
    run->row_stride = placement->width * run->pixel_stride;
    run->image_stride = placement->height * run->row_stride;
    return placement;
}

static const char *value_name(Lowering *lowering, const Value *value) {
    if (value->name)
        return value->name;
    if (value->producer && value->producer->path[0])
        return value->producer->path;
    return arena_format(lowering->arena, "%d", value->id);
}

Placement *lowering_placement(Lowering *lowering, const Value *value) {
    assert(lowering->placements[value->id]);
    return lowering->placements[value->id];
}

Placement *lowering_dense(Lowering *lowering, const Value *value) {
    int64_t channels = value->type.rank > 1 ? value->type.dims[1] : 1;
    int64_t distance =
        must_be_dense(lowering, value) ? channels : pixel_distance(lowering->target, channels);
    int64_t bytes = tensor_elements(&value->type) / channels * distance *
                    element_type_bytes(value->type.element);
    int buffer = add_buffer(lowering, BUFFER_WORKSPACE, 0, bytes, value_name(lowering, value));
    return padded_placement(lowering, &value->type, buffer, distance);
}

Placement *lowering_dense_parts(
    Lowering *lowering, const Value *value, const int64_t *ends, int count) {
    Placement *placement = new_placement(lowering, &value->type, count);
    int64_t pixels = tensor_elements(&value->type) / placement->channels;
    for (int i = 0; i < count; i++) {
        TensorType type = value->type;
        int64_t first = i > 0 ? ends[i - 1] : 0;
        type.dims[1] = ends[i] - first;
        int64_t distance = pixel_distance(lowering->target, type.dims[1]);
        const char *name = value_name(lowering, value);
        if (count > 1)
            name = arena_format(lowering->arena, "%s channels %lld to %lld", name, (long long)first,
                (long long)ends[i] - 1);
        int buffer = add_buffer(lowering, BUFFER_WORKSPACE, 0,
            pixels * distance * element_type_bytes(type.element), name);
        placement->runs[i] = padded_placement(lowering, &type, buffer, distance)->runs[0];
        placement->runs[i].first_channel = first;
    }
    return placement;
}

Placement *lowering_place(Lowering *lowering, Value *value) {
    const GraphOutput *output = lowering->outputs[value->id];
    Placement *placement = lowering_claimed_place(lowering, value);
    if (output) {
        int index = (int)(output - lowering->graph->outputs);
        int buffer = 1 + lowering->graph->input_count + index;
        placement = dense_placement(lowering, &value->type, buffer, output->layout, true);
    } else if (!placement) {
        placement = lowering_dense(lowering, value);
    }
    lowering->placements[value->id] = placement;
    return placement;
}

Placement *lowering_temporary(Lowering *lowering, const Placement *like, const char *name) {
    TensorType type = {
        .rank = 4, .dims = {like->images, like->channels, like->height, like->width}};
    type.element = element_of(like->element);
    int64_t bytes = tensor_elements(&type) * element_type_bytes(type.element);
    int buffer = add_buffer(lowering, BUFFER_WORKSPACE, 0, bytes, name);
    return dense_placement(lowering, &type, buffer, LAYOUT_NHWC, false);
}

/* ---- calls ---- */

void call_begin(Lowering *lowering, KernelCall *call, const Node *node, int64_t extent) {
    memset(call, 0, sizeof *call);
    kernel_begin(&call->builder, lowering->arena, extent);
    call->step.node = node;
    call->step.path = node ? node->path : "";
    call->step.op = node ? op_info(node->op)->name : "copy";
    call->step.label = "";
}

int call_parameter(
    KernelCall *call, ParameterRole role, const char *name, int buffer, int64_t offset) {
    return call_parameter_of(call, role, name, LANE_F32, buffer, offset);
}

int call_parameter_of(KernelCall *call, ParameterRole role, const char *name, LaneType element,
    int buffer, int64_t offset) {
    int parameter = kernel_parameter_of(&call->builder, role, name, element);
    call->step.arguments[parameter] = (Argument){buffer, offset};
    return parameter;
}

const int *call_placement(
    KernelCall *call, ParameterRole role, const char *name, const Placement *placement) {
    int *parameters = ARENA_ARRAY(call->builder.arena, int, placement->run_count);
    for (int i = 0; i < placement->run_count; i++) {
        const Run *run = &placement->runs[i];
        int first = 0;
        while (placement->runs[first].buffer != run->buffer)
            first++;
        if (first < i) {
            parameters[i] = parameters[first];
            continue;
        }
        const char *run_name = i == 0 ? name : arena_format(call->builder.arena, "%s_%d", name, i);
        parameters[i] =
            call_parameter_of(call, role, run_name, placement->element, run->buffer, run->offset);
    }
    return parameters;
}

const int *call_link(KernelCall *call, ParameterRole role, const char *name, const Link *link,
    const Placement *placement) {
    return link ? &link->parameter : call_placement(call, role, name, placement);
}

static void add_weight_block(Program *program, int64_t begin) {
    if (program->weight_block_count == program->weight_block_capacity) {
        int capacity = program->weight_block_capacity * 2 + 64;
        int64_t *blocks = ARENA_ARRAY(program->arena, int64_t, capacity);
        if (program->weight_block_count > 0)
            memcpy(blocks, program->weight_blocks,
                (size_t)program->weight_block_count * sizeof *blocks);
        program->weight_blocks = blocks;
        program->weight_block_capacity = capacity;
    }
    program->weight_blocks[program->weight_block_count++] = begin;
}

/* So many zeros behind the weights there are; where they begin. */
static size_t reserve_weights(Lowering *lowering, int64_t bytes) {
    Text *weights = &lowering->program->weights;
    static const char zeros[64];
    while (weights->length % 64 != 0)
        text_append_bytes(weights, zeros, 64 - weights->length % 64);
    size_t offset = weights->length;
    add_weight_block(lowering->program, (int64_t)offset);
    for (int64_t left = bytes; left > 0; left -= 64)
        text_append_bytes(weights, zeros, left < 64 ? (size_t)left : 64);
    return offset;
}

float *call_weights(Lowering *lowering, KernelCall *call, int64_t floats, int *parameter) {
    size_t offset = reserve_weights(lowering, floats * (int64_t)sizeof(float));
    *parameter =
        call_parameter(call, PARAMETER_WEIGHTS, "weights", 0, (int64_t)(offset / sizeof(float)));
    return (float *)(void *)(lowering->program->weights.data + offset);
}

uint8_t *call_weight_bytes(Lowering *lowering, KernelCall *call, int64_t bytes, int *parameter) {
    size_t offset = reserve_weights(lowering, bytes);
    *parameter =
        call_parameter_of(call, PARAMETER_WEIGHTS, "weight_bytes", LANE_U8, 0, (int64_t)offset);
    return (uint8_t *)lowering->program->weights.data + offset;
}

uint16_t *call_weight_halves(Lowering *lowering, KernelCall *call, int64_t count, int *parameter) {
    size_t offset = reserve_weights(lowering, count * lane_bytes(LANE_BF16));
    *parameter = call_parameter_of(call, PARAMETER_WEIGHTS, "weight_pairs", LANE_BF16, 0,
        (int64_t)offset / lane_bytes(LANE_BF16));
    return (uint16_t *)(void *)(lowering->program->weights.data + offset);
}

static Step *add_step(Lowering *lowering) {
    Program *program = lowering->program;
    if (program->step_count == program->step_capacity) {
        int capacity = program->step_capacity * 2 + 64;
        Step *steps = ARENA_ARRAY(lowering->arena, Step, capacity);
        Kernel **kernels = ARENA_ARRAY(lowering->arena, Kernel *, capacity);
        if (program->step_count > 0) {
            memcpy(steps, program->steps, (size_t)program->step_count * sizeof *steps);
            memcpy(kernels, program->kernels, (size_t)program->kernel_count * sizeof *kernels);
        }
        program->steps = steps;
        program->kernels = kernels;
        program->step_capacity = capacity;
    }
    return &program->steps[program->step_count++];
}

/* Whether the kernel prints as `text`. Counts that differ spare the printing. */
static bool prints_as(const Kernel *kernel, const Kernel *like, const Text *like_text) {
    if (kernel->parameter_count != like->parameter_count ||
        kernel->register_count != like->register_count ||
        kernel->variable_count != like->variable_count || kernel->extent != like->extent)
        return false;
    Text text = {0};
    Kernel unnamed = *kernel;
    unnamed.name = "";
    kernel_print(&unnamed, &text);
    bool equal =
        text.length == like_text->length && memcmp(text.data, like_text->data, text.length) == 0;
    text_free(&text);
    return equal;
}

/* The index of the kernel that equals this unnamed one, which is added when there is none. */
static int share_kernel(Program *program, Kernel *kernel) {
    Text text = {0};
    int index = 0;
    kernel_print(kernel, &text);
    while (index < program->kernel_count && !prints_as(program->kernels[index], kernel, &text))
        index++;
    text_free(&text);
    if (index == program->kernel_count) {
        kernel->name = arena_format(program->arena, "kernel_%d", index);
        program->kernels[program->kernel_count++] = kernel;
    }
    return index;
}

static void mark_alive(Lowering *lowering, const Step *step, int parameter_count, int index) {
    for (int i = 0; i < parameter_count; i++) {
        Buffer *buffer = &lowering->program->buffers[step->arguments[i].buffer];
        if (buffer->kind != BUFFER_WORKSPACE)
            continue;
        if (buffer->first_step < 0)
            buffer->first_step = index;
        buffer->last_step = index;
    }
}

void call_describe(KernelCall *call, const char *format, ...) {
    char label[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(label, sizeof label, format, arguments);
    va_end(arguments);
    const char *before = call->step.label;
    call->step.op_count++;
    call->step.label =
        arena_format(call->builder.arena, "%s%s%s", before, before[0] ? " + " : "", label);
}

void call_end(Lowering *lowering, KernelCall *call) {
    Program *program = lowering->program;
    Kernel *kernel = call->builder.kernel;
    assert(call->builder.depth == 0);
    kernel->name = "";
    assert(kernel_fault(kernel) == NULL);
    Step *step = add_step(lowering);
    *step = call->step;
    mark_alive(lowering, step, kernel->parameter_count, program->step_count - 1);
    step->kernel = share_kernel(program, kernel);
}

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

static void plan_workspace(Lowering *lowering) {
    Program *program = lowering->program;
    size_t count = 0;
    PlannedBuffer *planned = ARENA_ARRAY(lowering->arena, PlannedBuffer, program->buffer_count + 1);
    for (int i = 0; i < program->buffer_count; i++) {
        const Buffer *buffer = &program->buffers[i];
        if (buffer->kind == BUFFER_WORKSPACE && buffer->first_step >= 0)
            planned[count++] =
                (PlannedBuffer){buffer->bytes, buffer->first_step, buffer->last_step, 0};
    }
    MemoryPlan plan = plan_memory(planned, count, WORKSPACE_ALIGNMENT, lowering->arena);
    count = 0;
    for (int i = 0; i < program->buffer_count; i++) {
        Buffer *buffer = &program->buffers[i];
        if (buffer->kind == BUFFER_WORKSPACE && buffer->first_step >= 0)
            buffer->offset = planned[count++].offset;
    }
    program->workspace_bytes = plan.peak_bytes + SLACK_BYTES;
    program->workspace_lower_bound_bytes = plan.lower_bound_bytes;
}

const char *lower_when_name(int when) {
    static const char *const names[] = {
        [CHAINS_BY_COST] = "by-cost", [CHAINS_NEVER] = "never", [CHAINS_ALWAYS] = "always"};
    static_assert((int)WINOGRAD_ALWAYS == (int)CHAINS_ALWAYS, "both have the same values");
    return when < (int)(sizeof names / sizeof *names) ? names[when] : NULL;
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
        lowering_count_reads(&lowering, *node);
    }
    if (!good) {
        program_destroy(program);
        return NULL;
    }
    copy_other_outputs(&lowering);
    static const char padding[64];
    text_append_bytes(&program->weights, padding, sizeof padding);
    program->buffers[0].bytes = (int64_t)program->weights.length;
    plan_workspace(&lowering);
    program_count(program);
    return program;
}

const Target *program_target(const Program *program) {
    return program->target;
}

void program_destroy(Program *program) {
    if (program && program->levels)
        program_levels_destroy(program->levels);
    else if (program)
        text_free(&program->weights);
}

ProgramSummary program_summary(const Program *program) {
    ProgramSummary summary = {.workspace_bytes = program->workspace_bytes,
        .workspace_lower_bound_bytes = program->workspace_lower_bound_bytes,
        .live_bytes = program->live_bytes,
        .weight_bytes = (int64_t)program->weights.length,
        .kernel_count = program->kernel_count,
        .step_count = program->step_count,
        .stack_bytes = program_stack_bytes(program)};
    if (program->measured->stack_bytes == 0 && !program->target->gpu)
        summary.unoptimized_stack_bytes = program_unoptimized_stack_bytes(program);
    for (int i = 0; i < program->step_count; i++) {
        const Step *step = &program->steps[i];
        summary.macs += step->macs;
        summary.bytes_moved += step->count.bytes_read + step->count.bytes_written;
        summary.layout_bytes += step->count.layout_bytes;
    }
    return summary;
}

bool program_weights_equal(const Program *a, const Program *b) {
    return a->weights.length == b->weights.length &&
           memcmp(a->weights.data, b->weights.data, a->weights.length) == 0;
}

static void append_comment(Text *text, const char *name, const char *label) {
    text_append(text, " # ");
    quote_append(text, name);
    text_append(text, *name != '\0' && *label != '\0' ? ": " : "");
    quote_append(text, label);
    text_append(text, "\n");
}

void program_print(const Program *program, Text *text) {
    static const char *const kinds[] = {[BUFFER_WORKSPACE] = "workspace",
        [BUFFER_INPUT] = "input",
        [BUFFER_OUTPUT] = "output",
        [BUFFER_WEIGHTS] = "weights"};
    text_format(text, "program %s for %s, workspace %lld bytes\n\n", program->name,
        program->target->name, (long long)program->workspace_bytes);
    for (int i = 0; i < program->buffer_count; i++) {
        const Buffer *buffer = &program->buffers[i];
        text_format(
            text, "buffer %d = %s %lld bytes", i, kinds[buffer->kind], (long long)buffer->bytes);
        if (buffer->kind == BUFFER_WORKSPACE)
            text_format(text, " at %lld, steps %d to %d", (long long)buffer->offset,
                buffer->first_step, buffer->last_step);
        append_comment(text, buffer->name == NULL ? "" : buffer->name, "");
    }
    text_append(text, "\n");
    for (int i = 0; i < program->step_count; i++) {
        const Step *step = &program->steps[i];
        const Kernel *kernel = program->kernels[step->kernel];
        text_format(text, "step %d = %s(", i, kernel->name);
        for (int j = 0; j < kernel->parameter_count; j++)
            text_format(text, "%sbuffer %d + %lld", j > 0 ? ", " : "", step->arguments[j].buffer,
                (long long)step->arguments[j].offset);
        text_append(text, ")");
        append_comment(text, step->path, step->label);
    }
    for (int i = 0; i < program->kernel_count; i++) {
        text_append(text, "\n");
        kernel_print(program->kernels[i], text);
    }
}
