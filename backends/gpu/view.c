/* Layout ops, flatten, crop and the bytes of pictures: planes of their operands, looked at in
 * another way. */
#include "backends/gpu/gpu.h"
#include "backends/program/buffers.h"
#include "ir/arena.h"
#include "ir/graph.h"

const Tensor *gpu_make_flat(GpuLowering *gpu, const Node *node, const Value *value) {
    const Tensor *tensor = gpu_tensor(gpu, value);
    if (tensor->flat)
        return tensor;
    Tensor *copy = gpu_new_tensor(gpu, buffer_name(&gpu->emission, value), tensor->images,
        tensor->channels, tensor->height, tensor->width);
    gpu_copy(gpu, node, tensor, copy, "copy",
        "a kernel reads it together with tensors that lie in another way");
    return gpu->tensors[value->id] = copy;
}

const Tensor *gpu_make_floats(GpuLowering *gpu, const Node *node, const Value *value) {
    const Tensor *tensor = gpu_tensor(gpu, value);
    return tensor->bytes ? gpu_make_flat(gpu, node, value) : tensor;
}

static void view_pixels(GpuLowering *gpu, const Node *node) {
    Arena *arena = gpu->emission.arena;
    Preprocessing pixels = node_pixels(node);
    Tensor *tensor = ARENA_NEW(arena, Tensor);
    *tensor = *gpu_tensor(gpu, node->operands[0]);
    tensor->channels = node->results[0]->type.dims[1];
    ByteMeaning *bytes = ARENA_ARRAY(arena, ByteMeaning, tensor->channels);
    for (int64_t c = 0; c < tensor->channels; c++)
        bytes[c] = (ByteMeaning){(float)pixel_factor(&pixels, c), (float)pixel_term(&pixels, c)};
    tensor->bytes = bytes;
    gpu->tensors[node->results[0]->id] = tensor;
}

static void view_channels(GpuLowering *gpu, const Node *node) {
    Arena *arena = gpu->emission.arena;
    const Tensor **operands = ARENA_ARRAY(arena, const Tensor *, node->operand_count);
    for (int i = 0; i < node->operand_count; i++)
        operands[i] = node->operand_count > 1 ? gpu_make_flat(gpu, node, node->operands[i])
                                              : gpu_tensor(gpu, node->operands[i]);
    for (int r = 0; r < node->result_count; r++) {
        Tensor *tensor = ARENA_NEW(arena, Tensor);
        *tensor = *operands[0];
        tensor->channels = node->results[r]->type.dims[1];
        tensor->planes = ARENA_ARRAY(arena, Plane, tensor->channels);
        ByteMeaning *bytes =
            tensor->bytes ? ARENA_ARRAY(arena, ByteMeaning, tensor->channels) : NULL;
        for (int64_t i = 0; i < tensor->channels; i++) {
            ChannelSource source = channel_source(node->results[r], i);
            tensor->planes[i] = operands[source.operand]->planes[source.channel];
            if (bytes)
                bytes[i] = operands[source.operand]->bytes[source.channel];
        }
        tensor->bytes = bytes;
        gpu->tensors[node->results[r]->id] = tensor;
    }
}

/* Each pixel becomes a channel, whose plane has one number an image. */
static void view_flattened(GpuLowering *gpu, const Node *node) {
    const Tensor *operand = gpu_make_floats(gpu, node, node->operands[0]);
    Tensor *tensor = tensor_of_type(gpu->emission.arena, &node->results[0]->type);
    int64_t pixels = operand->height * operand->width;
    for (int64_t i = 0; i < tensor->channels; i++) {
        int64_t pixel = i % pixels;
        tensor->planes[i] = operand->planes[i / pixels];
        tensor->planes[i].offset += pixel / operand->width * operand->row_stride +
                                    pixel % operand->width * operand->pixel_stride;
    }
    tensor->image_stride = operand->image_stride;
    tensor->row_stride = tensor->pixel_stride = 1;
    tensor->flat = operand->flat && pixels == 1;
    gpu->tensors[node->results[0]->id] = tensor;
}

static void view_cropped(GpuLowering *gpu, const Node *node) {
    const Tensor *operand = gpu_make_floats(gpu, node, node->operands[0]);
    Tensor *tensor = tensor_of_type(gpu->emission.arena, &node->results[0]->type);
    const int64_t *margins = node_list(node, "margins").items;
    for (int64_t i = 0; i < tensor->channels; i++) {
        tensor->planes[i] = operand->planes[i];
        tensor->planes[i].offset +=
            margins[0] * operand->row_stride + margins[1] * operand->pixel_stride;
    }
    tensor->image_stride = operand->image_stride;
    tensor->row_stride = operand->row_stride;
    tensor->pixel_stride = operand->pixel_stride;
    gpu->tensors[node->results[0]->id] = tensor;
}

void gpu_view(GpuLowering *gpu, const Node *node) {
    if (node->op == OP_pixels)
        view_pixels(gpu, node);
    else if (node->op == OP_flatten || node->op == OP_unflatten)
        view_flattened(gpu, node);
    else if (node->op == OP_crop)
        view_cropped(gpu, node);
    else
        view_channels(gpu, node);
}
