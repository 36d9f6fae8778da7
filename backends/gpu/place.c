/* Where tensors are on a GPU: planes, views of them, and who writes into whose buffer. */
#include "backends/gpu/gpu.h"
#include "backends/program/buffers.h"
#include "backends/program/program.h"
#include "backends/program/summary.h"
#include "ir/arena.h"
#include "ir/graph.h"
#include <assert.h>
#include <string.h>

int64_t plane_floats(int64_t pixels) {
    return (pixels + PLANE_ALIGNMENT - 1) / PLANE_ALIGNMENT * PLANE_ALIGNMENT;
}

int64_t tensor_pixels(const Tensor *tensor) {
    return tensor->images * tensor->height * tensor->width;
}

static int64_t float_bytes(int64_t floats) {
    return floats * (int64_t)sizeof(float);
}

Tensor *tensor_of_type(Arena *arena, const TensorType *type) {
    Tensor *tensor = ARENA_NEW(arena, Tensor);
    tensor->images = type->dims[0];
    tensor->channels = type->rank > 1 ? type->dims[1] : 1;
    tensor->height = type->rank > 2 ? type->dims[2] : 1;
    tensor->width = type->rank > 3 ? type->dims[3] : 1;
    tensor->planes = ARENA_ARRAY(arena, Plane, tensor->channels);
    return tensor;
}

/* A tensor of the caller's, in its own layout. */
static Tensor *public_tensor(Arena *arena, const TensorType *type, int buffer, Layout layout) {
    Tensor *tensor = tensor_of_type(arena, type);
    int64_t pixels = tensor->height * tensor->width, channels = tensor->channels;
    bool planar = layout == LAYOUT_NCHW;
    tensor->pixel_stride = planar ? 1 : channels;
    tensor->row_stride = tensor->width * tensor->pixel_stride;
    tensor->image_stride = pixels * channels;
    for (int64_t i = 0; i < channels; i++)
        tensor->planes[i] = (Plane){buffer, planar ? i * pixels : i};
    return tensor;
}

static Tensor *flat_tensor(Arena *arena, const TensorType *type) {
    Tensor *tensor = tensor_of_type(arena, type);
    tensor->pixel_stride = 1;
    tensor->row_stride = tensor->width;
    tensor->image_stride = tensor->height * tensor->width;
    tensor->flat = true;
    return tensor;
}

Tensor *gpu_new_tensor(GpuLowering *gpu, const char *name, int64_t images, int64_t channels,
    int64_t height, int64_t width) {
    TensorType type = tensor_type(4, (const int64_t[]){images, channels, height, width});
    Tensor *tensor = flat_tensor(gpu->emission.arena, &type);
    int64_t plane = plane_floats(tensor_pixels(tensor));
    int buffer =
        add_buffer(&gpu->emission, BUFFER_WORKSPACE, 0, float_bytes(plane * channels), name);
    for (int64_t i = 0; i < channels; i++)
        tensor->planes[i] = (Plane){buffer, i * plane};
    return tensor;
}

void gpu_add_public_buffers(GpuLowering *gpu) {
    const Graph *graph = gpu->emission.graph;
    add_buffer(&gpu->emission, BUFFER_WEIGHTS, 0, 0, "weights");
    int whole = add_buffer(&gpu->emission, BUFFER_WORKSPACE, 0, 0, "all of the workspace");
    assert(whole == WHOLE_WORKSPACE);
    (void)whole;
    for (int i = 0; i < graph->input_count; i++) {
        const GraphInput *input = &graph->inputs[i];
        const TensorType *type = &input->value->type;
        int buffer = add_buffer(&gpu->emission, BUFFER_INPUT, i, float_bytes(tensor_elements(type)),
            input->value->name);
        gpu->tensors[input->value->id] =
            public_tensor(gpu->emission.arena, type, buffer, input->layout);
    }
    for (int i = 0; i < graph->output_count; i++)
        add_buffer(&gpu->emission, BUFFER_OUTPUT, i,
            float_bytes(tensor_elements(&graph->outputs[i].value->type)), graph->outputs[i].name);
}

Tensor *gpu_output_tensor(GpuLowering *gpu, int index) {
    const GraphOutput *output = &gpu->emission.graph->outputs[index];
    int buffer = FIRST_INPUT_BUFFER + gpu->emission.graph->input_count + index;
    return public_tensor(gpu->emission.arena, &output->value->type, buffer, output->layout);
}

Tensor *gpu_tensor(const GpuLowering *gpu, const Value *value) {
    assert(gpu->tensors[value->id]);
    return gpu->tensors[value->id];
}

