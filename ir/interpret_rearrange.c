/* Ops that say which number is where, in tensors of any rank: each counts through the indices of
 * its result, the last dimension fastest. */
#include "ir/interpret.h"

#include <string.h>

/* Copies numbers from where their steps lead: along dimension i of `sizes`, `steps[i]` in the
 * source. */
static void copy_by_steps(const Stored *source, Stored *target, const int64_t *sizes,
    const int64_t *steps, size_t count, Arena *scratch) {
    int64_t *index = ARENA_ARRAY(scratch, int64_t, count + 1), at = 0;
    for (;;) {
        *target++ = source[at];
        size_t i = count;
        while (i > 0 && index[i - 1] == sizes[i - 1] - 1) {
            at -= index[i - 1] * steps[i - 1];
            index[--i] = 0;
        }
        if (i == 0)
            return;
        index[i - 1]++;
        at += steps[i - 1];
    }
}

void interpret_rearrange(
    const Node *node, const Stored *const *operands, Stored *const *results, Arena *scratch) {
    IntegerList factors = node_list(node, "factors"), order = node_list(node, "order");
    int64_t *dense = ARENA_ARRAY(scratch, int64_t, factors.count);
    int64_t *sizes = ARENA_ARRAY(scratch, int64_t, order.count);
    int64_t *steps = ARENA_ARRAY(scratch, int64_t, order.count), product = 1;
    for (size_t i = factors.count; i-- > 0; product *= factors.items[i])
        dense[i] = product;
    for (size_t i = 0; i < order.count; i++) {
        int64_t item = order.items[i];
        sizes[i] = item < 0 ? -item : factors.items[item];
        steps[i] = item < 0 ? 0 : dense[item];
    }
    copy_by_steps(operands[0], results[0], sizes, steps, order.count, scratch);
}

void interpret_slice(
    const Node *node, const Stored *const *operands, Stored *const *results, Arena *scratch) {
    const TensorType *from = &node->operands[0]->type, *to = &node->results[0]->type;
    const int64_t *begin = node_list(node, "begin").items, *step = node_list(node, "step").items;
    int64_t steps[MAX_RANK], first = 0, product = 1;
    for (int i = from->rank; i-- > 0; product *= from->dims[i]) {
        steps[i] = product * step[i];
        first += product * begin[i];
    }
    copy_by_steps(operands[0] + first, results[0], to->dims, steps, (size_t)to->rank, scratch);
}

void interpret_join(
    const Node *node, const Stored *const *operands, Stored *const *results, Arena *scratch) {
    (void)scratch;
    const TensorType *type = &node->results[0]->type;
    int axis = (int)node_integer(node, "axis");
    int64_t outer = 1;
    for (int i = 0; i < axis; i++)
        outer *= type->dims[i];
    Stored *target = results[0];
    for (int64_t i = 0; i < outer; i++)
        for (int k = 0; k < node->operand_count; k++) {
            size_t count = (size_t)(tensor_elements(&node->operands[k]->type) / outer);
            memcpy(target, operands[k] + (size_t)i * count, count * sizeof(Stored));
            target += count;
        }
}
