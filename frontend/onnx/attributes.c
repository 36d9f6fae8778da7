/* Attributes of the current node, by name. */
#include "frontend/onnx/importer.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

static const char *type_words(int type) {
    switch ((OnnxAttributeType)type) {
    case ONNX_ATTRIBUTE_FLOAT:
        return "a number";
    case ONNX_ATTRIBUTE_INT:
        return "a whole number";
    case ONNX_ATTRIBUTE_STRING:
        return "a string";
    case ONNX_ATTRIBUTE_TENSOR:
        return "a tensor";
    case ONNX_ATTRIBUTE_GRAPH:
        return "a graph";
    case ONNX_ATTRIBUTE_FLOATS:
        return "a list of numbers";
    case ONNX_ATTRIBUTE_INTS:
        return "a list of whole numbers";
    }
    return "of a type that is not read";
}

const Onnx__AttributeProto *attribute_find(const Importer *importer, const char *name) {
    const Onnx__NodeProto *node = onnx_node(importer->node);
    for (size_t i = 0; i < node->n_attribute; i++)
        if (strcmp(node->attribute[i]->name, name) == 0)
            return node->attribute[i];
    return NULL;
}

bool attribute_has_type(
    Importer *importer, const Onnx__AttributeProto *attribute, OnnxAttributeType type) {
    if (attribute->type == (int)type)
        return true;
    return node_fault(importer, NULL, "the attribute '%s' must be %s, but is %s", attribute->name,
        type_words((int)type), type_words(attribute->type));
}

bool attribute_integer(Importer *importer, const char *name, int64_t standard, int64_t *value) {
    const Onnx__AttributeProto *attribute = attribute_find(importer, name);
    *value = attribute == NULL ? standard : attribute->i;
    return attribute == NULL || attribute_has_type(importer, attribute, ONNX_ATTRIBUTE_INT);
}

bool attribute_flag(Importer *importer, const char *name, bool standard, bool *flag) {
    int64_t value;
    if (!attribute_integer(importer, name, standard, &value))
        return false;
    *flag = value != 0;
    return value == 0 || value == 1 ||
           node_fault(
               importer, NULL, "the attribute '%s' must be 0 or 1, but is %" PRId64, name, value);
}

bool attribute_number(Importer *importer, const char *name, double standard, double *value) {
    const Onnx__AttributeProto *attribute = attribute_find(importer, name);
    *value = standard;
    if (attribute == NULL)
        return true;
    *value = (double)attribute->f;
    if (!attribute_has_type(importer, attribute, ONNX_ATTRIBUTE_FLOAT))
        return false;
    return isfinite(*value) ||
           node_fault(importer, NULL, "the attribute '%s' is no finite number", name);
}

bool attribute_integers(Importer *importer, const char *name, IntegerList *list) {
    const Onnx__AttributeProto *attribute = attribute_find(importer, name);
    *list = (IntegerList){0};
    if (attribute == NULL)
        return true;
    *list = (IntegerList){attribute->ints, attribute->n_ints};
    return attribute_has_type(importer, attribute, ONNX_ATTRIBUTE_INTS);
}

bool attribute_string(Importer *importer, const char *name, const char **string) {
    const Onnx__AttributeProto *attribute = attribute_find(importer, name);
    *string = "";
    if (attribute == NULL)
        return true;
    *string = arena_copy_bytes(importer->arena,
        attribute->s.len > 0 ? (const char *)attribute->s.data : "", attribute->s.len);
    return attribute_has_type(importer, attribute, ONNX_ATTRIBUTE_STRING);
}
