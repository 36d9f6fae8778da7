/* Shape rule of the transposed convolution. */
#include "ir/infer.h"

static bool check_channels(Inference *inference, const TensorType *weight, int64_t groups) {
    int64_t channels = operand_type(inference, 0)->dims[1];
    if (groups < 1 || channels % groups != 0) {
        shape_fault(inference, "groups = %lld does not divide the %lld channels of the operand %s",
            (long long)groups, (long long)channels, operand_spelling(inference, 0));
        return false;
    }
    if (weight->rank != 4 || weight->dims[0] != channels) {
        shape_fault(inference, "the weight must be [%lld,o/groups,kh,kw], but is %s",
            (long long)channels, tensor_type_spelling(weight, inference->scratch));
        return false;
    }
    for (int axis = 0; axis < 2; axis++)
        if (weight->dims[2 + axis] > LARGEST_STEP) {
            shape_fault(inference, "the kernel of weight %s is too large",
                tensor_type_spelling(weight, inference->scratch));
            return false;
        }
    return true;
}

/* Height (axis 0) or width (axis 1) of the result; 0 after reporting. */
static int64_t result_extent(Inference *inference, const TensorType *weight, const int64_t *stride,
    const int64_t *padding, const int64_t *dilation, const int64_t *added, int axis) {
    int64_t size = operand_type(inference, 0)->dims[2 + axis];
    int64_t reach = dilation[axis] * (weight->dims[2 + axis] - 1) + 1;
    if (added[axis] >= stride[axis] && added[axis] >= dilation[axis]) {
        shape_fault(inference,
            "output_padding %lld of the %s is not smaller than their stride %lld or dilation %lld",
            (long long)added[axis], axis == 0 ? "rows" : "columns", (long long)stride[axis],
            (long long)dilation[axis]);
        return 0;
    }
    if (padding[axis] > (size - 1) * stride[axis] + reach - 1) {
        shape_fault(inference, "padding %lld leaves out all %lld %s that the filters reach",
            (long long)padding[axis], (long long)((size - 1) * stride[axis] + reach),
            axis == 0 ? "rows" : "columns");
        return 0;
    }
    int64_t extent =
        (size - 1) * stride[axis] + reach + added[axis] - padding[axis] - padding[2 + axis];
    if (extent < 1)
        shape_fault(inference, "padding %lld and %lld leave no %s of the result",
            (long long)padding[axis], (long long)padding[2 + axis], axis == 0 ? "row" : "column");
    return extent < 1 ? 0 : extent;
}

void infer_conv_transpose(Inference *inference) {
    const Node *node = inference->node;
    const TensorType *weight = &node_weight(node, "weight")->type;
    int64_t groups = node_integer(node, "groups"), channels;
    int64_t stride[2], padding[4], dilation[2], added[2];
    if (!wants_pixels(inference) || !check_channels(inference, weight, groups) ||
        !read_steps(inference, "stride", 2, 1, stride) ||
        !read_steps(inference, "padding", 4, 0, padding) ||
        !read_steps(inference, "dilation", 2, 1, dilation) ||
        !read_steps(inference, "output_padding", 2, 0, added))
        return;
    if (__builtin_mul_overflow(weight->dims[1], groups, &channels)) {
        shape_fault(inference, "too many channels");
        return;
    }
    int64_t height = result_extent(inference, weight, stride, padding, dilation, added, 0);
    int64_t width = result_extent(inference, weight, stride, padding, dilation, added, 1);
    if (height < 1 || width < 1)
        return;
    check_weight(inference, "bias", 1, &channels);
    if (!inference->failed)
        add_result(inference, tensor_type(4, (int64_t[]){operand_type(inference, 0)->dims[0],
                                                 channels, height, width}));
}
