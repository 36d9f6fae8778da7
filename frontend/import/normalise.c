/* Normalisations, as reductions and what is computed of their results. */
#include "frontend/import/importer.h"

#include <math.h>

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

/* "x / sqrt(y + epsilon)"; NULL after reporting. */
static const char *quotient(Importer *importer, double epsilon) {
    if (!(epsilon >= 0) || isinf(epsilon)) {
        node_fault(importer, NULL, "its epsilon is %g", epsilon);
        return NULL;
    }
    return arena_format(importer->arena, "x / sqrt(y + %.9g)", epsilon);
}

Value *normalise_value(
    Importer *importer, Value *value, const bool reduced[4], int64_t groups, double epsilon) {
    const char *formula = quotient(importer, epsilon);
    Value *mean = formula == NULL ? NULL : reduce_value(importer, value, REDUCTION_mean, reduced);
    if (mean != NULL && groups > 0)
        mean = grouped(importer, mean, groups);
    Value *rest = mean == NULL ? NULL : map_values(importer, value, mean, "x - y");
    Value *variance =
        rest == NULL ? NULL : reduce_value(importer, rest, REDUCTION_mean_square, reduced);
    if (variance != NULL && groups > 0)
        variance = grouped(importer, variance, groups);
    return variance == NULL ? NULL : map_values(importer, rest, variance, formula);
}

Symbol *normalise_symbol(Importer *importer, Symbol *symbol, const bool *reduced, double epsilon) {
    const ReduceOp mean = {.op = OP_reduce, .kind = REDUCTION_mean};
    const ReduceOp squares = {.op = OP_reduce, .kind = REDUCTION_mean_square};
    const char *formula = quotient(importer, epsilon);
    if (formula == NULL)
        return NULL;
    Symbol *pair[2] = {symbol, symbol_reduced(importer, symbol, reduced, &mean)};
    if (pair[1] == NULL)
        return NULL;
    pair[0] = apply_formula(importer, "x - y", pair, 2);
    pair[1] = pair[0] == NULL ? NULL : symbol_reduced(importer, pair[0], reduced, &squares);
    return pair[1] == NULL ? NULL : apply_formula(importer, formula, pair, 2);
}
