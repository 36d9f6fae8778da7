/* What ops mean that only say which channel is where. */
#include "ir/formula.h"
#include "ir/graph.h"

#include <assert.h>
#include <string.h>

bool op_is_quantized(OpKind op) {
    return op == OP_range || op == OP_quantize || op == OP_quantized_conv ||
           op == OP_quantized_linear;
}

const char *graph_precision(const Graph *graph) {
    for (const Node *node = graph->first; node != NULL; node = node->next)
        if (op_is_quantized(node->op) && op_multiplies(node->op))
            return "int8";
    for (const Weight *weight = graph->first_weight; weight != NULL; weight = weight->next)
        if (weight->type.element == ELEMENT_BF16 || weight->type.element == ELEMENT_F16)
            return weight->type.element == ELEMENT_BF16 ? "bf16" : "fp16";
    return "fp32";
}

bool op_multiplies(OpKind op) {
    return op == OP_conv || op == OP_linear || op == OP_quantized_conv || op == OP_quantized_linear;
}

bool node_adds_channels(const Node *node) {
    if (node->op != OP_conv)
        return node->op == OP_linear;
    int64_t groups = node_integer(node, "groups");
    return groups == 1 || groups != node->operands[0]->type.dims[1] ||
           groups != node_weight(node, "weight")->type.dims[0];
}

bool op_moves_channels(OpKind op) {
    return op == OP_concat || op == OP_split || op == OP_shuffle || op == OP_gather ||
           op == OP_route;
}

bool node_renames_channels(const Node *node) {
    return node->op == OP_unflatten ||
           (node->op == OP_flatten &&
               node->operands[0]->type.dims[1] == node->results[0]->type.dims[1]);
}

bool op_keeps_numbers(OpKind op) {
    return op_moves_channels(op) || op == OP_crop || op == OP_max_pool || op == OP_take;
}

bool op_takes_f16(OpKind op) {
    return op_keeps_numbers(op) || op_is_element(op) || op == OP_map || op == OP_avg_pool ||
           op == OP_global_avg_pool;
}

bool op_moves_numbers(OpKind op) {
    return op == OP_rearrange || op == OP_slice || op == OP_join;
}

bool node_repeats_pixels(const Node *node, int64_t *rows, int64_t *columns) {
    if (node->op != OP_rearrange || node->operands[0]->type.rank != 4 ||
        node->results[0]->type.rank != 4)
        return false;
    const int64_t *from = node->operands[0]->type.dims, *to = node->results[0]->type.dims;
    IntegerList order = node_list(node, "order"), factors = node_list(node, "factors");
    int64_t repeats[2] = {1, 1}, before = -1;
    if (factors.count != 4 || memcmp(factors.items, from, 4 * sizeof *from) != 0)
        return false;
    for (size_t i = 0; i < order.count; i++) {
        int64_t item = order.items[i];
        if (item >= 0 && item != before + 1)
            return false;
        if (item >= 0)
            before = item;
        else if (before >= 2 && before < 4)
            repeats[before - 2] *= -item;
        else
            return false;
    }
    *rows = repeats[0];
    *columns = repeats[1];
    return to[0] == from[0] && to[1] == from[1] && to[2] == from[2] * *rows &&
           to[3] == from[3] * *columns;
}

size_t common_factors(
    const int64_t *a, int a_rank, const int64_t *b, int b_rank, int64_t *factors, size_t most) {
    size_t count = 0;
    int64_t left_a = 1, left_b = 1; /* of the dimensions that were begun */
    for (int i = 0, k = 0; i < a_rank || k < b_rank || left_a > 1 || left_b > 1;) {
        if (left_a == 1 && i < a_rank)
            left_a = a[i++];
        if (left_b == 1 && k < b_rank)
            left_b = b[k++];
        int64_t factor = left_a < left_b ? left_a : left_b;
        if (factor == 1 && (left_a > 1 || left_b > 1) &&
            ((left_a == 1 && i < a_rank) || (left_b == 1 && k < b_rank)))
            continue; /* a dimension of one: of no interest */
        if (count == most || left_a % factor != 0 || left_b % factor != 0 ||
            (factor == 1 && (left_a > 1 || left_b > 1)))
            return 0;
        factors[count++] = factor;
        left_a /= factor;
        left_b /= factor;
    }
    return count;
}

int64_t node_source_channel(const Node *node, int result, int64_t channel) {
    switch (node->op) {
    case OP_concat:
        return channel;
    case OP_gather:
    case OP_route:
        return node_list(node, "channels").items[channel];
    case OP_shuffle: {
        int64_t groups = node_integer(node, "groups");
        int64_t per_group = node->operands[0]->type.dims[1] / groups;
        if (node_integer(node, "form") == SHUFFLE_PAPER)
            return channel % groups * per_group + channel / groups;
        return channel % per_group * groups + channel / per_group;
    }
    case OP_split: {
        if (node_flag(node, "interleaved"))
            return channel * node->result_count + result;
        for (int i = 0; i < result; i++)
            channel += node->results[i]->type.dims[1];
        return channel;
    }
    default:
        assert(false && "no layout op");
        return channel;
    }
}

ChannelSource channel_source(const Value *value, int64_t channel) {
    const Node *node = value->producer;
    int result = 0;
    while (node->results[result] != value)
        result++;
    ChannelSource source = {0, node_source_channel(node, result, channel)};
    while (source.channel >= node->operands[source.operand]->type.dims[1])
        source.channel -= node->operands[source.operand++]->type.dims[1];
    return source;
}
