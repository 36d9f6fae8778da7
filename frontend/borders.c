/* Padding with numbers of the operand: what take is called where it is simple. */
#include "frontend/operations.h"
#include "ir/sampling.h"

#include <string.h>

static bool set_indices(Evaluator *evaluator, Node *node, const char *name, BorderMode mode,
    int64_t before, int64_t after, SourceRange where) {
    int64_t size = node->operands[0]->type.dims[strcmp(name, "rows") == 0 ? 2 : 3];
    int64_t count = before + size + after;
    if (count > LIST_LIMIT || !spend(evaluator, count, where)) {
        return false;
    }
    int64_t *items = ARENA_ARRAY(evaluator->graph->arena, int64_t, count);
    for (int64_t i = 0; i < count; i++) {
        items[i] = border_index(mode, i - before, size);
    }
    node_set_list(evaluator->graph, node, name, items, (size_t)count);
    return true;
}

static bool prepare_border(
    Evaluator *evaluator, Call *call, const Operation *operation, Node *node, BorderMode mode) {
    const TensorType *type = &node->operands[0]->type;
    const CallArgument *argument = operation_argument(call, operation, "padding");
    int64_t sides[4];
    if (!argument) {
        complain(evaluator, call->where, NULL, "%s needs a value for 'padding'", call->name);
        return false;
    }
    if (type->rank != 4) {
        complain(evaluator, call->where, NULL, "%s takes [n,c,h,w], not %s", call->name,
            tensor_type_spelling(type, evaluator->arena));
        return false;
    }
    return read_sides(evaluator, call, argument, "padding", sides) &&
           set_indices(evaluator, node, "rows", mode, sides[0], sides[2], argument->where) &&
           set_indices(evaluator, node, "columns", mode, sides[1], sides[3], argument->where);
}

bool prepare_pad_reflect(Evaluator *evaluator, Call *call, const Operation *operation, Node *node) {
    return prepare_border(evaluator, call, operation, node, BORDER_REFLECT);
}

bool prepare_pad_edge(Evaluator *evaluator, Call *call, const Operation *operation, Node *node) {
    return prepare_border(evaluator, call, operation, node, BORDER_EDGE);
}

bool prepare_pad_around(Evaluator *evaluator, Call *call, const Operation *operation, Node *node) {
    return prepare_border(evaluator, call, operation, node, BORDER_AROUND);
}
