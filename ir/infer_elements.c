/* Shape rules of ops that compute element by element, or along the channels. */
#include "ir/formula.h"
#include "ir/infer.h"

#include <math.h>

void infer_same(Inference *inference) {
    add_result(inference, *operand_type(inference, 0));
}

void infer_batch_norm(Inference *inference) {
    check_channel_weights(inference);
    double epsilon = node_number(inference->node, "epsilon");
    if (!(isfinite(epsilon) && epsilon >= 0))
        shape_fault(inference, "epsilon must be finite and not negative");
    infer_same(inference);
}

void infer_bias(Inference *inference) {
    check_channel_weights(inference);
    infer_same(inference);
}

static void check_pair(Inference *inference, int index) {
    const TensorType *left = operand_type(inference, 0), *right = operand_type(inference, index);
    bool one_pixel = right->rank == 2 || (right->dims[2] == 1 && right->dims[3] == 1);
    bool per_channel = left->rank == 4 && left->dims[0] == right->dims[0] &&
                       left->dims[1] == right->dims[1] && one_pixel;
    if (!per_channel && !tensor_type_equal(left, right))
        shape_fault(inference,
            "the operands are %s and %s; they must be equal, or the second [n,c] or [n,c,1,1] "
            "with the first's n and c",
            operand_spelling(inference, 0), operand_spelling(inference, index));
}

void infer_elements(Inference *inference) {
    const Node *node = inference->node;
    for (int i = 1; i < node->operand_count; i++)
        check_pair(inference, i);
    for (int i = 0; op_is_element(node->op) && i < element_parameters(node->op); i++)
        if (!isfinite(node->attributes[i].number))
            shape_fault(
                inference, "%s must be a finite number", op_info(node->op)->attributes[i].name);
    infer_same(inference);
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
