/* Ops that only move numbers: those that say which channel is where copy whole planes, pad and crop
 * rows. */
#include "ir/interpret.h"

#include <string.h>

static void copy_plane(const Node *node, const Stored *source, Stored *target) {
    size_t plane = (size_t)plane_size(&node->operands[0]->type);
    memcpy(target, source, plane * sizeof(Stored));
}

/* The plane of image n and the channel-th channel of all operands joined. `starts[i]` is the first
 * channel of operand i. */
static const Stored *joined_plane(const Node *node, const Stored *const *operands,
    const int64_t *starts, int64_t n, int64_t channel) {
    int low = 0, high = node->operand_count - 1;
    while (low < high) {
        int middle = (low + high + 1) / 2;
        if (starts[middle] <= channel)
            low = middle;
        else
            high = middle - 1;
    }
    const TensorType *type = &node->operands[low]->type;
    return operands[low] + (n * type->dims[1] + channel - starts[low]) * plane_size(type);
}

/* Result channel i is joined channel channels[i], or i itself when `channels` is NULL. */
static void pick_channels(const Node *node, const Stored *const *operands, Stored *const *results,
    const int64_t *channels, Arena *scratch) {
    const TensorType *type = &node->results[0]->type;
    int64_t *starts = ARENA_ARRAY(scratch, int64_t, node->operand_count);
    for (int i = 1; i < node->operand_count; i++)
        starts[i] = starts[i - 1] + node->operands[i - 1]->type.dims[1];
    int64_t plane = plane_size(type);
    for (int64_t n = 0; n < type->dims[0]; n++) {
        for (int64_t i = 0; i < type->dims[1]; i++) {
            int64_t channel = channels == NULL ? i : channels[i];
            copy_plane(node, joined_plane(node, operands, starts, n, channel),
                results[0] + (n * type->dims[1] + i) * plane);
        }
    }
}

void interpret_concat(
    const Node *node, const Stored *const *operands, Stored *const *results, Arena *scratch) {
    pick_channels(node, operands, results, NULL, scratch);
}

void interpret_gather(
    const Node *node, const Stored *const *operands, Stored *const *results, Arena *scratch) {
    pick_channels(node, operands, results, node_list(node, "channels").items, scratch);
}

void interpret_route(
    const Node *node, const Stored *const *operands, Stored *const *results, Arena *scratch) {
    pick_channels(node, operands, results, node_list(node, "channels").items, scratch);
}

void interpret_shuffle(
    const Node *node, const Stored *const *operands, Stored *const *results, Arena *scratch) {
    int64_t count = node->results[0]->type.dims[1];
    int64_t groups = node_integer(node, "groups"), group_size = count / groups;
    bool paper = node_integer(node, "form") == SHUFFLE_PAPER;
    int64_t *channels = ARENA_ARRAY(scratch, int64_t, count);
    for (int64_t i = 0; i < groups; i++) {
        for (int64_t j = 0; j < group_size; j++) {
            int64_t grouped = i * group_size + j, interleaved = j * groups + i;
            if (paper)
                channels[interleaved] = grouped;
            else
                channels[grouped] = interleaved;
        }
    }
    pick_channels(node, operands, results, channels, scratch);
}

void interpret_split(
    const Node *node, const Stored *const *operands, Stored *const *results, Arena *scratch) {
    (void)scratch;
    const TensorType *type = &node->operands[0]->type;
    bool interleaved = node_flag(node, "interleaved");
    int64_t plane = plane_size(type), parts = node->result_count;
    for (int64_t n = 0; n < type->dims[0]; n++) {
        int64_t start = 0;
        for (int64_t part = 0; part < parts; part++) {
            int64_t count = node->results[part]->type.dims[1];
            for (int64_t i = 0; i < count; i++) {
                int64_t channel = interleaved ? i * parts + part : start + i;
                copy_plane(node, operands[0] + (n * type->dims[1] + channel) * plane,
                    results[part] + (n * count + i) * plane);
            }
            start += count;
        }
    }
}

void interpret_flatten(
    const Node *node, const Stored *const *operands, Stored *const *results, Arena *scratch) {
    (void)scratch;
    memcpy(
        results[0], operands[0], (size_t)tensor_elements(&node->results[0]->type) * sizeof(Stored));
}

/* Copies planes into larger or smaller ones; row r of the target is row r + top of the source, and
 * column c is c + left. What the source does not have is `value`. */
static void shift_planes(const Node *node, const Stored *source, Stored *target, int64_t top,
    int64_t left, Stored value) {
    const int64_t *from = node->operands[0]->type.dims, *to = node->results[0]->type.dims;
    int64_t begin = left < 0 ? -left : 0;
    int64_t end = from[3] - left < to[3] ? from[3] - left : to[3];
    for (int64_t i = 0; i < tensor_elements(&node->results[0]->type); i++)
        target[i] = value;
    for (int64_t plane = 0; plane < to[0] * to[1]; plane++) {
        for (int64_t row = 0; row < to[2]; row++) {
            if (row + top < 0 || row + top >= from[2])
                continue;
            memcpy(target + (plane * to[2] + row) * to[3] + begin,
                source + (plane * from[2] + row + top) * from[3] + begin + left,
                (size_t)(end - begin) * sizeof(Stored));
        }
    }
}

void interpret_pad(
    const Node *node, const Stored *const *operands, Stored *const *results, Arena *scratch) {
    (void)scratch;
    const int64_t *padding = node_list(node, "padding").items;
    shift_planes(node, operands[0], results[0], -padding[0], -padding[1],
        stored_of(number_constant(node_number(node, "value"))));
}

void interpret_crop(
    const Node *node, const Stored *const *operands, Stored *const *results, Arena *scratch) {
    (void)scratch;
    const int64_t *margins = node_list(node, "margins").items;
    shift_planes(
        node, operands[0], results[0], margins[0], margins[1], stored_of(number_integer(0)));
}
