/* Making nodes of the graph. What riffle's own shape rules refuse is told as a fault of the node of
 * the model. */
#include "frontend/import/importer.h"

#include <string.h>

Node *begin_node(
    Importer *importer, OpKind op, const char *path, Value *const *operands, int count) {
    return node_create(importer->graph, op, path, operands, count, importer->where);
}

bool finish_node(Importer *importer, Node *node) {
    Diagnostics *own = diagnostics_create();
    bool good = node_infer(importer->graph, node, own);
    if (good) {
        graph_append(importer->graph, node);
        importer->last = node;
        if (*node->path != '\0' && name_map_find(importer->path_nodes, node->path) == NULL)
            name_map_put(importer->path_nodes, node->path, node);
        for (int i = 0; i < node->result_count; i++)
            node->results[i]->name = value_name(importer, node_label(importer->node));
    } else {
        node_faults(importer, own);
    }
    diagnostics_destroy(own);
    return good;
}

Node *build_node(Importer *importer, OpKind op, Value *const *operands, int count) {
    Node *node = begin_node(importer, op, "", operands, count);
    return finish_node(importer, node) ? node : NULL;
}

Value *build_unary(Importer *importer, OpKind op, Value *value) {
    Node *node = build_node(importer, op, &value, 1);
    return node == NULL ? NULL : node->results[0];
}

void node_set_weight(
    Importer *importer, Node *node, int index, TensorType type, const float *data) {
    const char *path =
        arena_format(importer->arena, "%s.%s", node->path, op_info(node->op)->weights[index].name);
    Weight *weight = graph_weight(importer->graph, path, type, importer->where);
    if (weight == NULL) /* of another shape: weight_path gave the path to equal data only */
        weight = graph_add_computed_weight(importer->graph, path, type, data);
    weight->data = data;
    for (const RestingConstant *one = importer->resting; one != NULL; one = one->next)
        weight->rests = weight->rests || one->floats == data;
    node->weights[index] = weight;
}

Value *build_constant(
    Importer *importer, const Symbol *constant, const Shape *shape, const float *numbers) {
    const float *data[MAX_OP_WEIGHTS] = {numbers};
    const char *path = weight_path(importer, constant, OP_constant, data);
    Node *node = begin_node(importer, OP_constant, path, NULL, 0);
    node_set_list(importer->graph, node, "dims", shape->dims, (size_t)shape->rank);
    node_set_weight(importer, node, 0, tensor_type(shape->rank, shape->dims), numbers);
    return finish_node(importer, node) ? node->results[0] : NULL;
}

bool spend_elements(Importer *importer, const Shape *shape) {
    int64_t count = shape_elements(shape);
    if (count >= 0 && count <= FOLDING_BUDGET - importer->folding_spent) {
        importer->folding_spent += count;
        return true;
    }
    return node_fault(importer, "simplify the model before",
        "a constant of the shape %s is too large to be computed here: all that are computed have "
        "at most %d elements together",
        shape_spelling(importer->arena, shape), (int)FOLDING_BUDGET);
}

const float *repeat_number(Importer *importer, double number, int64_t count) {
    if (!spend_elements(importer, &(Shape){.rank = 1, .dims = {count}}))
        return NULL;
    float *numbers = ARENA_ARRAY(importer->arena, float, count);
    for (int64_t i = 0; i < count; i++)
        numbers[i] = (float)number;
    return numbers;
}

/* A batch norm whose statistics are those of numbers that need no change. */
Value *build_affine(Importer *importer, Value *value, const float *scale, const float *shift) {
    int64_t channels = value->type.dims[1];
    TensorType type = tensor_type(1, &channels);
    OpKind op = scale == NULL ? OP_bias : OP_batch_norm;
    const float *data[MAX_OP_WEIGHTS] = {shift};
    if (op == OP_batch_norm) {
        const float *zeros = repeat_number(importer, 0, channels);
        const float *ones = zeros == NULL ? NULL : repeat_number(importer, 1, channels);
        if (ones == NULL)
            return NULL;
        data[0] = scale;
        data[1] = shift == NULL ? zeros : shift;
        data[2] = zeros;
        data[3] = ones;
    }
    const char *path = weight_path(importer, NULL, op, data);
    Node *node = begin_node(importer, op, path, &value, 1);
    for (int i = 0; i < op_info(op)->weight_count; i++)
        node_set_weight(importer, node, i, type, data[i]);
    if (op == OP_batch_norm)
        node_attribute(node, "epsilon")->number = 0;
    return finish_node(importer, node) ? node->results[0] : NULL;
}