/* ---- claims ---- */

/* The channel that a kernel computes, or an input's, seen through layout ops. */
typedef struct Root {
    const Value *value;
    int64_t channel;
} Root;

static Root root_of(const Value *value, int64_t channel) {
    while (value->producer && op_moves_channels(value->producer->op)) {
        const Node *node = value->producer;
        int result = 0, operand = 0;
        while (node->results[result] != value)
            result++;
        channel = node_source_channel(node, result, channel);
        while (channel >= node->operands[operand]->type.dims[1])
            channel -= node->operands[operand++]->type.dims[1];
        value = node->operands[operand];
    }
    return (Root){value, channel};
}

static bool can_claim(const GpuLowering *gpu, Root root) {
    const Node *producer = root.value->producer;
    if (!producer || producer->op == OP_flatten || producer->op == OP_unflatten ||
        producer->op == OP_crop || gpu->direct[root.value->id] || gpu->fused_into[root.value->id])
        return false;
    const PlaneClaim *claims = gpu->claims[root.value->id];
    return !claims || !claims[root.channel].claimed;
}

static void claim(GpuLowering *gpu, Root root, Plane plane) {
    PlaneClaim **claims = &gpu->claims[root.value->id];
    if (!*claims)
        *claims = ARENA_ARRAY(gpu->emission.arena, PlaneClaim, root.value->type.dims[1]);
    (*claims)[root.channel] = (PlaneClaim){true, plane};
}

/* All channels or none: planes at a regular distance need no table. */
static void claim_for(GpuLowering *gpu, const Node *node) {
    const Value *value = node->results[0];
    int64_t channels = value->type.dims[1];
    for (int64_t i = 0; i < channels; i++)
        if (!can_claim(gpu, root_of(value, i)))
            return;
    /* A channel that is taken twice cannot be written to both places. */
    for (int64_t i = 0; i < channels; i++) {
        Root root = root_of(value, i);
        if (!can_claim(gpu, root)) {
            while (i-- > 0) {
                root = root_of(value, i);
                gpu->claims[root.value->id][root.channel].claimed = false;
            }
            return;
        }
        claim(gpu, root, (Plane){0, 0});
    }
    const TensorType *type = &value->type;
    int64_t height = type->rank > 2 ? type->dims[2] : 1, width = type->rank > 3 ? type->dims[3] : 1;
    Tensor *tensor = gpu_new_tensor(
        gpu, buffer_name(&gpu->emission, value), type->dims[0], channels, height, width);
    for (int64_t i = 0; i < channels; i++)
        claim(gpu, root_of(value, i), tensor->planes[i]);
}

/* Whether some kernel reads the value itself, and not only layout ops. */
static bool is_read(const Graph *graph, const Value *value) {
    for (const Node *node = graph->first; node; node = node->next)
        for (int i = 0; i < node->operand_count; i++)
            if (node->operands[i] == value && !op_moves_channels(node->op))
                return true;
    return false;
}

/* From the last to the first: a later route is the longer one where tensors only grow. */
void gpu_claim_planes(GpuLowering *gpu) {
    const Graph *graph = gpu->emission.graph;
    for (const Node *node = graph->last; node; node = node->previous)
        if (op_moves_channels(node->op) && node->result_count == 1 &&
            is_read(graph, node->results[0]))
            claim_for(gpu, node);
}

Tensor *gpu_place(GpuLowering *gpu, const Value *value) {
    const GraphOutput *output = gpu->direct[value->id];
    const PlaneClaim *claims = gpu->claims[value->id];
    Arena *arena = gpu->emission.arena;
    Tensor *tensor;
    if (output) {
        tensor = gpu_output_tensor(gpu, (int)(output - gpu->emission.graph->outputs));
    } else {
        tensor = flat_tensor(arena, &value->type);
        int64_t plane = plane_floats(tensor_pixels(tensor)), own = 0;
        for (int64_t i = 0; i < tensor->channels; i++)
            own += !claims || !claims[i].claimed;
        int buffer = own > 0 ? add_buffer(&gpu->emission, BUFFER_WORKSPACE, 0,
                                   float_bytes(plane * own), buffer_name(&gpu->emission, value))
                             : 0;
        own = 0;
        for (int64_t i = 0; i < tensor->channels; i++)
            tensor->planes[i] =
                claims && claims[i].claimed ? claims[i].plane : (Plane){buffer, plane * own++};
    }
    return gpu->tensors[value->id] = tensor;
}
