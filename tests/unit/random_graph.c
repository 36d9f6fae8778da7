#include "random_graph.h"

#include <assert.h>
#include <string.h>

enum { MOST_VALUES = 512 };

typedef struct Maker {
    Graph *graph;
    uint64_t random;
    Value *values[MOST_VALUES];
    int value_count;
    Diagnostics *diagnostics;
} Maker;

static int64_t pick(Maker *maker, int64_t count) {
    maker->random = maker->random * 6364136223846793005u + 1442695040888963407u;
    return (int64_t)((maker->random >> 33) % (uint64_t)count);
}

static bool chance(Maker *maker, int percent) {
    return pick(maker, 100) < percent;
}

/* Recent values more often, so that chains grow; old ones at times, so that results are shared. */
static Value *pick_value(Maker *maker) {
    int newest = maker->value_count - 1;
    if (chance(maker, 60))
        return maker->values[newest];
    return maker->values[pick(maker, maker->value_count)];
}

/* A value of the same batch, height and width as the other, itself if there is none. */
static Value *pick_alike(Maker *maker, Value *other, bool same_channels) {
    int start = (int)pick(maker, maker->value_count);
    for (int i = 0; i < maker->value_count; i++) {
        Value *value = maker->values[(start + i) % maker->value_count];
        TensorType type = value->type;
        if (!same_channels)
            type.dims[1] = other->type.dims[1];
        if (value != other && tensor_type_equal(&type, &other->type))
            return value;
    }
    return other;
}

static Node *create(Maker *maker, OpKind op, Value *const *operands, int operand_count) {
    Graph *graph = maker->graph;
    const char *path = arena_format(graph->arena, "n%d", graph->next_value_id);
    return node_create(graph, op, path, operands, operand_count, (SourceRange){0});
}

static void set_weight(Maker *maker, Node *node, const char *name, int rank, const int64_t *dims) {
    const OpInfo *info = op_info(node->op);
    int i = 0;
    while (strcmp(info->weights[i].name, name) != 0)
        i++;
    const char *path = arena_format(maker->graph->arena, "%s.%s", node->path, name);
    node->weights[i] = graph_weight(maker->graph, path, tensor_type(rank, dims), (SourceRange){0});
}

static void finish(Maker *maker, Node *node) {
    bool inferred = node_infer(maker->graph, node, maker->diagnostics);
    if (!inferred)
        diagnostics_print(maker->diagnostics, stderr);
    assert(inferred);
    graph_append(maker->graph, node);
    for (int i = 0; i < node->result_count && maker->value_count < MOST_VALUES; i++)
        maker->values[maker->value_count++] = node->results[i];
}

/* ---- one op each ---- */

static void make_conv(Maker *maker, Value *x) {
    Node *node = create(maker, OP_conv, &x, 1);
    int64_t channels = x->type.dims[1], groups = 1, outputs = 1 + pick(maker, 8);
    if (chance(maker, 25)) {
        groups = outputs = channels;
    } else if (channels % 2 == 0 && chance(maker, 40)) {
        groups = 2;
        outputs = 2 * (1 + pick(maker, 4));
    }
    int64_t kernel = chance(maker, 50) ? 1 : 3;
    set_weight(maker, node, "weight", 4, (int64_t[]){outputs, channels / groups, kernel, kernel});
    if (chance(maker, 30))
        set_weight(maker, node, "bias", 1, &outputs);
    node_set_integer(node, "groups", groups);
    if (kernel == 3)
        node_set_list(maker->graph, node, "padding", (int64_t[]){1, 1, 1, 1}, 4);
    finish(maker, node);
}

static void make_linear(Maker *maker, Value *x) {
    Node *node = create(maker, OP_linear, &x, 1);
    int64_t outputs = 1 + pick(maker, 6);
    set_weight(maker, node, "weight", 2, (int64_t[]){outputs, x->type.dims[1]});
    if (chance(maker, 50))
        set_weight(maker, node, "bias", 1, &outputs);
    finish(maker, node);
}

static void make_channel_op(Maker *maker, OpKind op, Value *x) {
    Node *node = create(maker, op, &x, 1);
    const OpInfo *info = op_info(op);
    for (int i = 0; i < info->weight_count; i++)
        set_weight(maker, node, info->weights[i].name, 1, &x->type.dims[1]);
    finish(maker, node);
}

