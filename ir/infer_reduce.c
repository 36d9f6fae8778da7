/* Shape rules of ops that make one number of many. */
#include "ir/infer.h"
#include "ir/reduction.h"

static bool is_dimension(Inference *inference, int64_t axis) {
    int rank = operand_type(inference, 0)->rank;
    if (axis >= 0 && axis < rank)
        return true;
    shape_fault(inference, "%lld is no dimension of the operand %s, which are 0 to %d",
        (long long)axis, operand_spelling(inference, 0), rank - 1);
    return false;
}

static void add_reduced(Inference *inference) {
    TensorType type = *operand_type(inference, 0);
    for (int i = 0; i < type.rank; i++)
        type.dims[i] = node_reduces(inference->node, i) ? 1 : type.dims[i];
    add_result(inference, type);
}

void infer_reduce(Inference *inference) {
    IntegerList axes = node_list(inference->node, "axes");
    if (axes.count == 0)
        shape_fault(inference, "axes names no dimension");
    for (size_t i = 0; i < axes.count; i++) {
        if (!is_dimension(inference, axes.items[i]))
            return;
        for (size_t k = 0; k < i; k++)
            if (axes.items[k] == axes.items[i])
                shape_fault(
                    inference, "axes has the dimension %lld twice", (long long)axes.items[i]);
    }
    add_reduced(inference);
}

void infer_arg_max(Inference *inference) {
    int64_t axis = node_integer(inference->node, "axis");
    if (!is_dimension(inference, axis))
        return;
    if (operand_type(inference, 0)->dims[axis] > LARGEST_INDEX)
        shape_fault(inference,
            "dimension %lld of the operand %s has more than 2^24 indices, and a float cannot tell "
            "them apart",
            (long long)axis, operand_spelling(inference, 0));
    add_reduced(inference);
}
