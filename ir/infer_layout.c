/* Shape rules of ops that only move numbers: channels, borders, and flatten. */
#include "ir/infer.h"

#include <limits.h>
#include <math.h>

/* Channels of all operands joined; 0 after reporting that they do not fit. */
static int64_t joined_channels(Inference *inference) {
    const TensorType *first = operand_type(inference, 0);
    int64_t channels = 0;
    for (int i = 0; i < inference->node->operand_count; i++) {
        const TensorType *type = operand_type(inference, i);
        TensorType alike = *type;
        alike.dims[1] = first->dims[1];
        if (!tensor_type_equal(&alike, first)) {
            shape_fault(inference,
                "operand %d is %s, but the first is %s; only channels may differ", i + 1,
                tensor_type_spelling(type, inference->scratch),
                tensor_type_spelling(first, inference->scratch));
            return 0;
        }
        if (__builtin_add_overflow(channels, type->dims[1], &channels)) {
            shape_fault(inference, "too many channels");
            return 0;
        }
    }
    return channels;
}

static void result_with_channels(Inference *inference, int64_t channels) {
    TensorType type = *operand_type(inference, 0);
    type.dims[1] = channels;
    add_result(inference, type);
}

void infer_concat(Inference *inference) {
    int64_t channels = joined_channels(inference);
    if (channels > 0)
        result_with_channels(inference, channels);
}

void infer_split(Inference *inference) {
    IntegerList sizes = node_list(inference->node, "sizes");
    int64_t channels = operand_type(inference, 0)->dims[1];
    int64_t sum = 0;
    if (sizes.count == 0 || sizes.count > (size_t)channels) {
        shape_fault(inference, "sizes must have from 1 to %lld entries, but has %zu",
            (long long)channels, sizes.count);
        return;
    }
    for (size_t i = 0; i < sizes.count; i++) {
        if (sizes.items[i] < 1 || sizes.items[i] > channels - sum) {
            shape_fault(inference, "sizes must be positive and add up to the %lld channels of %s",
                (long long)channels, operand_spelling(inference, 0));
            return;
        }
        if (node_flag(inference->node, "interleaved") && sizes.items[i] != sizes.items[0]) {
            shape_fault(inference, "interleaved needs equal sizes, but they are %lld and %lld",
                (long long)sizes.items[0], (long long)sizes.items[i]);
            return;
        }
        sum += sizes.items[i];
    }
    if (sum != channels) {
        shape_fault(inference, "sizes add up to %lld, but the operand %s has %lld channels",
            (long long)sum, operand_spelling(inference, 0), (long long)channels);
        return;
    }
    for (size_t i = 0; i < sizes.count; i++)
        result_with_channels(inference, sizes.items[i]);
}

void infer_shuffle(Inference *inference) {
    int64_t channels = operand_type(inference, 0)->dims[1];
    int64_t groups = node_integer(inference->node, "groups");
    if (groups < 1 || channels % groups != 0)
        shape_fault(inference, "groups = %lld does not divide the %lld channels of the operand %s",
            (long long)groups, (long long)channels, operand_spelling(inference, 0));
    infer_same(inference);
}

/* gather and route: the list picks from the operands' joined channels. */
void infer_pick(Inference *inference) {
    IntegerList list = node_list(inference->node, "channels");
    int64_t channels = joined_channels(inference);
    if (channels == 0)
        return;
    if (list.count == 0 || list.count > INT_MAX) {
        shape_fault(
            inference, "channels must have from 1 to %d entries, but has %zu", INT_MAX, list.count);
        return;
    }
    for (size_t i = 0; i < list.count; i++) {
        if (list.items[i] < 0 || list.items[i] >= channels) {
            shape_fault(inference, "channels[%zu] is %lld, but there are only channels 0 to %lld",
                i, (long long)list.items[i], (long long)(channels - 1));
            return;
        }
    }
    result_with_channels(inference, (int64_t)list.count);
}

/* pad adds what its list says on the four sides, crop (`sign` -1) takes it away. */
static void infer_border(Inference *inference, const char *attribute, int sign) {
    int64_t border[4];
    if (!wants_pixels(inference) || !read_steps(inference, attribute, 4, 0, border))
        return;
    TensorType type = *operand_type(inference, 0);
    for (int axis = 0; axis < 2; axis++) {
        int64_t change = border[axis] + border[2 + axis];
        if (sign < 0 && change >= type.dims[2 + axis]) {
            shape_fault(inference, "%s %lld and %lld leave no %s of the operand %s", attribute,
                (long long)border[axis], (long long)border[2 + axis], axis == 0 ? "row" : "column",
                operand_spelling(inference, 0));
            return;
        }
        type.dims[2 + axis] += sign * change;
    }
    add_result(inference, type);
}

void infer_pad(Inference *inference) {
    if (!isfinite((float)node_number(inference->node, "value")))
        shape_fault(inference, "value must be a finite float, but is %g",
            node_number(inference->node, "value"));
    infer_border(inference, "padding", 1);
}

void infer_crop(Inference *inference) {
    infer_border(inference, "margins", -1);
}

void infer_flatten(Inference *inference) {
    if (!wants_pixels(inference))
        return;
    const int64_t *dims = operand_type(inference, 0)->dims;
    add_result(inference, tensor_type(2, (int64_t[]){dims[0], dims[1] * dims[2] * dims[3]}));
}

void infer_unflatten(Inference *inference) {
    const TensorType *type = operand_type(inference, 0);
    if (type->rank == 2)
        add_result(inference, tensor_type(4, (int64_t[]){type->dims[0], type->dims[1], 1, 1}));
    else
        shape_fault(
            inference, "the operand must be [n,c], but is %s", operand_spelling(inference, 0));
}
