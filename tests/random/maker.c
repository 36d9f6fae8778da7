/* What all makers of random graphs need: chance, nodes, weights. */
#include "maker.h"

#include <stdarg.h>
#include <string.h>

/* ---- chance ---- */

int64_t pick(Maker *maker, int64_t count) { /* splitmix64 */
    uint64_t z = maker->random += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (int64_t)((z ^ (z >> 31)) % (uint64_t)count);
}

bool chance(Maker *maker, int percent) {
    return pick(maker, 100) < percent;
}

int64_t pick_between(Maker *maker, int64_t least, int64_t most) {
    return least + pick(maker, most - least + 1);
}

int64_t pick_channels(Maker *maker) {
    static const int64_t channels[] = {
        1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 15, 16, 17, 20, 24, 29, 33, 40, 48, 58, 61, 72, 116};
    int count = 0;
    while (count < (int)(sizeof channels / sizeof channels[0]) &&
           channels[count] <= maker->most_channels)
        count++;
    return channels[pick(maker, count)];
}

int64_t pick_groups(Maker *maker, int64_t channels) {
    static const int64_t groups[] = {1, 2, 3, 4, 8, 5, 6, 7, 16};
    int64_t fitting[sizeof groups / sizeof groups[0] + 1];
    int count = 0;
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++)
        if (channels % groups[i] == 0)
            fitting[count++] = groups[i];
    fitting[count++] = channels;
    return fitting[pick(maker, count)];
}

static bool small_enough(const Maker *maker, const Value *value) {
    return value->type.dims[1] <= maker->most_channels &&
           tensor_elements(&value->type) <= maker->most_floats;
}

bool has_channels(const Value *value) {
    return rank_has_channels(value->type.rank);
}

Value *pick_value(Maker *maker) {
    for (int tries = 0; tries < 8; tries++) {
        int64_t index = maker->value_count - 1;
        if (chance(maker, 45))
            index = pick(maker, maker->value_count);
        else if (chance(maker, 40) && maker->value_count > 4)
            index = maker->value_count - 1 - pick(maker, 4);
        if (small_enough(maker, maker->values[index]) &&
            (has_channels(maker->values[index]) || chance(maker, 30))) /* few ops take others */
            return maker->values[index];
    }
    return maker->values[0];
}

Value *pick_alike(Maker *maker, Value *other, bool same_channels) {
    int start = (int)pick(maker, maker->value_count);
    for (int i = 0; i < maker->value_count; i++) {
        Value *value = maker->values[(start + i) % maker->value_count];
        TensorType type = value->type;
        if (!same_channels && has_channels(value))
            type.dims[1] = other->type.dims[1];
        if (value != other && small_enough(maker, value) && tensor_type_equal(&type, &other->type))
            return value;
    }
    return other;
}

static size_t at_most(int64_t channels, size_t capacity) {
    return channels < (int64_t)capacity ? (size_t)channels : capacity;
}

size_t pick_list(Maker *maker, int64_t channels, int64_t *list, size_t capacity) {
    size_t count = at_most(channels, capacity);
    int64_t kind = pick(maker, 5), first = pick(maker, channels);
    if (kind == 0) /* repeats and omissions */
        count = 1 + (size_t)pick(maker, (int64_t)at_most(channels + 4, capacity));
    if (kind == 1) /* one run */
        count = 1 + (size_t)pick(maker, (int64_t)at_most(channels - first, capacity));
    for (size_t i = 0; i < count; i++)
        list[i] = kind == 0 ? pick(maker, channels) : kind == 1 ? first + (int64_t)i : (int64_t)i;
    if (kind == 2) /* turned round */
        for (size_t i = 0; i < count; i++)
            list[i] = (first + (int64_t)i) % channels;
    for (size_t i = count; kind == 3 && i > 1; i--) { /* any order */
        size_t other = (size_t)pick(maker, (int64_t)i);
        int64_t moved = list[i - 1];
        list[i - 1] = list[other];
        list[other] = moved;
    }
    return count;
}

/* ---- nodes ---- */

Node *maker_node(Maker *maker, OpKind op, Value *const *operands, int operand_count) {
    const char *path = arena_format(maker->graph->arena, "n%d", maker->graph->next_value_id);
    return node_create(maker->graph, op, path, operands, operand_count, (SourceRange){0});
}

static Weight *weight_of_shape(const Graph *graph, const TensorType *type) {
    for (Weight *weight = graph->first_weight; weight; weight = weight->next)
        if (tensor_type_equal(&weight->type, type))
            return weight;
    return NULL;
}

void maker_weight(Maker *maker, Node *node, const char *name, int rank, const int64_t *dims) {
    const OpInfo *info = op_info(node->op);
    int i = 0;
    while (strcmp(info->weights[i].name, name) != 0)
        i++;
    TensorType type = tensor_type(rank, dims);
    /* A variance must be positive: it is shared with nothing. */
    bool shared = chance(maker, 3) && node->op != OP_batch_norm;
    Weight *other = shared ? weight_of_shape(maker->graph, &type) : NULL;
    if (other != NULL && strstr(other->path, "running_var") == NULL) {
        node->weights[i] = other;
        return;
    }
    const char *path = arena_format(maker->graph->arena, "%s.%s", node->path, name);
    node->weights[i] = graph_weight(maker->graph, path, type, (SourceRange){0});
}

void maker_list(Maker *maker, Node *node, const char *name, size_t count, ...) {
    int64_t items[8];
    va_list arguments;
    va_start(arguments, count);
    for (size_t i = 0; i < count; i++)
        items[i] = va_arg(arguments, int64_t);
    va_end(arguments);
    node_set_list(maker->graph, node, name, items, count);
}

Value *maker_finish(Maker *maker, Node *node) {
    if (maker->value_count + MOST_OPERANDS > MOST_VALUES ||
        !node_infer(maker->graph, node, maker->refusals))
        return NULL;
    graph_append(maker->graph, node);
    for (int i = 0; i < node->result_count; i++) {
        if (chance(maker, 5))
            node->results[i]->name = chance(maker, 50) ? "work" : node->path;
        maker->values[maker->value_count++] = node->results[i];
    }
    return node->results[0];
}
