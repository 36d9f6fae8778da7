/* What rearrange is called where it is simple: permute, reshape, upsample, depth_to_space and
 * space_to_depth. Each says the factors, their order and the dimensions. */
#include "frontend/operations.h"
#include "ir/index_map.h"

#include <string.h>

enum { MOST_TIMES = 4096 };

static bool read_list(Evaluator *evaluator, Call *call, const Operation *operation,
    const char *name, int64_t least, IntegerList *list) {
    const CallArgument *argument = operation_argument(call, operation, name);
    if (argument == NULL) {
        complain(evaluator, call->where, NULL, "%s needs a value for '%s'", call->name, name);
        return false;
    }
    return argument_integers(evaluator, call, argument, name, least, list);
}

bool prepare_permute(Evaluator *evaluator, Call *call, const Operation *operation, Node *node) {
    const TensorType *type = &node->operands[0]->type;
    IntegerList order;
    if (!read_list(evaluator, call, operation, "order", 0, &order)) {
        return false;
    }
    Rearrangement a = {.factor_count = type->rank, .order_count = type->rank, .rank = type->rank};
    bool seen[MAX_RANK] = {false}, good = order.count == (size_t)type->rank;
    for (int i = 0; good && i < type->rank; i++) {
        int64_t item = order.items[i];
        good = item < type->rank && !seen[item];
        if (good) {
            seen[item] = true;
            a.factors[i] = type->dims[i];
            a.order[i] = item;
            a.dims[i] = type->dims[item];
        }
    }
    if (!good) {
        complain(evaluator, call->where, NULL, "'order' is no order of the dimensions of %s",
            tensor_type_spelling(type, evaluator->arena));
        return false;
    }
    node_set_rearrangement(evaluator->graph, node, &a);
    return true;
}

/* The operand of the node as one row of numbers. */
static Value *insert_row(Evaluator *evaluator, const Node *node, int64_t elements) {
    const TensorType *type = &node->operands[0]->type;
    Node *row =
        node_create(evaluator->graph, OP_rearrange, node->path, node->operands, 1, node->where);
    Rearrangement a = {
        .factor_count = type->rank, .order_count = type->rank, .rank = 1, .dims = {elements}};
    for (int i = 0; i < type->rank; i++) {
        a.factors[i] = type->dims[i];
        a.order[i] = i;
    }
    node_set_rearrangement(evaluator->graph, row, &a);
    if (!node_infer(evaluator->graph, row, evaluator->diagnostics)) {
        return NULL;
    }
    graph_append(evaluator->graph, row);
    return row->results[0];
}

bool prepare_reshape(Evaluator *evaluator, Call *call, const Operation *operation, Node *node) {
    const TensorType *type = &node->operands[0]->type;
    IntegerList dims;
    if (!read_list(evaluator, call, operation, "dims", 1, &dims)) {
        return false;
    }
    TensorType wanted = {.rank = (int)dims.count};
    for (size_t i = 0; i < dims.count && i < MAX_RANK; i++) {
        wanted.dims[i] = dims.items[i];
    }
    if (dims.count < 1 || dims.count > MAX_RANK ||
        tensor_elements(&wanted) != tensor_elements(type)) {
        complain(evaluator, call->where, NULL, "'dims' do not have the %lld elements of %s",
            (long long)tensor_elements(type), tensor_type_spelling(type, evaluator->arena));
        return false;
    }
    Rearrangement a = {.rank = wanted.rank};
    a.factor_count = (int)common_factors(
        type->dims, type->rank, wanted.dims, wanted.rank, a.factors, MOST_DIGITS);
    if (a.factor_count == 0) { /* as a row in between */
        int64_t elements = tensor_elements(type);
        Value *row = insert_row(evaluator, node, elements);
        if (row == NULL) {
            return false;
        }
        node->operands[0] = row;
        a.factor_count =
            (int)common_factors(&elements, 1, wanted.dims, wanted.rank, a.factors, MOST_DIGITS);
    }
    for (int i = 0; i < a.factor_count; i++) {
        a.order[a.order_count++] = i;
    }
    memcpy(a.dims, wanted.dims, sizeof a.dims);
    node_set_rearrangement(evaluator->graph, node, &a);
    return true;
}

