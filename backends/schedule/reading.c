/* How ops read the channels of their operands. */
#include "backends/schedule/reading.h"
#include "backends/schedule/shape.h"
#include "ir/arena.h"
#include "ir/graph.h"

const int64_t *layout_channels(Arena *arena, const Node *node, int result) {
    int64_t count = node->results[result]->type.dims[1];
    int64_t *channels = ARENA_ARRAY(arena, int64_t, count);
    for (int64_t i = 0; i < count; i++)
        channels[i] = node_source_channel(node, result, i);
    return channels;
}

bool can_gather(const Node *node) {
    if (is_depthwise(node) || node->op == OP_max_pool || node->op == OP_avg_pool) {
        Window window = node_window(node);
        bool once = true;
        for (int i = 0; i < 2; i++)
            once = once && window.kernel[i] <= window.stride[i] && window.dilation[i] == 1 &&
                   window.padding[i] == 0 && window.padding[2 + i] == 0;
        return once;
    }
    return node->op == OP_add || node->op == OP_multiply ||
           op_activation(node->op) != ACTIVATION_NONE;
}

Reading reading_of(const Node *node) {
    switch (node->op) {
    case OP_quantized_conv:
        return is_depthwise(node) ? READING_VECTORS : READING_NUMBERS;
    case OP_quantized_linear:
        return READING_NUMBERS;
    case OP_max_pool:
        if (node->results[0]->type.element == ELEMENT_U8)
            return READING_VECTORS;
        return can_gather(node) ? READING_ONCE : READING_VECTORS;
    case OP_conv:
        if (!is_depthwise(node)) /* a residual is loaded once, by pieces */
            return READING_NUMBERS;
        return can_gather(node) ? READING_ONCE : READING_VECTORS;
    case OP_linear:
        return READING_NUMBERS;
    default:
        if (op_moves_channels(node->op))
            return READING_NUMBERS; /* decides for itself */
        return can_gather(node) ? READING_ONCE : READING_VECTORS;
    }
}
