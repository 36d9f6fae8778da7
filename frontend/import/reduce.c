/* Reductions over any dimensions. The op of the graph takes [n,c,h,w]: others are rearranged to
 * that, so that the channels are the dimension whose numbers lie next to each other in memory. */
#include "frontend/import/importer.h"
#include "ir/index_map.h"

#include <string.h>

/* ---- where numbers lie next to each other ---- */

/* The dimension of the value along which they do: that of channels at its source, if rearranges
 * lead from there; else the last. */
static int fastest_dimension(const Value *value) {
    enum { LONGEST_CHAIN = 16 };
    const Node *chain[LONGEST_CHAIN];
    int count = 0, last = value->type.rank - 1;
    for (const Node *node = value->producer; node != NULL && op_moves_numbers(node->op);
        node = value->producer) {
        if (count == LONGEST_CHAIN)
            return last;
        chain[count++] = node;
        value = node->operands[0];
    }
    IndexMap map = index_map_identity(&value->type);
    int channels = rank_has_channels(value->type.rank) ? 1 : value->type.rank - 1;
    for (int i = count - 1; i >= 0; i--) {
        if (!index_map_apply(&map, chain[i], 0) || map.empty)
            return last;
        index_map_simplify(&map);
    }
    for (int i = 0; i < map.digit_count; i++)
        if (map.digits[i].source_dimension == channels && map.digits[i].source_weight == 1 &&
            map.digits[i].result_weight == 1)
            return map.digits[i].result_dimension;
    return last;
}

/* ---- [n,c,h,w] ---- */

/* How the dimensions of a tensor become [n,c,h,w]: those that are reduced rows, others columns, but
 * for one that is the channels, and the first, which stays the first where it can. */
typedef struct ReducedForm {
    Shape shape; /* of the tensor */
    const bool *reduced;
    int channel;
    bool direct; /* it is [n,c,h,w] or [n,c] already */
    bool images; /* the first dimension stays */
    int64_t order[MODEL_MAX_RANK];
    Shape seen;
} ReducedForm;

static ReducedForm reduced_form(const Value *value, const bool *reduced) {
    ReducedForm form = {.shape = shape_of_value(value), .reduced = reduced};
    form.channel = fastest_dimension(value);
    form.direct = rank_has_channels(form.shape.rank) && form.channel == 1;
    form.images = form.channel != 0 && !reduced[0];
    form.seen = (Shape){.rank = 4, .dims = {1, form.shape.dims[form.channel], 1, 1}};
    int at = 0;
    if (form.images) {
        form.order[at++] = 0;
        form.seen.dims[0] = form.shape.dims[0];
    }
    form.order[at++] = form.channel;
    for (int kept = 0; kept < 2; kept++)
        for (int i = form.images ? 1 : 0; i < form.shape.rank; i++) {
            if (i == form.channel || reduced[i] == (kept == 1))
                continue;
            form.order[at++] = i;
            form.seen.dims[2 + kept] *= form.shape.dims[i];
        }
    return form;
}

static Value *rearrange(Importer *importer, Value *value, const int64_t *factors,
    const int64_t *order, int count, const Shape *shape) {
    Node *node = begin_node(importer, OP_rearrange, "", &value, 1);
    node_set_list(importer->graph, node, "factors", factors, (size_t)count);
    node_set_list(importer->graph, node, "order", order, (size_t)count);
    node_set_list(importer->graph, node, "dims", shape->dims, (size_t)shape->rank);
    return finish_node(importer, node) ? node->results[0] : NULL;
}

/* The result of the form as a tensor in which reduced dimensions are 1. */
static Symbol *from_form(Importer *importer, Value *value, const ReducedForm *form) {
    int64_t factors[MODEL_MAX_RANK], order[MODEL_MAX_RANK];
    Shape shape = form->shape;
    bool in_order = true;
    int count = 0;
    for (int i = 0; i < shape.rank; i++) {
        int dimension = (int)form->order[i];
        shape.dims[i] = form->reduced[i] ? 1 : shape.dims[i];
        if (form->direct || form->reduced[dimension])
            continue;
        int before = 0; /* the place among those that stay */
        for (int k = 0; k < dimension; k++)
            before += !form->reduced[k];
        factors[count] = form->shape.dims[dimension];
        order[before] = count;
        in_order = in_order && before == count;
        count++;
    }
    if (!in_order)
        value = rearrange(importer, value, factors, order, count, &shape);
    return value == NULL ? NULL : view_over(importer, value, &shape);
}

static Node *begin_reduction(
    Importer *importer, Value *value, const ReduceOp *op, const ReducedForm *form) {
    int64_t axes[MODEL_MAX_RANK];
    size_t count = 0;
    if (form->direct)
        for (int i = 0; i < form->shape.rank; i++) {
            if (form->reduced[i])
                axes[count++] = i;
        }
    else {
        if (form->reduced[form->channel])
            axes[count++] = 1;
        if (count == 0 || form->seen.dims[2] > 1)
            axes[count++] = 2;
    }
    bool mean = op->op == OP_reduce && op->kind == REDUCTION_mean;
    bool all_rows = count == 1 && axes[0] == 2 && value->type.dims[3] == 1;
    bool all_pixels = count == 2 && axes[0] == 2 && axes[1] == 3;
    if (mean && value->type.rank == 4 && (all_rows || all_pixels))
        return begin_node(importer, OP_global_avg_pool, "", &value, 1);
    Node *node = begin_node(importer, op->op, "", &value, 1);
    if (op->op == OP_reduce) {
        node_set_integer(node, "kind", op->kind);
        node_set_list(importer->graph, node, "axes", axes, count);
    } else {
        node_set_integer(node, "axis", axes[0]);
        node_attribute(node, "least")->flag = op->least;
        node_attribute(node, "last")->flag = op->last;
    }
    return node;
}

Symbol *symbol_reduced(
    Importer *importer, Symbol *symbol, const bool *reduced, const ReduceOp *op) {
    Value *value = symbol_tensor(importer, symbol);
    if (value == NULL)
        return NULL;
    ReducedForm form = reduced_form(value, reduced);
    if (!form.direct)
        value =
            rearrange(importer, value, form.shape.dims, form.order, form.shape.rank, &form.seen);
    Node *node = value == NULL ? NULL : begin_reduction(importer, value, op, &form);
    return node != NULL && finish_node(importer, node)
               ? from_form(importer, node->results[0], &form)
               : NULL;
}

Value *reduce_value(Importer *importer, Value *value, ReductionKind kind, const bool *reduced) {
    int64_t axes[MAX_RANK];
    size_t count = 0;
    for (int i = 0; i < value->type.rank; i++)
        if (reduced[i])
            axes[count++] = i;
    Node *node = begin_node(importer, OP_reduce, "", &value, 1);
    node_set_integer(node, "kind", kind);
    node_set_list(importer->graph, node, "axes", axes, count);
    return finish_node(importer, node) ? node->results[0] : NULL;
}
