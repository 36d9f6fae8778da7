/* Units of the networks that riffle is for, with what their papers and codes vary. */
#include "maker.h"

static int64_t scaled(int64_t channels, int64_t divisor) {
    return channels / divisor < 1 ? 1 : channels / divisor;
}

/* The two layers in the middle, as convolutions or fully connected ones. */
static Value *make_excitation(Maker *maker, Value *y, int64_t channels) {
    bool linear = chance(maker, 40);
    int64_t outputs[] = {scaled(channels, 4), channels};
    for (int i = 0; i < 2; i++) {
        if (linear)
            y = make_linear(maker, y, outputs[i], true);
        else
            y = make_conv(maker, y, (ConvShape){.outputs = outputs[i], .bias = true});
        y = i == 0 ? make_activation(maker, y) : y;
    }
    return y;
}

Value *make_squeeze_excitation(Maker *maker, Value *x) {
    if (x == NULL || x->type.rank != 4)
        return NULL;
    Value *y = make_unary(maker, OP_global_avg_pool, x);
    if (chance(maker, 75))
        y = make_excitation(maker, y, x->type.dims[1]);
    y = make_unary(maker, chance(maker, 50) ? OP_sigmoid : OP_hard_sigmoid, y);
    return make_scale(maker, x, y);
}

Value *make_residual(Maker *maker, Value *x) {
    if (x == NULL || x->type.rank != 4)
        return NULL;
    Value *y = make_layer(maker, x, (ConvShape){.outputs = pick_channels(maker)});
    if (chance(maker, 50))
        y = make_norm(maker, make_depthwise(maker, y, 3, 1));
    y = make_conv(maker, y, (ConvShape){.outputs = x->type.dims[1]});
    y = chance(maker, 50) ? make_norm(maker, y) : y;
    y = chance(maker, 50) ? make_sum(maker, x, y) : make_sum(maker, y, x);
    return chance(maker, 70) ? make_activation(maker, y) : y;
}

/* ---- ShuffleNet V1, figure 2 (b) and (c) ---- */

static Value *v1_branch(
    Maker *maker, Value *x, int64_t groups, int64_t outputs, int64_t stride, bool first_dense) {
    int64_t middle = groups * pick_between(maker, 1, scaled(maker->most_channels / 2, groups));
    Value *y = make_norm(maker,
        make_conv(maker, x, (ConvShape){.outputs = middle, .groups = first_dense ? 1 : groups}));
    y = make_unary(maker, OP_relu, y);
    y = make_shuffle(maker, y, groups, chance(maker, 60) ? SHUFFLE_PAPER : SHUFFLE_MEGVII);
    y = make_norm(maker, make_depthwise(maker, y, 3, stride));
    y = make_norm(maker, make_conv(maker, y, (ConvShape){.outputs = outputs, .groups = groups}));
    return chance(maker, 20) ? make_squeeze_excitation(maker, y) : y;
}

Value *make_shufflenet_v1(Maker *maker, Value *x) {
    static const int64_t choices[] = {1, 2, 3, 4, 8};
    int64_t groups = choices[pick(maker, 5)], units = pick_between(maker, 1, 3);
    x = make_divisible(maker, x, groups);
    for (int64_t i = 0; i < units && x != NULL; i++) {
        if (i == 0 && chance(maker, 40)) { /* stride 2: what is pooled keeps its channels */
            int64_t more = groups * pick_between(maker, 1, 3);
            Value *branch = v1_branch(maker, x, groups, more, 2, chance(maker, 50));
            Value *pooled = make_pool(maker, OP_avg_pool, x, 3, 2);
            x = make_concat(maker, (Value *[]){pooled, branch}, 2);
        } else {
            x = make_sum(
                maker, x, v1_branch(maker, x, groups, x->type.dims[1], 1, chance(maker, 20)));
        }
        x = make_unary(maker, OP_relu, x);
    }
    return x;
}

