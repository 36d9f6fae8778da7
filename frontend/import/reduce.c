/* Reductions over any dimensions. The op of the graph takes [n,c,h,w]: others are rearranged to
 * that, so that the channels are the dimension whose numbers lie next to each other in memory. */
#include "frontend/import/importer.h"
#include "ir/formula.h"

#include <assert.h>

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
    form.channel = fastest_axis(value);
    form.direct =
        rank_has_channels(form.shape.rank) && (form.channel == 1 || form.shape.dims[1] == 1);
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

static Value *reduce(
    Importer *importer, Value *value, ReductionKind kind, const int64_t *axes, size_t count) {
    Node *node = begin_node(importer, OP_reduce, "", &value, 1);
    node_set_integer(node, "kind", kind);
    node_set_list(importer->graph, node, "axes", axes, count);
    return finish_node(importer, node) ? node->results[0] : NULL;
}

Value *map_values(Importer *importer, Value *x, Value *y, const char *text) {
    FormulaFault fault;
    int count = y == NULL ? 1 : 2;
    const Formula *formula = formula_parse(text, count, importer->graph->arena, &fault);
    assert(formula != NULL);
    Node *node = begin_node(importer, OP_map, "", (Value *[]){x, y}, count);
    node_set_formula(node, "formula", formula);
    return finish_node(importer, node) ? node->results[0] : NULL;
}

/* The logarithm of what is reduced; or of the sum of its exponentials, which is not to overflow. */
static Value *reduce_logarithm(
    Importer *importer, Value *value, const ReduceOp *op, const int64_t *axes, size_t count) {
    if (!op->exponentials) {
        value = reduce(importer, value, op->kind, axes, count);
        return value == NULL ? NULL : build_unary(importer, OP_log, value);
    }
    Value *largest = reduce(importer, value, REDUCTION_max, axes, count);
    largest = largest == NULL ? NULL : map_values(importer, largest, NULL, "clip(x, -3e38, 3e38)");
    value = largest == NULL ? NULL : map_values(importer, value, largest, "exp(x - y)");
    value = value == NULL ? NULL : reduce(importer, value, REDUCTION_sum, axes, count);
    return value == NULL ? NULL : map_values(importer, value, largest, "log(x) + y");
}

static Value *reduce_form(
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
    if (op->logarithm)
        return reduce_logarithm(importer, value, op, axes, count);
    bool mean = op->op == OP_reduce && op->kind == REDUCTION_mean;
    bool all_rows = count == 1 && axes[0] == 2 && value->type.dims[3] == 1;
    bool all_pixels = count == 2 && axes[0] == 2 && axes[1] == 3;
    if (mean && value->type.rank == 4 && (all_rows || all_pixels))
        return build_unary(importer, OP_global_avg_pool, value);
    if (op->op == OP_reduce)
        return reduce(importer, value, op->kind, axes, count);
    Node *node = begin_node(importer, op->op, "", &value, 1);
    node_set_integer(node, "axis", axes[0]);
    node_attribute(node, "least")->flag = op->least;
    node_attribute(node, "last")->flag = op->last;
    return finish_node(importer, node) ? node->results[0] : NULL;
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
    value = value == NULL ? NULL : reduce_form(importer, value, op, &form);
    return value == NULL ? NULL : from_form(importer, value, &form);
}

Value *reduce_value(Importer *importer, Value *value, ReductionKind kind, const bool *reduced) {
    int64_t axes[MAX_RANK];
    size_t count = 0;
    for (int i = 0; i < value->type.rank; i++)
        if (reduced[i])
            axes[count++] = i;
    return reduce(importer, value, kind, axes, count);
}
