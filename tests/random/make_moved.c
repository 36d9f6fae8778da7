/* Ops that only say which number is where, of any rank; and what networks make of them. */
#include "maker.h"

/* Factors of an operand, their order, and the result that they are joined to. */
typedef struct Arranged {
    int64_t factors[24], order[24], dims[MAX_RANK];
    int factor_count, order_count, rank;
} Arranged;

static void add_factor(Arranged *arranged, int64_t size) {
    arranged->factors[arranged->factor_count] = size;
    arranged->order[arranged->order_count++] = arranged->factor_count++;
}

/* A divisor of the size: itself, one, or any. */
static int64_t pick_divisor(Maker *maker, int64_t size) {
    int64_t divisor = pick_between(maker, 1, size);
    while (size % divisor != 0)
        divisor--;
    return divisor;
}

static void cut_dimensions(Maker *maker, const TensorType *type, Arranged *arranged) {
    for (int i = 0; i < type->rank; i++) {
        int64_t slow = chance(maker, 35) ? pick_divisor(maker, type->dims[i]) : 1;
        if (slow > 1)
            add_factor(arranged, slow);
        add_factor(arranged, type->dims[i] / slow);
    }
}

static void put_in_order(Maker *maker, Arranged *arranged) {
    bool any = chance(maker, 50);
    for (int i = arranged->order_count; (any || chance(maker, 60)) && i > 1; i--) {
        int64_t other = pick(maker, i), moved = arranged->order[i - 1];
        arranged->order[i - 1] = arranged->order[other];
        arranged->order[other] = moved;
    }
}

static void repeat_some(Maker *maker, Arranged *arranged) {
    for (int times = 0; times < 2 && chance(maker, 20); times++) {
        int at = (int)pick(maker, arranged->order_count + 1);
        for (int i = arranged->order_count++; i > at; i--)
            arranged->order[i] = arranged->order[i - 1];
        arranged->order[at] = -pick_between(maker, 2, 3);
    }
}

/* Joins what follows each other to a tensor of the rank, or of fewer dimensions. */
static void join_factors(Maker *maker, Arranged *arranged, int rank) {
    int left = arranged->order_count;
    for (int i = 0; i < arranged->order_count; i++, left--) {
        int64_t item = arranged->order[i], size = item < 0 ? -item : arranged->factors[item];
        int open = rank - arranged->rank; /* dimensions still to be begun */
        bool begins = arranged->rank == 0 || left <= open || (open > 0 && chance(maker, 60));
        if (begins)
            arranged->dims[arranged->rank++] = size;
        else
            arranged->dims[arranged->rank - 1] *= size;
    }
}

static Value *finish_arranged(Maker *maker, Value *x, const Arranged *arranged) {
    int64_t elements = 1;
    for (int i = 0; i < arranged->rank; i++)
        elements *= arranged->dims[i];
    if (elements > 4 * maker->most_floats)
        return NULL;
    Node *node = maker_node(maker, OP_rearrange, &x, 1);
    Graph *graph = maker->graph;
    node_set_list(graph, node, "factors", arranged->factors, (size_t)arranged->factor_count);
    node_set_list(graph, node, "order", arranged->order, (size_t)arranged->order_count);
    node_set_list(graph, node, "dims", arranged->dims, (size_t)arranged->rank);
    return maker_finish(maker, node);
}

/* [n,c,h,w] with the factors, in that order, joined to so many dimensions. */
static Value *arrange(Maker *maker, Value *x, const int64_t *factors, int factor_count,
    const int64_t *order, int order_count, const int64_t *dims, int rank) {
    Arranged arranged = {.factor_count = factor_count, .order_count = order_count, .rank = rank};
    for (int i = 0; i < factor_count; i++)
        arranged.factors[i] = factors[i];
    for (int i = 0; i < order_count; i++)
        arranged.order[i] = order[i];
    for (int i = 0; i < rank; i++)
        arranged.dims[i] = dims[i];
    return finish_arranged(maker, x, &arranged);
}

static Value *make_repeated_pixels(Maker *maker, Value *x, int64_t times) {
    const int64_t *d = x->type.dims;
    return arrange(maker, x, d, 4, (int64_t[]){0, 1, 2, -times, 3, -times}, 6,
        (int64_t[]){d[0], d[1], d[2] * times, d[3] * times}, 4);
}

