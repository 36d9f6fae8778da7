/* Shape rules of windows that go over rows and columns, and of pooling. */
#include "ir/infer.h"

/* Height (axis 0) or width (axis 1) of the result; 0 after reporting. */
static int64_t window_extent(Inference *inference, const WindowRule *window, int axis) {
    int64_t size = operand_type(inference, 0)->dims[2 + axis];
    int64_t before = window->padding[axis], after = window->padding[2 + axis];
    int64_t reach = window->dilation[axis] * (window->kernel[axis] - 1) + 1;
    int64_t stride = window->stride[axis];
    int64_t room = size + before + after - reach;
    int64_t extent = room < 0 ? 0 : room / stride + 1;
    if (window->ceil) {
        /* PyTorch's rule: round up, then drop a last window that would start beyond the input. */
        extent = room + stride - 1 < 0 ? 0 : (room + stride - 1) / stride + 1;
        if (extent > 0 && (extent - 1) * stride >= size + before)
            extent--;
    }
    if (extent < 1)
        shape_fault(inference,
            "the window of %lld %s is larger than the operand %s with padding %lld and %lld",
            (long long)reach, axis == 0 ? "rows" : "columns", operand_spelling(inference, 0),
            (long long)before, (long long)after);
    return extent;
}

void window_result(Inference *inference, const WindowRule *window, int64_t channels) {
    int64_t height = window_extent(inference, window, 0);
    int64_t width = window_extent(inference, window, 1);
    if (height < 1 || width < 1)
        return;
    int64_t dims[4] = {operand_type(inference, 0)->dims[0], channels, height, width};
    add_result(inference, tensor_type(4, dims));
}

void infer_pool(Inference *inference) {
    WindowRule window = {.dilation = {1, 1}, .ceil = node_flag(inference->node, "ceil")};
    if (!wants_pixels(inference) || !read_steps(inference, "kernel", 2, 1, window.kernel) ||
        !read_steps(inference, "stride", 2, 1, window.stride) ||
        !read_steps(inference, "padding", 4, 0, window.padding))
        return;
    for (int i = 0; i < 4; i++) {
        if (window.padding[i] >= window.kernel[i % 2]) {
            shape_fault(inference,
                "padding %lld is not smaller than the kernel %lld: a window would see only padding",
                (long long)window.padding[i], (long long)window.kernel[i % 2]);
            return;
        }
    }
    window_result(inference, &window, operand_type(inference, 0)->dims[1]);
    if (inference->count == 1 && inference->capacity > 0)
        inference->types[0].element = operand_type(inference, 0)->element;
}

void infer_global_avg_pool(Inference *inference) {
    if (!wants_pixels(inference))
        return;
    const int64_t *dims = operand_type(inference, 0)->dims;
    TensorType type = tensor_type(4, (int64_t[]){dims[0], dims[1], 1, 1});
    type.element = operand_type(inference, 0)->element;
    add_result(inference, type);
}