static void make_unary(Maker *maker, OpKind op, Value *x) {
    finish(maker, create(maker, op, &x, 1));
}

static void make_binary(Maker *maker, OpKind op, Value *x) {
    Value *operands[] = {x, pick_alike(maker, x, true)};
    if (chance(maker, 50)) {
        operands[0] = operands[1];
        operands[1] = x;
    }
    finish(maker, create(maker, op, operands, 2));
}

static void make_scale(Maker *maker, Value *x) {
    make_unary(maker, OP_global_avg_pool, x);
    if (chance(maker, 30)) /* [n,c] serves as well */
        make_unary(maker, OP_flatten, maker->values[maker->value_count - 1]);
    Value *pooled = maker->values[maker->value_count - 1];
    Value *operands[] = {x, pooled};
    finish(maker, create(maker, chance(maker, 50) ? OP_multiply : OP_add, operands, 2));
}

static void make_concat(Maker *maker, Value *x) {
    Value *operands[3] = {x};
    int count = 1 + (int)pick(maker, 3);
    for (int i = 1; i < count; i++)
        operands[i] = pick_alike(maker, x, false);
    finish(maker, create(maker, OP_concat, operands, count));
}

static void make_split(Maker *maker, Value *x) {
    int64_t channels = x->type.dims[1], sizes[3];
    Node *node = create(maker, OP_split, &x, 1);
    if (channels % 2 == 0 && chance(maker, 60)) {
        sizes[0] = sizes[1] = channels / 2;
        node_set_list(maker->graph, node, "sizes", sizes, 2);
        node_attribute(node, "interleaved")->flag = chance(maker, 50);
    } else {
        size_t parts = channels >= 3 ? 3 : (size_t)channels;
        for (size_t i = 0; i + 1 < parts; i++)
            sizes[i] = 1;
        sizes[parts - 1] = channels - (int64_t)parts + 1;
        node_set_list(maker->graph, node, "sizes", sizes, parts);
    }
    finish(maker, node);
}

static void make_shuffle(Maker *maker, Value *x) {
    Node *node = create(maker, OP_shuffle, &x, 1);
    int64_t groups = 1 + pick(maker, 4);
    while (x->type.dims[1] % groups != 0)
        groups--;
    node_set_integer(node, "groups", groups);
    node_set_integer(node, "form", chance(maker, 50) ? SHUFFLE_MEGVII : SHUFFLE_PAPER);
    finish(maker, node);
}

static void make_pick(Maker *maker, OpKind op, Value *x) {
    Value *operands[] = {x, pick_alike(maker, x, false)};
    int operand_count = op == OP_route && chance(maker, 60) ? 2 : 1;
    int64_t channels = 0, list[8];
    for (int i = 0; i < operand_count; i++)
        channels += operands[i]->type.dims[1];
    size_t count = 1 + (size_t)pick(maker, 8);
    bool in_order = chance(maker, 30);
    if (in_order)
        count = channels < 8 ? (size_t)channels : 8;
    for (size_t i = 0; i < count; i++)
        list[i] = in_order ? (int64_t)i : pick(maker, channels);
    Node *node = create(maker, op, operands, operand_count);
    node_set_list(maker->graph, node, "channels", list, count);
    finish(maker, node);
}

static void make_pool(Maker *maker, OpKind op, Value *x) {
    Node *node = create(maker, op, &x, 1);
    int64_t kernel = chance(maker, 30) ? 1 : 3;
    node_set_list(maker->graph, node, "kernel", (int64_t[]){kernel, kernel}, 2);
    if (kernel == 3)
        node_set_list(maker->graph, node, "padding", (int64_t[]){1, 1, 1, 1}, 4);
    finish(maker, node);
}

static Value *make_sides(Maker *maker, OpKind op, Value *x, const int64_t *sides) {
    Node *node = create(maker, op, &x, 1);
    node_set_list(maker->graph, node, op == OP_pad ? "padding" : "margins", sides, 4);
    finish(maker, node);
    return node->results[0];
}