/* As a head ends: [n,h*w,c], or [n,a,h,w,k] of a times k channels. */
static Value *make_channels_last(Maker *maker, Value *x, int64_t anchors) {
    const int64_t *d = x->type.dims;
    int64_t each = d[1] / anchors;
    if (d[1] % anchors != 0)
        return NULL;
    if (anchors == 1)
        return arrange(
            maker, x, d, 4, (int64_t[]){0, 2, 3, 1}, 4, (int64_t[]){d[0], d[2] * d[3], d[1]}, 3);
    int64_t factors[] = {d[0], anchors, each, d[2], d[3]}, order[] = {0, 1, 3, 4, 2};
    if (chance(maker, 50))
        return arrange(
            maker, x, factors, 5, order, 5, (int64_t[]){d[0], anchors, d[2], d[3], each}, 5);
    return arrange(
        maker, x, factors, 5, order, 5, (int64_t[]){d[0], anchors * d[2] * d[3], each}, 3);
}

/* Pixel shuffle, and back. */
static Value *make_depth(Maker *maker, Value *x, int64_t side) {
    const int64_t *d = x->type.dims;
    if (d[1] % (side * side) == 0 && chance(maker, 50)) {
        int64_t c = d[1] / side / side;
        int64_t factors[] = {d[0], c, side, side, d[2], d[3]}, order[] = {0, 1, 4, 2, 5, 3};
        return arrange(
            maker, x, factors, 6, order, 6, (int64_t[]){d[0], c, d[2] * side, d[3] * side}, 4);
    }
    if (d[2] % side != 0 || d[3] % side != 0)
        return NULL;
    int64_t factors[] = {d[0], d[1], d[2] / side, side, d[3] / side, side};
    return arrange(maker, x, factors, 6, (int64_t[]){0, 3, 5, 1, 2, 4}, 6,
        (int64_t[]){d[0], d[1] * side * side, d[2] / side, d[3] / side}, 4);
}

Value *make_rearranged(Maker *maker, OpKind op, Value *x) {
    (void)op;
    int64_t kind = pick(maker, 10);
    if (x->type.rank == 4 && kind < 2)
        return make_repeated_pixels(maker, x, pick_between(maker, 2, 3));
    if (x->type.rank == 4 && kind < 4)
        return make_channels_last(maker, x, pick_divisor(maker, x->type.dims[1]));
    if (x->type.rank == 4 && kind < 5)
        return make_depth(maker, x, 2);
    Arranged arranged = {0};
    cut_dimensions(maker, &x->type, &arranged);
    put_in_order(maker, &arranged);
    repeat_some(maker, &arranged);
    join_factors(maker, &arranged, chance(maker, 50) ? 4 : (int)pick_between(maker, 1, MAX_RANK));
    return finish_arranged(maker, x, &arranged);
}

Value *make_slice(Maker *maker, OpKind op, Value *x) {
    int64_t begin[MAX_RANK] = {0}, step[MAX_RANK], dims[MAX_RANK];
    for (int i = 0; i < x->type.rank; i++) {
        step[i] = 1;
        dims[i] = x->type.dims[i];
        if (chance(maker, 50))
            continue;
        begin[i] = pick(maker, dims[i]);
        step[i] = pick_between(maker, 1, 3);
        int64_t most = (dims[i] - 1 - begin[i]) / step[i] + 1;
        dims[i] = chance(maker, 50) ? most : pick_between(maker, 1, most);
    }
    Node *node = maker_node(maker, op, &x, 1);
    size_t rank = (size_t)x->type.rank;
    node_set_list(maker->graph, node, "begin", begin, rank);
    node_set_list(maker->graph, node, "step", step, rank);
    node_set_list(maker->graph, node, "dims", dims, rank);
    return maker_finish(maker, node);
}

/* Others that differ along the axis alone, or the same again. */
Value *make_join(Maker *maker, OpKind op, Value *x) {
    Value *operands[4] = {x};
    int axis = (int)pick(maker, x->type.rank), count = 1;
    int64_t wanted = pick_between(maker, 1, 4);
    for (int tries = 0; tries < 24 && count < wanted; tries++) {
        Value *other = chance(maker, 10) ? x : maker->values[pick(maker, maker->value_count)];
        TensorType type = other->type;
        type.dims[axis] = x->type.dims[axis];
        if (type.rank == x->type.rank && tensor_type_equal(&type, &x->type) &&
            tensor_elements(&other->type) <= maker->most_floats)
            operands[count++] = other;
    }
    Node *node = maker_node(maker, op, operands, count);
    node_set_integer(node, "axis", axis);
    return maker_finish(maker, node);
}

