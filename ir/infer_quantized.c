/* Shape rules of quantised ops. */
#include "ir/infer.h"

#include <inttypes.h>
#include <math.h>

void infer_range(Inference *inference) {
    static const char *const of_channels[] = {"low", "high", "mean"};
    for (int i = 0; i < 3; i++)
        check_weight(inference, of_channels[i], 1, &operand_type(inference, 0)->dims[1]);
    const Weight *moments = node_weight(inference->node, "moments");
    if (moments != NULL &&
        (moments->type.rank != 3 || moments->type.dims[1] != moments->type.dims[2]))
        shape_fault(inference, "moments '%s' is %s, but must be [g,k,k]", moments->path,
            tensor_type_spelling(&moments->type, inference->scratch));
    infer_same(inference);
}

void infer_pixels(Inference *inference) {
    TensorType type = *operand_type(inference, 0);
    if (type.element != ELEMENT_U8 || type.rank != 4 || type.dims[1] > MOST_PIXEL_CHANNELS ||
        inference->node->operands[0]->producer != NULL) {
        shape_fault(inference,
            "the operand must be an input u8[n,c,h,w] with at most %d channels, but is %s",
            MOST_PIXEL_CHANNELS, operand_spelling(inference, 0));
        return;
    }
    Preprocessing pixels = node_pixels(inference->node);
    for (int64_t c = 0; c < type.dims[1]; c++)
        if (!isfinite(pixels.scale) || !isfinite(pixels.mean[c]) || !isfinite(pixels.std[c]) ||
            pixels.std[c] == 0) {
            shape_fault(inference, "scale and mean must be finite, and std finite and not zero");
            return;
        }
    int64_t taken = node_integer(inference->node, "channels");
    if (taken != 0 && (taken < type.dims[1] - 1 || taken > type.dims[1])) {
        shape_fault(inference, "channels must be 0 or %" PRId64 ", or one less", type.dims[1]);
        return;
    }
    if (taken > 0)
        type.dims[1] = taken;
    type.element = ELEMENT_F32;
    add_result(inference, type);
}

/* Of a picture's channels, the first may be all that the layer computes with. */
static void take_channels(const Inference *inference, TensorType *type) {
    const Weight *factor = node_weight(inference->node, "factor");
    if (type->element == ELEMENT_U8 && factor != NULL && factor->type.rank == 1 &&
        factor->type.dims[0] < type->dims[1])
        type->dims[1] = factor->type.dims[0];
}

void infer_quantize(Inference *inference) {
    int64_t padding[4];
    TensorType type = *operand_type(inference, 0);
    if (type.element == ELEMENT_U8 && (inference->node->operands[0]->producer != NULL ||
                                          type.rank != 4 || type.dims[1] > MOST_PIXEL_CHANNELS)) {
        shape_fault(inference,
            "an operand of u8 must be an input of at most %d channels, but is %s",
            MOST_PIXEL_CHANNELS, operand_spelling(inference, 0));
        return;
    }
    take_channels(inference, &type);
    check_channel_weights(inference, type.dims[1]);
    if (!read_steps(inference, "padding", 4, 0, padding))
        return;
    for (int i = 0; i < 4; i++) {
        if (padding[i] > 0 && type.rank != 4) {
            shape_fault(inference, "padding needs an operand [n,c,h,w], but it is %s",
                operand_spelling(inference, 0));
            return;
        }
        if (type.rank == 4)
            type.dims[2 + i % 2] += padding[i];
    }
    type.element = ELEMENT_U8;
    add_result(inference, type);
}

/* What a convolution and a fully connected layer of bytes have in common. */
static void finish_quantized(Inference *inference) {
    const Node *node = inference->node;
    const int64_t *outputs = node_weight(node, "weight")->type.dims;
    bool bytes = node_integer(node, "result") == RESULT_U8;
    if (node_integer(node, "result") != RESULT_F32 && !bytes)
        shape_fault(inference, "the result is f32 or u8");
    check_weight(inference, "zero", 1, &operand_type(inference, 0)->dims[1]);
    check_weight(inference, "factor", 1, outputs);
    check_weight(inference, "offset", 1, outputs);
    if (operand_type(inference, 0)->element != ELEMENT_U8)
        shape_fault(
            inference, "the operand must be of u8, but is %s", operand_spelling(inference, 0));
    if (bytes && node_formula_attribute(node, "activation") != NULL)
        shape_fault(inference, "a result of u8 has no activation");
    if (inference->count == 1 && inference->capacity > 0 && bytes)
        inference->types[0].element = ELEMENT_U8;
}

void infer_quantized_conv(Inference *inference) {
    infer_window_product(inference);
    if (inference->failed)
        return;
    finish_quantized(inference);
    check_residual(inference);
}

void infer_quantized_linear(Inference *inference) {
    infer_product(inference);
    if (!inference->failed)
        finish_quantized(inference);
}
