/* Constants that are nodes. */
#include "frontend/onnx/importer.h"

#include <inttypes.h>
#include <string.h>

static const char *constant_label(Importer *importer) {
    return arena_format(
        importer->arena, "the constant of node '%.200s'", node_label(importer->node));
}

bool import_constant(Importer *importer) {
    const Onnx__NodeProto *node = onnx_node(importer->node);
    if (node->n_attribute != 1)
        return node_fault(importer, NULL, "it needs one attribute, its value");
    const Onnx__AttributeProto *value = node->attribute[0];
    Shape scalar = {0}, list = {.rank = 1};
    int64_t *integer = ARENA_NEW(importer->arena, int64_t);
    float *number = ARENA_NEW(importer->arena, float);
    *integer = value->i;
    *number = value->f;
    if (strcmp(value->name, "value_int") == 0)
        return attribute_has_type(importer, value, ONNX_ATTRIBUTE_INT) &&
               set_result(importer, symbol_integers(importer, &scalar, integer));
    if (strcmp(value->name, "value_float") == 0)
        return attribute_has_type(importer, value, ONNX_ATTRIBUTE_FLOAT) &&
               set_result(importer, symbol_floats(importer, &scalar, number));
    if (strcmp(value->name, "value_ints") == 0) {
        list.dims[0] = (int64_t)value->n_ints;
        return attribute_has_type(importer, value, ONNX_ATTRIBUTE_INTS) &&
               set_result(importer,
                   symbol_integers(importer, &list, value->n_ints > 0 ? value->ints : integer));
    }
    if (strcmp(value->name, "value_floats") == 0) {
        list.dims[0] = (int64_t)value->n_floats;
        return attribute_has_type(importer, value, ONNX_ATTRIBUTE_FLOATS) &&
               set_result(importer,
                   symbol_floats(importer, &list, value->n_floats > 0 ? value->floats : number));
    }
    if (value->t == NULL)
        return node_fault(importer, NULL, "its value is no tensor");
    Symbol *symbol = constant_from_tensor(importer, value->t, constant_label(importer));
    return symbol != NULL && set_result(importer, symbol);
}

/* One number as often as it takes, which may be often: it is in memory once. NULL after
 * reporting. */
static Symbol *filled_floats(Importer *importer, const Shape *shape, const float *number) {
    int64_t count = shape_elements(shape);
    if (count < 0 || count > FILLING_BUDGET - importer->filling_spent) {
        node_fault(importer, NULL,
            "a constant of the shape %s is too large: all that repeat a number have at most %d "
            "elements together",
            shape_spelling(importer->arena, shape), (int)FILLING_BUDGET);
        return NULL;
    }
    importer->filling_spent += count;
    bool rests;
    const float *floats =
        arena_allocate_repeated(importer->arena, number, (size_t)count, sizeof *number, &rests);
    Symbol *symbol = symbol_floats(importer, shape, floats);
    symbol->is_filled = true;
    if (rests) {
        RestingConstant *constant = ARENA_NEW(importer->arena, RestingConstant);
        *constant = (RestingConstant){floats, importer->resting};
        importer->resting = constant;
    }
    return symbol;
}

static Symbol *filled_integers(Importer *importer, const Shape *shape, int64_t number) {
    if (!spend_elements(importer, shape))
        return NULL;
    int64_t count = shape_elements(shape);
    int64_t *integers = ARENA_ARRAY(importer->arena, int64_t, count + 1);
    for (int64_t i = 0; i < count; i++)
        integers[i] = number;
    return symbol_integers(importer, shape, integers);
}

bool import_constant_of_shape(Importer *importer) {
    IntegerList list;
    if (!integers_operand(importer, 0, "shape", &list))
        return false;
    if (list.count > ONNX_MAX_RANK)
        return node_fault(importer, NULL, "it has %zu dimensions; at most %d are read", list.count,
            (int)ONNX_MAX_RANK);
    Shape shape = {.rank = (int)list.count}, one = {0};
    if (list.count > 0)
        memcpy(shape.dims, list.items, list.count * sizeof *list.items);
    const Onnx__AttributeProto *value = attribute_find(importer, "value");
    const Symbol *symbol = value == NULL || value->t == NULL
                               ? symbol_floats(importer, &one, ARENA_NEW(importer->arena, float))
                               : constant_from_tensor(importer, value->t, constant_label(importer));
    if (symbol == NULL)
        return false;
    for (size_t i = 0; i < list.count; i++)
        if (list.items[i] < 0)
            return node_fault(importer, NULL, "it has a dimension of %" PRId64, list.items[i]);
    if (shape_elements(&symbol->shape) != 1)
        return node_fault(importer, NULL, "its value is not one number");
    Symbol *filled = symbol->floats != NULL ? filled_floats(importer, &shape, symbol->floats)
                                            : filled_integers(importer, &shape, *symbol->integers);
    return filled != NULL && set_result(importer, filled);
}
