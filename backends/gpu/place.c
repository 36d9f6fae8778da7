/* Where tensors are on a GPU: planes, views of them, and who writes into whose buffer. */
#include "backends/gpu/gpu.h"
#include "backends/program/buffers.h"
#include "backends/program/call.h"
#include "backends/program/program.h"
#include "backends/program/summary.h"
#include "backends/schedule/claims.h"
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
    tensor->channels = tensor_channels(type);
    tensor->height = type->rank == 4 ? type->dims[2] : 1;
    tensor->width = type->rank == 4 ? type->dims[3] : 1;
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
        int buffer = add_buffer(&gpu->emission, BUFFER_INPUT, i,
            tensor_elements(type) * element_type_bytes(type->element), input->value->name);
        gpu->tensors[input->value->id] =
            public_tensor(gpu->emission.arena, type, buffer, input->layout);
    }
    for (int i = 0; i < graph->output_count; i++)
        add_buffer(&gpu->emission, BUFFER_OUTPUT, i,
            float_bytes(tensor_elements(&graph->outputs[i].value->type)), graph->outputs[i].name);
    for (int i = 0; i < graph->input_count; i++)
        if (graph->inputs[i].value->type.element == ELEMENT_U8)
            add_row_bytes(&gpu->emission, FIRST_INPUT_BUFFER + i, &graph->inputs[i].value->type);
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

void gpu_constant(GpuLowering *gpu, const Node *node) {
    const TensorType *type = &node->results[0]->type;
    int64_t count = tensor_elements(type), offset;
    float *numbers = emission_weights(&gpu->emission, count, &offset);
    memcpy(numbers, node_weight(node, "value")->data, (size_t)count * sizeof *numbers);
    Tensor *tensor = public_tensor(gpu->emission.arena, type, WEIGHTS_BUFFER, LAYOUT_NCHW);
    for (int64_t i = 0; i < tensor->channels; i++)
        tensor->planes[i].offset += offset;
    gpu->tensors[node->results[0]->id] = tensor;
}

/* ---- claims ---- */

/* Whether some kernel reads the value itself, and not only layout ops. */
static bool is_read(const Graph *graph, const Value *value) {
    for (const Node *node = graph->first; node; node = node->next)
        for (int i = 0; i < node->operand_count; i++)
            if (node->operands[i] == value && !op_moves_channels(node->op))
                return true;
    return false;
}

static bool may_own(const void *context, const Node *node) {
    const GpuLowering *gpu = context;
    return op_moves_channels(node->op) && node->result_count == 1 &&
           is_read(gpu->emission.graph, node->results[0]);
}

static bool can_store(const void *context, const Value *value) {
    const GpuLowering *gpu = context;
    const Node *producer = value->producer;
    return producer && producer->op != OP_constant && producer->op != OP_pixels &&
           producer->op != OP_flatten && producer->op != OP_unflatten && producer->op != OP_crop &&
           !gpu->direct[value->id] && !gpu->fused_into[value->id];
}

void gpu_claim_planes(GpuLowering *gpu) {
    const ClaimPolicy planes = {
        .context = gpu, .may_own = may_own, .can_store = can_store, .through_views = true};
    const Node **owner =
        claim_channels(gpu->emission.graph, &planes, gpu->emission.arena, gpu->claims);
    for (; *owner; owner++) {
        const Value *value = (*owner)->results[0];
        const TensorType *type = &value->type;
        int64_t height = type->rank == 4 ? type->dims[2] : 1;
        int64_t width = type->rank == 4 ? type->dims[3] : 1;
        gpu->owned[value->id] = gpu_new_tensor(
            gpu, buffer_name(&gpu->emission, value), type->dims[0], type->dims[1], height, width);
    }
}

/* Where its owner has the channel. */
static Plane claimed_plane(const GpuLowering *gpu, const Claim *claim) {
    return gpu->owned[claim->route->results[0]->id]->planes[claim->channel];
}

Tensor *gpu_place(GpuLowering *gpu, const Value *value) {
    const GraphOutput *output = gpu->direct[value->id];
    const Claim *claims = gpu->claims[value->id];
    Arena *arena = gpu->emission.arena;
    Tensor *tensor;
    if (output) {
        tensor = gpu_output_tensor(gpu, (int)(output - gpu->emission.graph->outputs));
    } else if (!rank_has_channels(value->type.rank)) { /* no channels: as it is */
        int buffer = add_buffer(&gpu->emission, BUFFER_WORKSPACE, 0,
            float_bytes(tensor_elements(&value->type)), buffer_name(&gpu->emission, value));
        tensor = public_tensor(arena, &value->type, buffer, LAYOUT_NCHW);
    } else {
        tensor = flat_tensor(arena, &value->type);
        int64_t plane = plane_floats(tensor_pixels(tensor)), own = 0;
        for (int64_t i = 0; i < tensor->channels; i++)
            own += !claims || !claims[i].route;
        int buffer = own > 0 ? add_buffer(&gpu->emission, BUFFER_WORKSPACE, 0,
                                   float_bytes(plane * own), buffer_name(&gpu->emission, value))
                             : 0;
        own = 0;
        for (int64_t i = 0; i < tensor->channels; i++)
            tensor->planes[i] = claims && claims[i].route ? claimed_plane(gpu, &claims[i])
                                                          : (Plane){buffer, plane * own++};
    }
    return gpu->tensors[value->id] = tensor;
}
