/* Layers with given attributes, which units are made of. */
#include "maker.h"

static int64_t or_one(int64_t number) {
    return number == 0 ? 1 : number;
}

Value *make_conv(Maker *maker, Value *x, ConvShape shape) {
    if (x == NULL)
        return NULL;
    int64_t channels = x->type.dims[1], kernel = or_one(shape.kernel);
    int64_t groups = or_one(shape.groups), dilation = or_one(shape.dilation);
    int64_t outputs = shape.outputs == 0 ? channels : shape.outputs, stride = or_one(shape.stride);
    if (x->type.rank != 4 || channels % groups != 0 || outputs % groups != 0)
        return NULL;
    Node *node = maker_node(maker, OP_conv, &x, 1);
    maker_weight(maker, node, "weight", 4, (int64_t[]){outputs, channels / groups, kernel, kernel});
    if (shape.bias)
        maker_weight(maker, node, "bias", 1, &outputs);
    int64_t padding = dilation * (kernel - 1) / 2;
    node_set_integer(node, "groups", groups);
    maker_list(maker, node, "stride", 2, stride, stride);
    maker_list(maker, node, "dilation", 2, dilation, dilation);
    maker_list(maker, node, "padding", 4, padding, padding, padding, padding);
    return maker_finish(maker, node);
}

Value *make_depthwise(Maker *maker, Value *x, int64_t kernel, int64_t stride) {
    if (x == NULL)
        return NULL;
    return make_conv(maker, x,
        (ConvShape){.kernel = kernel,
            .stride = stride,
            .groups = x->type.dims[1],
            .bias = chance(maker, 20)});
}

Value *make_linear(Maker *maker, Value *x, int64_t outputs, bool bias) {
    if (x == NULL)
        return NULL;
    Node *node = maker_node(maker, OP_linear, &x, 1);
    maker_weight(maker, node, "weight", 2, (int64_t[]){outputs, x->type.dims[1]});
    if (bias)
        maker_weight(maker, node, "bias", 1, &outputs);
    return maker_finish(maker, node);
}

Value *make_unary(Maker *maker, OpKind op, Value *x) {
    return x == NULL ? NULL : maker_finish(maker, maker_node(maker, op, &x, 1));
}

Value *make_activation(Maker *maker, Value *x) {
    static const OpKind ops[] = {
        OP_relu, OP_relu, OP_relu, OP_relu6, OP_sigmoid, OP_hard_sigmoid, OP_hard_swish};
    return make_unary(maker, ops[pick(maker, sizeof ops / sizeof ops[0])], x);
}

Value *make_norm(Maker *maker, Value *x) {
    if (x == NULL || chance(maker, 40))
        return x;
    return make_op(maker, chance(maker, 80) ? OP_batch_norm : OP_bias, x);
}

Value *make_layer(Maker *maker, Value *x, ConvShape shape) {
    shape.bias = chance(maker, 20);
    Value *y = make_norm(maker, make_conv(maker, x, shape));
    return chance(maker, 60) ? make_activation(maker, y) : y;
}

Value *make_sum(Maker *maker, Value *x, Value *y) {
    if (x == NULL || y == NULL)
        return NULL;
    return maker_finish(maker, maker_node(maker, OP_add, (Value *[]){x, y}, 2));
}

Value *make_scale(Maker *maker, Value *x, Value *y) {
    if (x == NULL || y == NULL)
        return NULL;
    return maker_finish(maker, maker_node(maker, OP_multiply, (Value *[]){x, y}, 2));
}

Value *make_concat(Maker *maker, Value *const *operands, int count) {
    for (int i = 0; i < count; i++)
        if (operands[i] == NULL)
            return NULL;
    return maker_finish(maker, maker_node(maker, OP_concat, operands, count));
}

bool make_halves(Maker *maker, Value *x, bool interleaved, Value **results) {
    if (x == NULL || x->type.dims[1] % 2 != 0)
        return false;
    int64_t half = x->type.dims[1] / 2;
    Node *node = maker_node(maker, OP_split, &x, 1);
    maker_list(maker, node, "sizes", 2, half, half);
    node_attribute(node, "interleaved")->flag = interleaved;
    results[0] = maker_finish(maker, node);
    results[1] = results[0] == NULL ? NULL : node->results[1];
    return results[0] != NULL;
}

Value *make_shuffle(Maker *maker, Value *x, int64_t groups, ShuffleForm form) {
    if (x == NULL)
        return NULL;
    Node *node = maker_node(maker, OP_shuffle, &x, 1);
    node_set_integer(node, "groups", groups);
    node_set_integer(node, "form", form);
    return maker_finish(maker, node);
}

Value *make_op_with_list(Maker *maker, OpKind op, Value *const *operands, int operand_count,
    const int64_t *list, size_t count) {
    for (int i = 0; i < operand_count; i++)
        if (operands[i] == NULL)
            return NULL;
    Node *node = maker_node(maker, op, operands, operand_count);
    node_set_list(maker->graph, node, "channels", list, count);
    return maker_finish(maker, node);
}

Value *make_pool(Maker *maker, OpKind op, Value *x, int64_t kernel, int64_t stride) {
    if (x == NULL)
        return NULL;
    Node *node = maker_node(maker, op, &x, 1);
    int64_t padding = (kernel - 1) / 2;
    maker_list(maker, node, "kernel", 2, kernel, kernel);
    maker_list(maker, node, "stride", 2, stride, stride);
    maker_list(maker, node, "padding", 4, padding, padding, padding, padding);
    return maker_finish(maker, node);
}

Value *make_divisible(Maker *maker, Value *x, int64_t divisor) {
    if (x == NULL || (x->type.rank == 4 && x->type.dims[1] % divisor == 0))
        return x;
    int64_t most = maker->most_channels / divisor;
    int64_t parts = 1 + pick(maker, most > 0 ? (most < 10 ? most : 10) : 1);
    return make_layer(maker, x, (ConvShape){.outputs = divisor * parts});
}
