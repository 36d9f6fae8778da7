/* Normalisations, as reductions and what is computed of their results. */
#include "frontend/import/importer.h"
#include "ir/formula.h"

#include <assert.h>
#include <stdio.h>

/* The value with each dimension of 1 as often as `dims` says. */
static Value *repeated(Importer *importer, Value *value, const int64_t *dims) {
    const TensorType *type = &value->type;
    int64_t order[2 * MAX_RANK];
    size_t count = 0;
    for (int i = 0; i < type->rank; i++) {
        order[count++] = i;
        if (type->dims[i] != dims[i])
            order[count++] = -dims[i];
    }
    if (count == (size_t)type->rank)
        return value;
    Node *node = begin_node(importer, OP_rearrange, "", &value, 1);
    node_set_list(importer->graph, node, "factors", type->dims, (size_t)type->rank);
    node_set_list(importer->graph, node, "order", order, count);
    node_set_list(importer->graph, node, "dims", dims, (size_t)type->rank);
    return finish_node(importer, node) ? node->results[0] : NULL;
}

/* Element-wise ops repeat one number of each channel themselves. */
static Value *repeated_for(Importer *importer, Value *other, const Value *value) {
    const TensorType *type = &value->type, *own = &other->type;
    int64_t dims[MAX_RANK];
    bool pixel = own->rank == 4 && own->dims[2] == 1 && own->dims[3] == 1;
    for (int i = 0; i < type->rank; i++)
        dims[i] = pixel && i >= 2 ? 1 : type->dims[i];
    return repeated(importer, other, dims);
}

Value *map_repeated(Importer *importer, Value *value, Value *other, const char *text) {
    FormulaFault fault;
    const Formula *formula = formula_parse(text, 2, importer->graph->arena, &fault);
    assert(formula != NULL);
    other = repeated_for(importer, other, value);
    if (other == NULL)
        return NULL;
    Node *node = begin_node(importer, OP_map, "", (Value *[]){value, other}, 2);
    node_set_formula(node, "formula", formula);
    return finish_node(importer, node) ? node->results[0] : NULL;
}

/* [n,c,1,1] with the mean of each group of channels in place of theirs. */
static Value *grouped(Importer *importer, Value *value, int64_t groups) {
    static const bool rows[4] = {false, false, true, false};
    int64_t images = value->type.dims[0], size = value->type.dims[1] / groups;
    Node *node = begin_node(importer, OP_rearrange, "", &value, 1);
    node_set_list(importer->graph, node, "factors", (int64_t[]){images, groups, size}, 3);
    node_set_list(importer->graph, node, "order", (int64_t[]){0, 1, 2}, 3);
    node_set_list(importer->graph, node, "dims", (int64_t[]){images, groups, size, 1}, 4);
    if (!finish_node(importer, node))
        return NULL;
    value = reduce_value(importer, node->results[0], REDUCTION_mean, rows);
    if (value == NULL)
        return NULL;
    node = begin_node(importer, OP_rearrange, "", &value, 1);
    node_set_list(importer->graph, node, "factors", (int64_t[]){images, groups}, 2);
    node_set_list(importer->graph, node, "order", (int64_t[]){0, 1, -size}, 3);
    node_set_list(importer->graph, node, "dims", (int64_t[]){images, groups * size, 1, 1}, 4);
    return finish_node(importer, node) ? node->results[0] : NULL;
}

Value *normalise_value(
    Importer *importer, Value *value, const bool reduced[4], int64_t groups, double epsilon) {
    if (epsilon < 0) {
        node_fault(importer, NULL, "its epsilon is %g", epsilon);
        return NULL;
    }
    char quotient[64];
    snprintf(quotient, sizeof quotient, "x / sqrt(y + %.9g)", epsilon);
    Value *mean = reduce_value(importer, value, REDUCTION_mean, reduced);
    if (mean != NULL && groups > 0)
        mean = grouped(importer, mean, groups);
    Value *rest = mean == NULL ? NULL : map_repeated(importer, value, mean, "x - y");
    Value *variance =
        rest == NULL ? NULL : reduce_value(importer, rest, REDUCTION_mean_square, reduced);
    if (variance != NULL && groups > 0)
        variance = grouped(importer, variance, groups);
    return variance == NULL ? NULL : map_repeated(importer, rest, variance, quotient);
}
