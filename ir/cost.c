/* Counting as the papers do. */
#include "ir/graph.h"

#include <assert.h>
#include <string.h>

int64_t node_macs(const Node *node) {
    bool transposed = node->op == OP_conv_transpose;
    if (!op_multiplies(node->op) && !transposed)
        return 0;
    assert(node->result_count == 1);
    /* Each element of the result takes one multiply-add per weight of its filter; transposed, each
     * of the operand does. */
    const TensorType *weight = &node_weight(node, "weight")->type;
    const Value *value = transposed ? node->operands[0] : node->results[0];
    int64_t filter = tensor_elements(weight) / weight->dims[0];
    int64_t macs;
    if (__builtin_mul_overflow(filter, tensor_elements(&value->type), &macs))
        return INT64_MAX;
    return macs;
}

int64_t node_parameters(const Node *node) {
    const OpInfo *info = op_info(node->op);
    int64_t parameters = 0;
    for (int i = 0; i < info->weight_count; i++) {
        bool statistic = strncmp(info->weights[i].name, "running_", 8) == 0;
        if (node->weights[i] != NULL && !statistic)
            parameters += tensor_elements(&node->weights[i]->type);
    }
    return parameters;
}

static int64_t value_bytes(const Value *value) {
    return tensor_elements(&value->type) * element_type_bytes(value->type.element);
}

/* The weights of quantised layers are bytes once they are packed. */
static int64_t packed_weight_bytes(const Node *node, int index) {
    const Weight *weight = node->weights[index];
    bool quantized = node->op == OP_quantized_conv || node->op == OP_quantized_linear;
    if (weight == NULL)
        return 0;
    return tensor_elements(&weight->type) *
           (quantized && index == 0 ? 1 : element_type_bytes(weight->type.element));
}

int64_t node_bytes(const Node *node) {
    int64_t bytes = 0;
    /* These read what they write, not all of their operands. */
    bool picks = node->op == OP_gather || node->op == OP_route || node->op == OP_crop ||
                 node->op == OP_slice || node->op == OP_rearrange || node->op == OP_take;
    for (int i = 0; !picks && i < node->operand_count; i++)
        bytes += value_bytes(node->operands[i]);
    if (picks)
        bytes += value_bytes(node->results[0]);
    for (int i = 0; i < MAX_OP_WEIGHTS; i++)
        bytes += packed_weight_bytes(node, i);
    for (int i = 0; i < node->result_count; i++)
        bytes += value_bytes(node->results[i]);
    return bytes;
}
