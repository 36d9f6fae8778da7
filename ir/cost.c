/* Counting as the papers do. */
#include "ir/graph.h"

#include <assert.h>
#include <string.h>

int64_t node_macs(const Node *node) {
    if (node->op != OP_conv && node->op != OP_linear)
        return 0;
    assert(node->result_count == 1);
    /* Each element of the result takes one multiply-add per weight of its filter. */
    const TensorType *weight = &node_weight(node, "weight")->type;
    int64_t filter = tensor_elements(weight) / weight->dims[0];
    int64_t macs;
    if (__builtin_mul_overflow(filter, tensor_elements(&node->results[0]->type), &macs))
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

int64_t node_bytes(const Node *node) {
    int64_t elements = 0;
    /* These read what they write, not all of their operands. */
    bool picks = node->op == OP_gather || node->op == OP_route || node->op == OP_crop;
    for (int i = 0; !picks && i < node->operand_count; i++)
        elements += tensor_elements(&node->operands[i]->type);
    if (picks)
        elements += tensor_elements(&node->results[0]->type);
    for (int i = 0; i < MAX_OP_WEIGHTS; i++)
        elements += node->weights[i] == NULL ? 0 : tensor_elements(&node->weights[i]->type);
    for (int i = 0; i < node->result_count; i++)
        elements += tensor_elements(&node->results[i]->type);
    return elements * (int64_t)sizeof(float);
}
