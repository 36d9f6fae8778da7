/* Blobs as riffle's tensors. */
#include "frontend/ncnn/importer.h"

#include <inttypes.h>

bool ncnn_axis(Importer *importer, int64_t axis, const Symbol *symbol, int *result) {
    int rank = symbol->shape.rank - 1;
    if (axis < -rank || axis >= rank)
        return node_fault(importer, NULL,
            "the axis %" PRId64 " lies outside of a blob of %d dimensions", axis, rank);
    *result = (int)(axis < 0 ? axis + rank : axis) + 1;
    return true;
}

Value *ncnn_image(Importer *importer) {
    Symbol *symbol;
    if (!tensor_operand(importer, 0, &symbol))
        return NULL;
    if (symbol->shape.rank == 4)
        return symbol_value(importer, symbol);
    node_fault(importer, NULL, "its input %s is not [1, channels, height, width]",
        shape_spelling(importer->arena, &symbol->shape));
    return NULL;
}

Value *ncnn_image_or_vector(Importer *importer, bool *is_vector) {
    Symbol *symbol = input_symbol(importer, 0);
    *is_vector = symbol->kind == SYMBOL_TENSOR && symbol->shape.rank == 2;
    if (!*is_vector)
        return ncnn_image(importer);
    Shape shape = {.rank = 4, .dims = {1, symbol->shape.dims[1], 1, 1}};
    Symbol *seen = view_reshape(importer, symbol, &shape);
    return seen == NULL ? NULL : symbol_value(importer, seen);
}

bool ncnn_set_image(Importer *importer, Value *value, bool is_vector) {
    if (value == NULL)
        return false;
    Shape shape = shape_of_value(value);
    if (is_vector)
        shape = (Shape){.rank = 2, .dims = {1, shape_elements(&shape)}};
    return set_result(importer, view_over(importer, value, &shape));
}

bool ncnn_set(Importer *importer, Symbol *symbol) {
    return symbol != NULL && set_result(importer, symbol);
}