/* Pads, crops, or both in a row; then pools or convolves, which may take the padding. */
static void make_border(Maker *maker, Value *x) {
    int64_t sides[4];
    if (chance(maker, 60)) {
        for (int i = 0; i < 4; i++)
            sides[i] = pick(maker, 3);
        x = make_sides(maker, OP_pad, x, sides);
    }
    if (chance(maker, 60)) {
        for (int i = 0; i < 4; i++) {
            int64_t room = x->type.dims[2 + i % 2] - (i < 2 ? 0 : sides[i - 2]);
            sides[i] = pick(maker, room < 3 ? room : 3);
        }
        x = make_sides(maker, OP_crop, x, sides);
    }
    if (chance(maker, 40))
        make_pool(maker, chance(maker, 70) ? OP_avg_pool : OP_max_pool, x);
    else if (chance(maker, 60))
        make_conv(maker, x);
}

static OpKind pick_activation(Maker *maker) {
    static const OpKind ops[] = {
        OP_relu, OP_relu, OP_relu6, OP_sigmoid, OP_hard_sigmoid, OP_hard_swish};
    return ops[pick(maker, 6)];
}

/* ---- what networks are made of ---- */

static Value *last_value(const Maker *maker) {
    return maker->values[maker->value_count - 1];
}

/* A convolution, perhaps with batch norm or bias, perhaps with an activation. */
static Value *make_layer(Maker *maker, Value *x, int64_t outputs) {
    Node *conv = create(maker, OP_conv, &x, 1);
    set_weight(maker, conv, "weight", 4, (int64_t[]){outputs, x->type.dims[1], 1, 1});
    finish(maker, conv);
    if (chance(maker, 60))
        make_channel_op(maker, chance(maker, 70) ? OP_batch_norm : OP_bias, last_value(maker));
    if (chance(maker, 40))
        make_unary(maker, pick_activation(maker), last_value(maker));
    return last_value(maker);
}

static void make_depthwise(Maker *maker, Value *x) {
    Node *conv = create(maker, OP_conv, &x, 1);
    int64_t channels = x->type.dims[1];
    set_weight(maker, conv, "weight", 4, (int64_t[]){channels, 1, 3, 3});
    if (chance(maker, 50))
        set_weight(maker, conv, "bias", 1, &channels);
    node_set_integer(conv, "groups", channels);
    node_set_list(maker->graph, conv, "padding", (int64_t[]){1, 1, 1, 1}, 4);
    finish(maker, conv);
}

static void make_residual_unit(Maker *maker, Value *x) {
    Value *branch = make_layer(maker, x, x->type.dims[1]);
    bool branch_first = chance(maker, 30);
    Value *operands[] = {branch_first ? branch : x, branch_first ? x : branch};
    finish(maker, create(maker, OP_add, operands, 2));
    if (chance(maker, 70))
        make_unary(maker, pick_activation(maker), last_value(maker));
}

static void make_joining_unit(Maker *maker, Value *x) {
    make_unary(maker, chance(maker, 80) ? OP_relu : OP_sigmoid, x);
    Value *operands[] = {last_value(maker), NULL};
    make_pool(maker, chance(maker, 50) ? OP_avg_pool : OP_max_pool, operands[0]);
    Value *pooled = last_value(maker);
    operands[1] = make_layer(maker, x, 1 + pick(maker, 6));
    operands[0] = pooled;
    finish(maker, create(maker, OP_concat, operands, 2));
    if (chance(maker, 50))
        make_shuffle(maker, last_value(maker));
    make_unary(maker, chance(maker, 80) ? OP_relu : OP_relu6, last_value(maker));
}

/* Channels of two values in a random order, read by layers that could take any order, and perhaps
 * by one that cannot. Later nodes see only the end of it. */
static void make_routed_unit(Maker *maker, Value *x) {
    int start = maker->value_count;
    Value *operands[] = {x, pick_alike(maker, x, false)};
    if (operands[1]->type.dims[1] > 24)
        operands[1] = x;
    int64_t list[48], channels = operands[0]->type.dims[1] + operands[1]->type.dims[1];
    for (int64_t i = 0; i < channels; i++) {
        int64_t other = pick(maker, i + 1);
        list[i] = list[other];
        list[other] = i;
    }
    Node *route = create(maker, OP_route, operands, 2);
    node_set_list(maker->graph, route, "channels", list, (size_t)channels);
    finish(maker, route);
    Value *routed = last_value(maker);
    if (chance(maker, 50))
        make_depthwise(maker, routed);
    if (chance(maker, 30))
        make_pool(maker, chance(maker, 50) ? OP_max_pool : OP_avg_pool, last_value(maker));
    if (chance(maker, 20))
        make_shuffle(maker, last_value(maker));
    Value *end = last_value(maker);
    make_conv(maker, end);
    if (chance(maker, 40)) { /* a second reader, and what joins both */
        Value *first = last_value(maker);
        make_conv(maker, chance(maker, 50) ? end : routed);
        finish(maker, create(maker, OP_concat, (Value *[]){first, last_value(maker)}, 2));
    }
    if (chance(maker, 10))
        finish(maker, create(maker, OP_add, (Value *[]){routed, routed}, 2));
    maker->values[start] = last_value(maker);
    maker->value_count = start + 1;
}

