/* Shape rules of convolutions and fully connected layers. */
#include "ir/infer.h"

static bool check_conv_channels(
    Inference *inference, const TensorType *weight, int64_t channels, int64_t groups) {
    if (groups < 1 || channels % groups != 0) {
        shape_fault(inference, "groups = %lld does not divide the %lld channels of the operand %s",
            (long long)groups, (long long)channels, operand_spelling(inference, 0));
        return false;
    }
    if (weight->rank != 4) {
        shape_fault(inference, "the weight must be [o,c/groups,kh,kw], but is %s",
            tensor_type_spelling(weight, inference->scratch));
        return false;
    }
    if (weight->dims[1] != channels / groups) {
        shape_fault(inference,
            "weight '%s' is %s, but the operand %s with groups = %lld needs %lld input channels",
            node_weight(inference->node, "weight")->path,
            tensor_type_spelling(weight, inference->scratch), operand_spelling(inference, 0),
            (long long)groups, (long long)(channels / groups));
        return false;
    }
    if (weight->dims[0] % groups != 0) {
        shape_fault(inference, "groups = %lld does not divide the %lld filters of the weight %s",
            (long long)groups, (long long)weight->dims[0],
            tensor_type_spelling(weight, inference->scratch));
        return false;
    }
    return true;
}

void check_residual(Inference *inference) {
    const Node *node = inference->node;
    TensorType residual = {0};
    if (node->operand_count > 1)
        residual = *operand_type(inference, 1);
    if (residual.element == ELEMENT_F16) /* is widened */
        residual.element = ELEMENT_F32;
    if (node->operand_count < 2) {
        if (node_formula_attribute(node, "residual_activation") != NULL)
            shape_fault(inference, "residual_activation needs a second operand");
    } else if (inference->count == 1 && !tensor_type_equal(&residual, &inference->types[0])) {
        shape_fault(inference, "the residual is %s, but the result is %s",
            operand_spelling(inference, 1),
            tensor_type_spelling(&inference->types[0], inference->scratch));
    }
}

void infer_window_product(Inference *inference) {
    const Node *node = inference->node;
    const TensorType *weight = &node_weight(node, "weight")->type;
    WindowRule window = {0};
    if (!wants_pixels(inference) ||
        !check_conv_channels(
            inference, weight, operand_type(inference, 0)->dims[1], node_integer(node, "groups")))
        return;
    for (int axis = 0; axis < 2; axis++) {
        window.kernel[axis] = weight->dims[2 + axis];
        if (window.kernel[axis] > LARGEST_STEP) {
            shape_fault(inference, "the kernel of weight %s is too large",
                tensor_type_spelling(weight, inference->scratch));
            return;
        }
    }
    if (!read_steps(inference, "stride", 2, 1, window.stride) ||
        !read_steps(inference, "padding", 4, 0, window.padding) ||
        !read_steps(inference, "dilation", 2, 1, window.dilation))
        return;
    window_result(inference, &window, weight->dims[0]);
}

void infer_product(Inference *inference) {
    const Node *node = inference->node;
    const TensorType *type = operand_type(inference, 0);
    const Weight *weight = node_weight(node, "weight");
    if (type->rank == 4 && (type->dims[2] != 1 || type->dims[3] != 1)) {
        shape_fault(inference, "the operand must be [n,c] or [n,c,1,1], but is %s",
            operand_spelling(inference, 0));
        return;
    }
    if (weight->type.rank != 2 || weight->type.dims[1] != type->dims[1]) {
        shape_fault(inference, "weight '%s' is %s, but the operand %s needs [o,%lld]", weight->path,
            tensor_type_spelling(&weight->type, inference->scratch), operand_spelling(inference, 0),
            (long long)type->dims[1]);
        return;
    }
    add_result(inference, tensor_type(2, (int64_t[]){type->dims[0], weight->type.dims[0]}));
}

/* What a conv or a linear gives, and that it can multiply what it is given. */
static void finish_products(Inference *inference) {
    const Node *node = inference->node;
    int64_t given = node_integer(node, "result");
    ElementType weight = node_weight(node, "weight")->type.element;
    ElementType operand = operand_type(inference, 0)->element;
    if (weight == ELEMENT_BF16 && !node_adds_channels(node))
        shape_fault(inference, "weights of bf16 are for layers that add up channels");
    if (weight != ELEMENT_BF16 && operand == ELEMENT_BF16 && node_adds_channels(node))
        shape_fault(inference, "an operand of bf16 needs a weight of bf16");
    if (weight != ELEMENT_F16 && operand == ELEMENT_F16)
        shape_fault(inference, "an operand of f16 needs a weight of f16");
    if (weight == ELEMENT_F16 && operand != ELEMENT_F16 &&
        !(operand == ELEMENT_F32 && node_adds_channels(node)))
        shape_fault(inference, "a weight of f16 needs an operand of f16, or of f32 where the layer "
                               "adds up channels");
    if (node_integer(node, "part") < 0)
        shape_fault(inference, "part must not be negative, but is %lld",
            (long long)node_integer(node, "part"));
    if (given == RESULT_U8)
        shape_fault(inference, "the result is f32, bf16 or f16");
    if (given == RESULT_F32 || inference->count != 1 || inference->capacity == 0)
        return;
    inference->types[0].element = given == RESULT_F16 ? ELEMENT_F16 : ELEMENT_BF16;
}

void infer_conv(Inference *inference) {
    const Node *node = inference->node;
    const TensorType *weight = &node_weight(node, "weight")->type;
    infer_window_product(inference);
    if (inference->failed)
        return;
    const Weight *bias = node_weight(node, "bias");
    TensorType bias_type = tensor_type(1, weight->dims);
    if (bias != NULL && !tensor_type_equal(&bias->type, &bias_type))
        shape_fault(inference, "bias '%s' is %s, but the weight %s needs %s", bias->path,
            tensor_type_spelling(&bias->type, inference->scratch),
            tensor_type_spelling(weight, inference->scratch),
            tensor_type_spelling(&bias_type, inference->scratch));
    check_residual(inference);
    finish_products(inference);
}

void infer_linear(Inference *inference) {
    infer_product(inference);
    if (!inference->failed)
        check_weight(inference, "bias", 1, node_weight(inference->node, "weight")->type.dims);
    if (!inference->failed)
        finish_products(inference);
}
