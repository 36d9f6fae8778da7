/* Shape rules of ops that say which number is where, in tensors of any rank. */
#include "ir/infer.h"

bool read_dimensions(
    Inference *inference, const char *name, int64_t least, int rank, int64_t *items) {
    IntegerList list = node_list(inference->node, name);
    if (list.count < 1 || list.count > MAX_RANK || (rank > 0 && list.count != (size_t)rank)) {
        if (rank > 0)
            shape_fault(inference, "%s has %zu entries, but the operand %s has %d dimensions", name,
                list.count, operand_spelling(inference, 0), rank);
        else
            shape_fault(inference, "%s must have from 1 to %d entries, but has %zu", name, MAX_RANK,
                list.count);
        return false;
    }
    for (size_t i = 0; i < list.count; i++) {
        items[i] = list.items[i];
        if (items[i] < least || items[i] > (int64_t)1 << 40) {
            shape_fault(inference, "%s[%zu] must be from %lld to 2^40, but is %lld", name, i,
                (long long)least, (long long)items[i]);
            return false;
        }
    }
    return true;
}

/* Whether consecutive factors multiply up to each of the dimensions. */
static bool multiply_up(const int64_t *factors, size_t count, const int64_t *dims, int rank) {
    size_t at = 0;
    for (int i = 0; i < rank; i++) {
        int64_t left = dims[i];
        while (left > 1 && at < count && left % factors[at] == 0)
            left /= factors[at++];
        if (left != 1)
            return false;
    }
    while (at < count && factors[at] == 1)
        at++;
    return at == count;
}

/* Reads factors and order, and what the order makes of the factors: at most `most` of them. */
static size_t read_factors(Inference *inference, int64_t *ordered, size_t most) {
    IntegerList factors = node_list(inference->node, "factors");
    IntegerList order = node_list(inference->node, "order");
    if (factors.count < 1 || factors.count > most || order.count < factors.count ||
        order.count > most) {
        shape_fault(inference,
            "factors must have from 1 to %zu entries, and order as many or more, up to %zu", most,
            most);
        return 0;
    }
    for (size_t i = 0; i < factors.count; i++)
        if (factors.items[i] < 1) {
            shape_fault(inference, "factors[%zu] must be positive, but is %lld", i,
                (long long)factors.items[i]);
            return 0;
        }
    uint64_t seen = 0;
    for (size_t i = 0; i < order.count; i++) {
        int64_t item = order.items[i];
        if (item >= (int64_t)factors.count || item < -LARGEST_STEP ||
            (item >= 0 && (seen >> item & 1))) {
            shape_fault(inference,
                "order[%zu] is %lld: it must be one of the %zu factors, each once, "
                "or the negative of a number of times",
                i, (long long)item, factors.count);
            return 0;
        }
        seen |= item >= 0 ? (uint64_t)1 << item : 0;
        ordered[i] = item >= 0 ? factors.items[item] : -item;
    }
    if (seen + 1 != (uint64_t)1 << factors.count) {
        shape_fault(inference, "order leaves out some of the %zu factors", factors.count);
        return 0;
    }
    return order.count;
}

void infer_rearrange(Inference *inference) {
    enum { MOST_FACTORS = 24 };
    int64_t dims[MAX_RANK], ordered[MOST_FACTORS];
    const TensorType *type = operand_type(inference, 0);
    IntegerList factors = node_list(inference->node, "factors");
    size_t count = read_factors(inference, ordered, MOST_FACTORS);
    if (count == 0 || !read_dimensions(inference, "dims", 1, 0, dims))
        return;
    int rank = (int)node_list(inference->node, "dims").count;
    if (!multiply_up(factors.items, factors.count, type->dims, type->rank)) {
        shape_fault(inference, "factors do not multiply up to the dimensions of the operand %s",
            operand_spelling(inference, 0));
        return;
    }
    TensorType result = tensor_type(rank, dims);
    result.element = type->element;
    if (!multiply_up(ordered, count, dims, rank)) {
        shape_fault(inference,
            "the factors in their order do not multiply up to the dimensions of %s",
            tensor_type_spelling(&result, inference->scratch));
        return;
    }
    add_result(inference, result);
}

void infer_slice(Inference *inference) {
    int64_t begin[MAX_RANK], step[MAX_RANK], dims[MAX_RANK];
    const TensorType *type = operand_type(inference, 0);
    if (!read_dimensions(inference, "begin", 0, type->rank, begin) ||
        !read_dimensions(inference, "step", 1, type->rank, step) ||
        !read_dimensions(inference, "dims", 1, type->rank, dims))
        return;
    for (int i = 0; i < type->rank; i++)
        if (begin[i] >= type->dims[i] || (dims[i] - 1) > (type->dims[i] - 1 - begin[i]) / step[i]) {
            shape_fault(inference,
                "%lld indices from %lld on in steps of %lld go beyond dimension %d of the operand "
                "%s",
                (long long)dims[i], (long long)begin[i], (long long)step[i], i,
                operand_spelling(inference, 0));
            return;
        }
    TensorType result = tensor_type(type->rank, dims);
    result.element = type->element;
    add_result(inference, result);
}

void infer_join(Inference *inference) {
    const TensorType *first = operand_type(inference, 0);
    int64_t axis = node_integer(inference->node, "axis"), sum = 0;
    if (axis < 0 || axis >= first->rank) {
        shape_fault(inference, "axis is %lld, but the operand %s has %d dimensions",
            (long long)axis, operand_spelling(inference, 0), first->rank);
        return;
    }
    for (int i = 0; i < inference->node->operand_count; i++) {
        const TensorType *type = operand_type(inference, i);
        TensorType alike = *type;
        alike.dims[axis] = first->dims[axis];
        if (type->rank != first->rank || !tensor_type_equal(&alike, first)) {
            shape_fault(inference,
                "operand %d is %s, but the first is %s; only dimension %lld may differ", i + 1,
                tensor_type_spelling(type, inference->scratch),
                tensor_type_spelling(first, inference->scratch), (long long)axis);
            return;
        }
        if (__builtin_add_overflow(sum, type->dims[axis], &sum)) {
            shape_fault(inference, "dimension %lld is too large", (long long)axis);
            return;
        }
    }
    TensorType result = *first;
    result.dims[axis] = sum;
    add_result(inference, result);
}