static bool is_image(Evaluator *evaluator, const Call *call, const TensorType *type) {
    if (type->rank == 4) {
        return true;
    }
    complain(evaluator, call->where, NULL, "%s takes [n,c,h,w], not %s", call->name,
        tensor_type_spelling(type, evaluator->arena));
    return false;
}

bool prepare_upsample(Evaluator *evaluator, Call *call, const Operation *operation, Node *node) {
    const TensorType *type = &node->operands[0]->type;
    const CallArgument *argument = operation_argument(call, operation, "scale");
    int64_t scale[2] = {2, 2};
    if (!is_image(evaluator, call, type) ||
        (argument && !read_pair(evaluator, call, argument, "scale", scale))) {
        return false;
    }
    if (scale[0] > MOST_TIMES || scale[1] > MOST_TIMES) {
        complain(evaluator, argument->where, NULL, "'scale' of %s is at most %d", call->name,
            MOST_TIMES);
        return false;
    }
    const int64_t *d = type->dims;
    Rearrangement a = {{d[0], d[1], d[2], d[3]}, {0, 1, 2, -scale[0], 3, -scale[1]},
        {d[0], d[1], d[2] * scale[0], d[3] * scale[1]}, 4, 6, 4};
    node_set_rearrangement(evaluator->graph, node, &a);
    return true;
}

/* Reads the side of a block, of which the divisor has to hold so many. */
static bool read_side(
    Evaluator *evaluator, Call *call, const Operation *operation, Node *node, int64_t *side) {
    const CallArgument *argument = operation_argument(call, operation, "size");
    *side = 2;
    return is_image(evaluator, call, &node->operands[0]->type) &&
           (!argument || argument_integer(evaluator, call, argument, "size", 1, side));
}

bool prepare_depth_to_space(
    Evaluator *evaluator, Call *call, const Operation *operation, Node *node) {
    const TensorType *type = &node->operands[0]->type;
    const int64_t *d = type->dims;
    int64_t side;
    if (!read_side(evaluator, call, operation, node, &side)) {
        return false;
    }
    if (side > MOST_TIMES || d[1] % (side * side) != 0) {
        complain(evaluator, call->where, NULL, "%lld times %lld does not divide the channels of %s",
            (long long)side, (long long)side, tensor_type_spelling(type, evaluator->arena));
        return false;
    }
    int64_t channels = d[1] / side / side;
    Rearrangement a = {{d[0], channels, side, side, d[2], d[3]}, {0, 1, 4, 2, 5, 3},
        {d[0], channels, d[2] * side, d[3] * side}, 6, 6, 4};
    node_set_rearrangement(evaluator->graph, node, &a);
    return true;
}

bool prepare_space_to_depth(
    Evaluator *evaluator, Call *call, const Operation *operation, Node *node) {
    const TensorType *type = &node->operands[0]->type;
    const int64_t *d = type->dims;
    int64_t side;
    if (!read_side(evaluator, call, operation, node, &side)) {
        return false;
    }
    if (d[2] % side != 0 || d[3] % side != 0) {
        complain(evaluator, call->where, NULL, "%lld does not divide rows and columns of %s",
            (long long)side, tensor_type_spelling(type, evaluator->arena));
        return false;
    }
    Rearrangement a = {{d[0], d[1], d[2] / side, side, d[3] / side, side}, {0, 1, 3, 5, 2, 4},
        {d[0], d[1] * side * side, d[2] / side, d[3] / side}, 6, 6, 4};
    node_set_rearrangement(evaluator->graph, node, &a);
    return true;
}