/* As in a feature pyramid: a small tensor made larger, beside one of that size. */
Value *make_pyramid(Maker *maker, Value *x) {
    if (x->type.rank != 4 || tensor_elements(&x->type) * 4 > maker->most_floats)
        return NULL;
    int64_t stride = 2;
    Value *small = make_depthwise(maker, x, 3, stride);
    small = make_layer(maker, small, (ConvShape){.outputs = pick_channels(maker)});
    if (small == NULL || x->type.dims[2] % 2 != 0 || x->type.dims[3] % 2 != 0)
        return NULL;
    Value *large = make_repeated_pixels(maker, small, stride);
    if (large == NULL)
        return NULL;
    Value *joined = make_concat(maker, (Value *[]){large, x}, 2);
    return make_layer(maker, joined, (ConvShape){.outputs = pick_channels(maker)});
}

/* As detectors end: a layer for each of two sizes, whose pixels are rows of one tensor. */
Value *make_detector_heads(Maker *maker, Value *x) {
    if (x->type.rank != 4)
        return NULL;
    int64_t anchors = pick_between(maker, 1, 3);
    int64_t outputs = anchors * pick_between(maker, 1, 8);
    Value *other = chance(maker, 50) ? make_depthwise(maker, x, 3, 2) : pick_alike(maker, x, false);
    Value *heads[2] = {x, other};
    for (int i = 0; i < 2; i++) {
        if (heads[i] == NULL)
            return NULL;
        heads[i] = make_conv(maker, heads[i],
            (ConvShape){.outputs = outputs, .kernel = chance(maker, 70) ? 1 : 3, .bias = true});
        if (heads[i] != NULL)
            heads[i] = make_channels_last(maker, heads[i], 1);
        if (heads[i] == NULL)
            return NULL;
    }
    Node *node = maker_node(maker, OP_join, heads, 2);
    node_set_integer(node, "axis", 1);
    return maker_finish(maker, node);
}

static Value *make_range(Maker *maker, Value *x, int64_t begin, int64_t count) {
    int64_t list[256];
    for (int64_t i = 0; i < count && i < 256; i++)
        list[i] = begin + i;
    return count > 256 ? NULL : make_op_with_list(maker, OP_route, &x, 1, list, (size_t)count);
}

/* Scores and distances of one layer, which go separate ways. */
static Value *make_shared_head(Maker *maker, Value *x) {
    int64_t scores = pick_between(maker, 5, 20), others = pick_between(maker, 5, 20);
    Value *both = make_conv(maker, x, (ConvShape){.outputs = scores + others, .bias = true});
    if (both == NULL)
        return NULL;
    Value *y = make_range(maker, both, 0, scores), *z = make_range(maker, both, scores, others);
    y = make_unary(maker, OP_sigmoid, y);
    y = y != NULL ? make_channels_last(maker, y, 1) : NULL;
    z = z != NULL ? make_channels_last(maker, z, 1) : NULL;
    return chance(maker, 50) ? y : z;
}

/* Rows and columns change places around a softmax, or around nothing. */
static Value *make_turned(Maker *maker, Value *x) {
    for (int times = 0; times < 2 && x != NULL; times++) {
        const int64_t *d = x->type.dims;
        int64_t order[] = {0, 1, 3, 2};
        if (chance(maker, 15))
            order[1] = 3, order[2] = 1;
        x = arrange(
            maker, x, d, 4, order, 4, (int64_t[]){d[0], d[order[1]], d[order[2]], d[order[3]]}, 4);
        if (times == 0 && x != NULL && chance(maker, 65))
            x = make_unary(maker, chance(maker, 60) ? OP_softmax : OP_sigmoid, x);
    }
    return x;
}

/* What lies beside each other becomes rows. */
static Value *make_joined_rows(Maker *maker, Value *x) {
    Value *y = pick_alike(maker, x, false);
    if (y == NULL || chance(maker, 30))
        y = make_layer(maker, x, (ConvShape){.outputs = pick_channels(maker)});
    Value *operands[] = {x, y};
    if (y == NULL || x->type.dims[1] + y->type.dims[1] > 256)
        return NULL;
    int64_t list[256], channels = x->type.dims[1] + y->type.dims[1];
    for (int64_t i = 0; i < channels; i++)
        list[i] = i;
    Value *joined = make_op_with_list(maker, OP_route, operands, 2, list, (size_t)channels);
    return joined != NULL ? make_channels_last(maker, joined, 1) : NULL;
}

/* Numbers begin to end - 1 of each row of [n,rows,numbers], computed with as an image of one row.
 */