static void make_any(Maker *maker) {
    Value *x = pick_value(maker);
    if (x->type.rank == 2) { /* after flatten or linear */
        switch (pick(maker, 5)) {
        case 0:
            make_linear(maker, x);
            return;
        case 1:
            make_channel_op(maker, chance(maker, 50) ? OP_batch_norm : OP_bias, x);
            return;
        case 2:
            make_unary(maker, pick_activation(maker), x);
            return;
        default:
            x = maker->values[0];
        }
    }
    if (x->type.dims[1] > 24) { /* keep it small */
        make_conv(maker, x);
        return;
    }
    switch (pick(maker, 21)) {
    case 0:
        make_conv(maker, x);
        return;
    case 1:
        make_layer(maker, x, 1 + pick(maker, 6));
        return;
    case 16:
        make_residual_unit(maker, x);
        return;
    case 17:
        make_joining_unit(maker, x);
        return;
    case 18:
    case 19:
        make_routed_unit(maker, x);
        return;
    case 2:
        make_channel_op(maker, OP_batch_norm, x);
        return;
    case 3:
        make_channel_op(maker, OP_bias, x);
        return;
    case 4:
    case 5:
        make_unary(maker, pick_activation(maker), x);
        return;
    case 6:
    case 7:
        make_binary(maker, chance(maker, 70) ? OP_add : OP_multiply, x);
        return;
    case 8:
        make_scale(maker, x);
        return;
    case 9:
    case 10:
        make_concat(maker, x);
        return;
    case 11:
        make_split(maker, x);
        return;
    case 12:
        make_shuffle(maker, x);
        return;
    case 13:
        make_pick(maker, chance(maker, 50) ? OP_gather : OP_route, x);
        return;
    case 14:
        make_pool(maker, chance(maker, 50) ? OP_max_pool : OP_avg_pool, x);
        return;
    case 20:
        make_border(maker, x);
        return;
    default:
        make_unary(maker, OP_global_avg_pool, x);
        make_unary(maker, OP_flatten, maker->values[maker->value_count - 1]);
        if (chance(maker, 80))
            make_linear(maker, maker->values[maker->value_count - 1]);
        return;
    }
}

/* Unused values become outputs, but for a few that dead-code is to find. */
static void add_outputs(Maker *maker) {
    Arena *scratch = arena_create();
    int *uses = graph_use_counts(maker->graph, scratch);
    for (int i = 1; i < maker->value_count; i++) {
        bool is_last = i + 1 == maker->value_count;
        if (is_last || (uses[maker->values[i]->id] == 0 ? chance(maker, 80) : chance(maker, 3)))
            graph_add_output(maker->graph, arena_format(maker->graph->arena, "y%d", i),
                maker->values[i], chance(maker, 50) ? LAYOUT_NCHW : LAYOUT_NHWC, (SourceRange){0});
    }
    arena_destroy(scratch);
}

Graph *random_graph(uint64_t seed, int node_count, Arena *arena) {
    Maker maker = {.graph = graph_create(arena, "random"),
        .random = seed * 0x9e3779b97f4a7c15u + 1,
        .diagnostics = diagnostics_create()};
    int64_t size = 1 + pick(&maker, 4), batch = 1 + pick(&maker, 2);
    int64_t dims[] = {batch, 2 + pick(&maker, 7), size, 1 + pick(&maker, 4)};
    maker.values[maker.value_count++] =
        graph_add_input(maker.graph, "x", tensor_type(4, dims), LAYOUT_NCHW, (SourceRange){0});
    for (int i = 0; i < node_count; i++)
        make_any(&maker);
    add_outputs(&maker);
    diagnostics_destroy(maker.diagnostics);
    return maker.graph;
}
