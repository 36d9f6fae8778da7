/* What the names of the model stand for, and the operands and results of the current node. */
#include "frontend/import/importer.h"

#include <inttypes.h>
#include <string.h>

Symbol *symbol_create(Importer *importer, SymbolKind kind, const Shape *shape) {
    Symbol *symbol = ARENA_NEW(importer->arena, Symbol);
    symbol->kind = kind;
    symbol->name = "";
    if (shape != NULL)
        symbol->shape = *shape;
    return symbol;
}

int64_t shape_elements(const Shape *shape) {
    static const int64_t most = INT64_C(1) << 40;
    int64_t elements = 1;
    for (int i = 0; i < shape->rank; i++) {
        if (shape->dims[i] < 0 || __builtin_mul_overflow(elements, shape->dims[i], &elements) ||
            elements > most)
            return -1;
    }
    return elements;
}

void shape_walk(const Shape *shape, const int64_t *steps, int64_t begin, int64_t *from) {
    int64_t index[MODEL_MAX_RANK] = {0}, count = shape_elements(shape), at = begin;
    for (int64_t i = 0; i < count; i++) {
        from[i] = at;
        for (int k = shape->rank - 1; k >= 0; k--) {
            at += steps[k];
            if (++index[k] < shape->dims[k])
                break;
            at -= steps[k] * shape->dims[k];
            index[k] = 0;
        }
    }
}

bool shape_equal(const Shape *a, const Shape *b) {
    bool equal = a->rank == b->rank;
    for (int i = 0; equal && i < a->rank; i++)
        equal = a->dims[i] == b->dims[i];
    return equal;
}

Shape shape_of_value(const Value *value) {
    Shape shape = {.rank = value->type.rank};
    for (int i = 0; i < shape.rank; i++)
        shape.dims[i] = value->type.dims[i];
    return shape;
}

Symbol *symbol_of_value(Importer *importer, Value *value) {
    Shape shape = shape_of_value(value);
    return view_over(importer, value, &shape);
}

Symbol *symbol_integers(Importer *importer, const Shape *shape, const int64_t *integers) {
    Symbol *symbol = symbol_create(importer, SYMBOL_CONSTANT, shape);
    symbol->integers = integers;
    return symbol;
}

Symbol *symbol_floats(Importer *importer, const Shape *shape, const float *floats) {
    Symbol *symbol = symbol_create(importer, SYMBOL_CONSTANT, shape);
    symbol->floats = floats;
    return symbol;
}

/* ---- operands ---- */

bool has_operand(const Importer *importer, size_t index) {
    return index < importer->node->n_input && importer->node->input[index][0] != '\0';
}

Symbol *input_symbol(Importer *importer, size_t index) {
    if (!has_operand(importer, index))
        return NULL;
    return name_map_find(importer->symbols, importer->node->input[index]);
}

bool tensor_operand(Importer *importer, size_t index, Symbol **symbol) {
    *symbol = input_symbol(importer, index);
    if (*symbol == NULL)
        return node_fault(importer, NULL, "its input %zu is left out", index + 1);
    if ((*symbol)->kind == SYMBOL_TENSOR)
        return true;
    return node_fault(importer, "simplify the model: what depends on no input can be computed",
        "its input '%s' is a constant", importer->node->input[index]);
}

bool constant_operand(Importer *importer, size_t index, const char *what, Symbol **symbol) {
    *symbol = input_symbol(importer, index);
    if (*symbol == NULL)
        return node_fault(importer, NULL, "it has no %s (input %zu)", what, index + 1);
    if ((*symbol)->kind == SYMBOL_CONSTANT)
        return true;
    return node_fault(importer, "riffle needs all weights and shapes when it compiles",
        "its %s '%s' is computed when the network runs", what, importer->node->input[index]);
}

bool integers_operand(Importer *importer, size_t index, const char *what, IntegerList *list) {
    Symbol *symbol;
    if (!constant_operand(importer, index, what, &symbol))
        return false;
    if (symbol->integers == NULL || symbol->shape.rank > 1)
        return node_fault(importer, NULL, "its %s '%s' is no list of whole numbers", what,
            importer->node->input[index]);
    *list = (IntegerList){symbol->integers, (size_t)shape_elements(&symbol->shape)};
    return true;
}

bool scalar_of(const Symbol *symbol, double *number) {
    if (symbol->kind != SYMBOL_CONSTANT || shape_elements(&symbol->shape) != 1)
        return false;
    *number = symbol->floats != NULL ? (double)symbol->floats[0] : (double)symbol->integers[0];
    return true;
}

bool resolve_axis(Importer *importer, int64_t axis, int rank, int *result) {
    if (axis < -rank || axis >= rank)
        return node_fault(importer, NULL,
            "the axis %" PRId64 " lies outside of a tensor of %d dimensions", axis, rank);
    *result = (int)(axis < 0 ? axis + rank : axis);
    return true;
}

/* ---- results ---- */

int use_count(const Importer *importer, const char *name) {
    const int *count = name_map_find(importer->uses, name);
    return count == NULL ? 0 : *count;
}

bool result_is_used(const Importer *importer, size_t index) {
    const ModelNode *node = importer->node;
    return index < node->n_output && node->output[index][0] != '\0' &&
           use_count(importer, node->output[index]) > 0;
}

void set_result_at(Importer *importer, size_t index, Symbol *symbol) {
    const ModelNode *node = importer->node;
    if (index >= node->n_output || node->output[index][0] == '\0')
        return;
    Symbol *named = ARENA_NEW(importer->arena, Symbol);
    *named = *symbol;
    named->is_shared =
        symbol->is_shared || (*symbol->name != '\0' && use_count(importer, symbol->name) > 1);
    if (*named->name == '\0' || named->kind == SYMBOL_TENSOR)
        named->name = node->output[index];
    name_map_put(importer->symbols, node->output[index], named);
}

bool set_result(Importer *importer, Symbol *symbol) {
    set_result_at(importer, 0, symbol);
    return true;
}