static Value *make_decoded_part(Maker *maker, Value *rows, int64_t begin, int64_t end) {
    const int64_t *d = rows->type.dims;
    int64_t count = end - begin;
    Node *node = maker_node(maker, OP_slice, &rows, 1);
    node_set_list(maker->graph, node, "begin", (int64_t[]){0, 0, begin}, 3);
    node_set_list(maker->graph, node, "step", (int64_t[]){1, 1, 1}, 3);
    node_set_list(maker->graph, node, "dims", (int64_t[]){d[0], d[1], count}, 3);
    Value *part = maker_finish(maker, node);
    if (part == NULL || chance(maker, 20))
        return part;
    part = arrange(maker, part, part->type.dims, 3, (int64_t[]){0, 2, 1}, 3,
        (int64_t[]){d[0], count, 1, d[1]}, 4);
    for (int64_t times = pick_between(maker, 1, 2); times > 0 && part != NULL; times--)
        part = chance(maker, 25) ? make_op(maker, OP_add, part) : make_activation(maker, part);
    if (part == NULL || part->type.dims[1] != count || part->type.dims[3] != d[1])
        return NULL;
    return arrange(maker, part, (int64_t[]){d[0], count, d[1]}, 3, (int64_t[]){0, 2, 1}, 3,
        (int64_t[]){d[0], d[1], count}, 3);
}

/* As boxes are decoded: one layer's numbers for each anchor and pixel, in two parts. */
static Value *make_decoded(Maker *maker, Value *x) {
    int64_t anchors = pick_between(maker, 1, 3), each = pick_between(maker, 2, 9);
    x = make_conv(maker, x, (ConvShape){.outputs = anchors * each, .bias = true});
    if (x == NULL)
        return NULL;
    const int64_t *d = x->type.dims;
    Value *rows = arrange(maker, x, (int64_t[]){d[0], anchors, each, d[2], d[3]}, 5,
        (int64_t[]){0, 1, 3, 4, 2}, 5, (int64_t[]){d[0], anchors * d[2] * d[3], each}, 3);
    int64_t cut = pick_between(maker, 1, each - 1);
    if (rows == NULL)
        return NULL;
    Value *parts[] = {
        make_decoded_part(maker, rows, 0, cut), make_decoded_part(maker, rows, cut, each)};
    if (parts[0] == NULL || parts[1] == NULL)
        return NULL;
    Node *node = maker_node(maker, OP_join, parts, 2);
    node_set_integer(node, "axis", 2);
    return maker_finish(maker, node);
}

/* Pixels out of the channels of a layer. */
static Value *make_shuffled_pixels(Maker *maker, Value *x) {
    x = make_layer(maker, x, (ConvShape){.outputs = 4 * pick_between(maker, 1, 6)});
    return x != NULL ? make_depth(maker, x, 2) : NULL;
}

/* Every other row and column, four times, as channels that a convolution reads. */
Value *make_focus(Maker *maker, Value *x) {
    if (x->type.rank != 4)
        return NULL;
    if (x->type.dims[2] % 2 != 0 || x->type.dims[3] % 2 != 0)
        x = make_repeated_pixels(maker, x, 2);
    if (x == NULL)
        return NULL;
    const int64_t *d = x->type.dims;
    Value *parts[4];
    for (int64_t i = 0; i < 4; i++) {
        Node *node = maker_node(maker, OP_slice, &x, 1);
        node_set_list(maker->graph, node, "begin", (int64_t[]){0, 0, i % 2, i / 2}, 4);
        node_set_list(maker->graph, node, "step", (int64_t[]){1, 1, 2, 2}, 4);
        node_set_list(maker->graph, node, "dims", (int64_t[]){d[0], d[1], d[2] / 2, d[3] / 2}, 4);
        parts[i] = maker_finish(maker, node);
        if (parts[i] == NULL)
            return NULL;
    }
    Value *joined = make_concat(maker, parts, 4);
    ConvShape shape = {.outputs = pick_channels(maker), .kernel = chance(maker, 60) ? 3 : 1};
    return joined != NULL ? make_layer(maker, joined, shape) : NULL;
}

Value *make_views(Maker *maker, Value *x) {
    static MakeUnit *const forms[] = {make_shared_head, make_shared_head, make_shared_head,
        make_turned, make_turned, make_turned, make_joined_rows, make_decoded, make_decoded,
        make_decoded, make_shuffled_pixels};
    return x->type.rank == 4 ? forms[pick(maker, sizeof forms / sizeof forms[0])](maker, x) : NULL;
}