/* ---- ShuffleNet V2, figure 3 (c) and (d), and the figures of its appendix ---- */

typedef struct V2Form {
    bool megvii; /* even and odd channels, nothing shuffled behind */
    bool residual, squeeze_excitation, extra_depthwise;
} V2Form;

static Value *v2_branch(Maker *maker, V2Form form, Value *x, int64_t outputs, int64_t stride) {
    Value *y = x;
    if (form.extra_depthwise)
        y = make_norm(maker, make_depthwise(maker, y, 3, 1));
    y = make_norm(maker, make_conv(maker, y, (ConvShape){.outputs = outputs}));
    y = make_unary(maker, OP_relu, y);
    y = make_norm(maker, make_depthwise(maker, y, 3, stride));
    y = make_norm(maker, make_conv(maker, y, (ConvShape){.outputs = outputs}));
    y = make_unary(maker, OP_relu, y);
    if (form.squeeze_excitation)
        y = make_squeeze_excitation(maker, y);
    return form.residual && stride == 1 ? make_sum(maker, y, x) : y;
}

static Value *v2_join(Maker *maker, V2Form form, Value *left, Value *right) {
    Value *joined = make_concat(maker, (Value *[]){left, right}, 2);
    return form.megvii ? joined : make_shuffle(maker, joined, 2, SHUFFLE_PAPER);
}

static Value *v2_basic(Maker *maker, V2Form form, Value *x) {
    Value *halves[2];
    if (!make_halves(maker, x, form.megvii, halves))
        return NULL;
    return v2_join(
        maker, form, halves[0], v2_branch(maker, form, halves[1], halves[1]->type.dims[1], 1));
}

static Value *v2_down(Maker *maker, V2Form form, Value *x) {
    if (x == NULL)
        return NULL;
    int64_t half = pick_between(maker, 1, scaled(maker->most_channels, 2));
    Value *left = make_norm(maker, make_depthwise(maker, x, 3, 2));
    left = make_norm(maker, make_conv(maker, left, (ConvShape){.outputs = half}));
    left = make_unary(maker, OP_relu, left);
    return v2_join(maker, form, left, v2_branch(maker, form, x, half, 2));
}

Value *make_shufflenet_v2(Maker *maker, Value *x) {
    V2Form form = {.megvii = chance(maker, 50),
        .residual = chance(maker, 20),
        .squeeze_excitation = chance(maker, 20),
        .extra_depthwise = chance(maker, 20)};
    int64_t units = pick_between(maker, 1, 4);
    x = chance(maker, 30) ? v2_down(maker, form, x) : make_divisible(maker, x, 2);
    for (int64_t i = 0; i < units; i++)
        x = v2_basic(maker, form, x);
    return chance(maker, 30) ? v2_down(maker, form, x) : x;
}

/* ---- those of its companions ---- */

Value *make_dense_block(Maker *maker, Value *x) {
    int64_t layers = pick_between(maker, 1, 4), growth = pick_between(maker, 1, 7);
    for (int64_t i = 0; i < layers && x != NULL; i++) {
        Value *y = make_activation(maker, make_norm(maker, x));
        y = make_layer(maker, y, (ConvShape){.outputs = growth});
        if (chance(maker, 50))
            y = make_conv(maker, y, (ConvShape){.outputs = growth, .kernel = 3});
        x = make_concat(maker, (Value *[]){x, y}, 2);
    }
    return x;
}

Value *make_fire(Maker *maker, Value *x) {
    Value *squeezed = make_layer(maker, x, (ConvShape){.outputs = pick_between(maker, 1, 8)});
    int64_t outputs = pick_between(maker, 1, scaled(maker->most_channels, 2));
    Value *small = make_conv(maker, squeezed, (ConvShape){.outputs = outputs, .bias = true});
    Value *large =
        make_conv(maker, squeezed, (ConvShape){.outputs = outputs, .kernel = 3, .bias = true});
    if (chance(maker, 50))
        return make_unary(maker, OP_relu, make_concat(maker, (Value *[]){small, large}, 2));
    small = make_unary(maker, OP_relu, small);
    large = make_unary(maker, OP_relu, large);
    return make_concat(maker, (Value *[]){small, large}, 2);
}

