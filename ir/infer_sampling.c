/* Shape rules of ops that look at rows and columns of their operand by lists or formulas. */
#include "ir/infer.h"

#include <math.h>

void infer_resize(Inference *inference) {
    int64_t size[2];
    const Node *node = inference->node;
    if (!wants_pixels(inference) || !read_steps(inference, "size", 2, 1, size))
        return;
    for (int axis = 0; axis < 2; axis++) {
        const char *name = axis == 0 ? "row_scale" : "column_scale";
        double scale = node_number(node, name);
        if (!isfinite(scale) || scale < 0) {
            shape_fault(inference, "%s must be 0 or a positive number, but is %g", name, scale);
            return;
        }
    }
    TensorType type = *operand_type(inference, 0);
    type.dims[2] = size[0];
    type.dims[3] = size[1];
    add_result(inference, type);
}

static bool check_indices(Inference *inference, const char *name, int64_t size) {
    IntegerList list = node_list(inference->node, name);
    if (list.count < 1 || list.count > LARGEST_STEP) {
        shape_fault(inference, "%s must have from 1 to %d entries, but has %zu", name, LARGEST_STEP,
            list.count);
        return false;
    }
    for (size_t i = 0; i < list.count; i++)
        if (list.items[i] < 0 || list.items[i] >= size) {
            shape_fault(inference, "%s[%zu] is %lld, but the operand %s has only %s 0 to %lld",
                name, i, (long long)list.items[i], operand_spelling(inference, 0), name,
                (long long)(size - 1));
            return false;
        }
    return true;
}

void infer_take(Inference *inference) {
    if (!wants_pixels(inference))
        return;
    TensorType type = *operand_type(inference, 0);
    if (!check_indices(inference, "rows", type.dims[2]) ||
        !check_indices(inference, "columns", type.dims[3]))
        return;
    type.dims[2] = (int64_t)node_list(inference->node, "rows").count;
    type.dims[3] = (int64_t)node_list(inference->node, "columns").count;
    add_result(inference, type);
}
