/* Shape rules of ops that compute element by element, or along the channels. */
#include "ir/formula.h"
#include "ir/infer.h"

#include <math.h>

void infer_same(Inference *inference) {
    add_result(inference, *operand_type(inference, 0));
}

void infer_batch_norm(Inference *inference) {
    check_channel_weights(inference, operand_type(inference, 0)->dims[1]);
    double epsilon = node_number(inference->node, "epsilon");
    if (!(isfinite(epsilon) && epsilon >= 0))
        shape_fault(inference, "epsilon must be finite and not negative");
    infer_same(inference);
}

void infer_bias(Inference *inference) {
    check_channel_weights(inference, operand_type(inference, 0)->dims[1]);
    infer_same(inference);
}

void infer_constant(Inference *inference) {
    int64_t dims[MAX_RANK];
    const Weight *weight = node_weight(inference->node, "value");
    if (!read_dimensions(inference, "dims", 1, 0, dims))
        return;
    TensorType type = tensor_type((int)node_list(inference->node, "dims").count, dims);
    if (!tensor_type_equal(&weight->type, &type))
        shape_fault(inference, "value '%s' is %s, but dims need %s", weight->path,
            tensor_type_spelling(&weight->type, inference->scratch),
            tensor_type_spelling(&type, inference->scratch));
    add_result(inference, type);
}

/* Lets the result be as large as the operand in each dimension. */
static bool repeat_to(TensorType *result, const TensorType *operand) {
    while (result->rank < operand->rank)
        result->dims[result->rank++] = 1;
    for (int i = 0; i < operand->rank; i++) {
        if (result->dims[i] == 1)
            result->dims[i] = operand->dims[i];
        if (operand->dims[i] != 1 && operand->dims[i] != result->dims[i])
            return false;
    }
    return true;
}

void infer_elements(Inference *inference) {
    const Node *node = inference->node;
    TensorType result = *operand_type(inference, 0);
    for (int i = 1; i < node->operand_count; i++)
        if (!repeat_to(&result, operand_type(inference, i))) {
            shape_fault(inference,
                "the operands are %s and %s; they must be equal in each dimension, or 1 in one "
                "of them",
                operand_spelling(inference, 0), operand_spelling(inference, i));
            return;
        }
    for (int i = 0; op_is_element(node->op) && i < element_parameters(node->op); i++)
        if (!isfinite(node->attributes[i].number))
            shape_fault(
                inference, "%s must be a finite number", op_info(node->op)->attributes[i].name);
    add_result(inference, result);
}

void infer_local_response_norm(Inference *inference) {
    const Node *node = inference->node;
    int64_t size = node_integer(node, "size");
    if (size < 1 || size > LARGEST_STEP || size % 2 == 0)
        shape_fault(inference, "size must be odd and from 1 to %d, but is %lld", LARGEST_STEP,
            (long long)size);
    double alpha = node_number(node, "alpha"), beta = node_number(node, "beta");
    double k = node_number(node, "k");
    if (!(isfinite(alpha) && alpha >= 0 && isfinite(beta) && isfinite(k) && k >= 0))
        shape_fault(inference, "alpha and k must be finite and not negative, and beta finite");
    infer_same(inference);
}