Value *make_inception(Maker *maker, Value *x) {
    int64_t most = scaled(maker->most_channels, 4);
    Value *ends[4];
    for (int i = 0; i < 3; i++) {
        ends[i] = make_layer(maker, x, (ConvShape){.outputs = pick_between(maker, 1, most)});
        if (i > 0)
            ends[i] = make_layer(maker, ends[i],
                (ConvShape){.outputs = pick_between(maker, 1, most), .kernel = 2 * i + 1});
    }
    ends[3] = make_pool(maker, chance(maker, 70) ? OP_max_pool : OP_avg_pool, x, 3, 1);
    ends[3] = make_layer(maker, ends[3], (ConvShape){.outputs = pick_between(maker, 1, most)});
    return make_concat(maker, ends, 4);
}

Value *make_stem(Maker *maker, Value *x) {
    Value *y = make_layer(maker, x,
        (ConvShape){
            .outputs = pick_channels(maker), .kernel = 3, .stride = pick_between(maker, 1, 2)});
    return make_pool(maker, OP_max_pool, y, 3, 2);
}

Value *make_head(Maker *maker, Value *x) {
    x = make_unary(maker, OP_global_avg_pool, x);
    if (chance(maker, 60))
        x = make_unary(maker, OP_flatten, x);
    if (x != NULL && x->type.rank == 2 && chance(maker, 15))
        x = make_unary(maker, OP_unflatten, x);
    x = make_op(maker, OP_linear, x);
    return chance(maker, 40) ? make_unary(maker, OP_softmax, x) : x;
}

/* A shifted copy, pooled or convolved beside the value itself, as factorised reductions do. */
Value *make_shift(Maker *maker, Value *x) {
    Value *y = make_op(maker, OP_pad, x);
    y = chance(maker, 40) ? make_op(maker, OP_crop, y) : y;
    y = chance(maker, 60) ? make_op(maker, chance(maker, 60) ? OP_avg_pool : OP_max_pool, y) : y;
    return chance(maker, 60) ? make_op(maker, OP_conv, y) : y;
}

/* More or fewer rows and columns, as necks and heads make them. */
Value *make_enlarged(Maker *maker, Value *x) {
    OpKind op = chance(maker, 50) ? OP_conv_transpose : chance(maker, 70) ? OP_resize : OP_take;
    x = chance(maker, 60) ? make_layer(maker, x, (ConvShape){.outputs = pick_channels(maker)}) : x;
    x = make_op(maker, op, x);
    x = chance(maker, 50) ? make_norm(maker, x) : x;
    return chance(maker, 60) ? make_activation(maker, x) : x;
}

/* The node that made x again: equal, or but for one attribute, activation or weight. */
Value *make_twin(Maker *maker, Value *x) {
    const Node *model = x->producer;
    if (model == NULL)
        return NULL;
    Node *node = maker_node(maker, model->op, model->operands, model->operand_count);
    const OpInfo *info = op_info(model->op);
    bool equal = chance(maker, 70);
    for (int i = 0; i < info->attribute_count; i++)
        if (equal || chance(maker, 70))
            node->attributes[i] = model->attributes[i];
    for (int i = 0; i < info->weight_count; i++) {
        const Weight *weight = model->weights[i];
        if (weight == NULL)
            continue;
        if (equal || chance(maker, 70))
            node->weights[i] = model->weights[i];
        else
            maker_weight(maker, node, info->weights[i].name, weight->type.rank, weight->type.dims);
    }
    return maker_finish(maker, node);
}
