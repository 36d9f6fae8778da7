/* Units that are about channels alone: what routing has to see through, and what it must leave. */
#include "maker.h"

/* Interleaved group convolutions: groups, a shuffle, other groups, and the shuffle back. */
Value *make_interleaved_groups(Maker *maker, Value *x) {
    int64_t first = pick_between(maker, 2, 4), second = pick_between(maker, 2, 4);
    x = make_divisible(maker, x, first * second);
    if (x == NULL)
        return NULL;
    ShuffleForm form = chance(maker, 50) ? SHUFFLE_PAPER : SHUFFLE_MEGVII;
    int64_t kernel = chance(maker, 50) ? 3 : 1;
    Value *y = make_conv(maker, x, (ConvShape){.groups = first, .kernel = kernel});
    y = make_norm(maker, make_shuffle(maker, y, first, form));
    y = make_conv(maker, y, (ConvShape){.groups = second});
    y = make_shuffle(maker, y, second, form);
    return chance(maker, 60) ? make_activation(maker, y) : y;
}

/* CondenseNet's index layer: channels that repeat or are left out, before a grouped 1x1. */
Value *make_gathered_groups(Maker *maker, Value *x) {
    if (x == NULL || x->type.rank != 4)
        return NULL;
    int64_t groups = pick_between(maker, 1, 4), list[32];
    int64_t count = groups * pick_between(maker, 1, 32 / groups);
    for (int64_t i = 0; i < count; i++)
        list[i] = pick(maker, x->type.dims[1]);
    x = make_op_with_list(maker, OP_gather, &x, 1, list, (size_t)count);
    int64_t outputs = groups * pick_between(maker, 1, 6);
    return make_layer(maker, x, (ConvShape){.outputs = outputs, .groups = groups});
}

/* Layout ops, one on the other. */
Value *make_layout_tree(Maker *maker, Value *x) {
    static const OpKind ops[] = {
        OP_concat, OP_concat, OP_split, OP_split, OP_shuffle, OP_gather, OP_route};
    int64_t steps = pick_between(maker, 2, 6);
    for (int64_t i = 0; i < steps && x != NULL; i++) {
        if (x->type.dims[1] > maker->most_channels)
            return x;
        x = make_op(maker, ops[pick(maker, sizeof ops / sizeof ops[0])], x);
        Node *producer = x == NULL ? NULL : x->producer;
        if (producer != NULL && producer->result_count > 1 && chance(maker, 70))
            x = make_concat(maker, (Value *[]){producer->results[1], producer->results[0]}, 2);
    }
    return x;
}

/* Channels of one or two values in any order, read by layers that could take any order, and
 * perhaps by one that cannot. */
Value *make_permuted_readers(Maker *maker, Value *x) {
    Value *operands[] = {x, pick_alike(maker, x, false)};
    int count = chance(maker, 60) ? 1 : 2;
    int64_t list[256], channels = 0;
    for (int i = 0; i < count; i++)
        channels += operands[i]->type.dims[1];
    if (channels > 256 || x->type.rank != 4)
        return NULL;
    for (int64_t i = 0; i < channels; i++) {
        int64_t other = pick(maker, i + 1);
        list[i] = list[other];
        list[other] = i;
    }
    Value *routed = make_op_with_list(maker, OP_route, operands, count, list, (size_t)channels),
          *end = routed;
    if (chance(maker, 50))
        end = make_depthwise(maker, end, 3, pick_between(maker, 1, 2));
    if (chance(maker, 30))
        end = make_op(maker, chance(maker, 50) ? OP_max_pool : OP_avg_pool, end);
    if (chance(maker, 20))
        end = make_op(maker, OP_shuffle, end);
    Value *first = make_op(maker, OP_conv, end);
    if (chance(maker, 40)) /* a second reader */
        make_op(maker, OP_conv, chance(maker, 50) ? end : routed);
    if (chance(maker, 10))
        return make_sum(maker, routed, routed);
    return first;
}

/* An activation behind a concat, of which some operands need it and some do not. */
Value *make_joined_activation(Maker *maker, Value *x) {
    if (x == NULL || x->type.rank != 4)
        return NULL;
    Value *positive = make_unary(maker, chance(maker, 80) ? OP_relu : OP_sigmoid, x);
    Value *pooled = make_pool(maker, chance(maker, 50) ? OP_avg_pool : OP_max_pool, positive, 3, 1);
    Value *layer = make_conv(maker, x, (ConvShape){.outputs = pick_channels(maker)});
    layer = chance(maker, 30) ? make_norm(maker, layer) : layer;
    Value *joined = make_concat(maker, (Value *[]){pooled, layer}, 2);
    if (chance(maker, 50))
        joined = make_op(maker, OP_shuffle, joined);
    return make_unary(maker, chance(maker, 80) ? OP_relu : OP_relu6, joined);
}
