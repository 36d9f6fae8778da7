/* Vectors, windows and stretches of a row. */
#include "backends/schedule/shape.h"
#include "backends/target/target.h"
#include "ir/arena.h"
#include "ir/graph.h"
#include <assert.h>

int64_t counted_bytes(LaneType element) {
    return element == LANE_U8 ? 1 : (int64_t)sizeof(float);
}

int vector_width(const Target *target, int64_t count) {
    int narrowest = target->lanes < 4 ? target->lanes : 4;
    int width = target->lanes;
    while (width > narrowest && width / 2 >= count)
        width /= 2;
    return width;
}

int vector_widths(const Target *target, int64_t count, int *widths, int capacity) {
    int used = 0;
    while (count > 0) {
        assert(used < capacity);
        widths[used] = vector_width(target, count);
        count -= widths[used++];
    }
    (void)capacity;
    return used;
}

int tile_spans(Arena *arena, ColumnRange columns, int64_t width_in, const Window *window,
    int pixels, TileSpan **result) {
    int count = 0;
    int64_t width = columns.end - columns.begin;
    TileSpan *spans = *result = ARENA_ARRAY(arena, TileSpan, (width + pixels - 1) / pixels);
    for (int64_t first = columns.begin; first < columns.end; first += pixels) {
        int64_t left = columns.end - first;
        int here = left < pixels ? (int)left : pixels;
        int64_t leftmost = first * window->stride[1] - window->padding[1];
        int64_t rightmost = (first + here - 1) * window->stride[1] - window->padding[1] +
                            (window->kernel[1] - 1) * window->dilation[1];
        bool interior = leftmost >= 0 && rightmost < width_in;
        TileSpan *previous = count > 0 ? &spans[count - 1] : NULL;
        if (previous && interior && previous->interior && previous->pixels == here) {
            previous->repeat++;
            continue;
        }
        spans[count++] = (TileSpan){first, 1, here, interior};
    }
    return count;
}

Window node_window(const Node *node) {
    Window window = {{1, 1}, {1, 1}, {1, 1}, {0, 0, 0, 0}};
    if (node->op == OP_linear || node->op == OP_quantized_linear || node->op == OP_pixels)
        return window;
    for (int i = 0; i < 4; i++)
        window.padding[i] = node_list(node, "padding").items[i];
    if (node->op == OP_pad)
        return window;
    bool multiplies = op_multiplies(node->op);
    const int64_t *kernel =
        multiplies ? node_weight(node, "weight")->type.dims + 2 : node_list(node, "kernel").items;
    for (int i = 0; i < 2; i++) {
        window.kernel[i] = kernel[i];
        window.stride[i] = node_list(node, "stride").items[i];
        if (multiplies)
            window.dilation[i] = node_list(node, "dilation").items[i];
    }
    return window;
}

bool is_pointwise(const Node *node) {
    if (node->op != OP_conv && node->op != OP_quantized_conv)
        return node->op == OP_linear || node->op == OP_quantized_linear;
    const int64_t *kernel = node_weight(node, "weight")->type.dims + 2;
    const int64_t *stride = node_list(node, "stride").items,
                  *padding = node_list(node, "padding").items;
    return kernel[0] * kernel[1] == 1 && stride[0] * stride[1] == 1 &&
           padding[0] + padding[1] + padding[2] + padding[3] == 0;
}

bool is_depthwise(const Node *node) {
    bool is_convolution = node->op == OP_conv || node->op == OP_quantized_conv;
    return is_convolution && node_integer(node, "groups") > 1 &&
           node_integer(node, "groups") == node->operands[0]->type.dims[1] &&
           node_weight(node, "weight")->type.dims[0] == node->operands[0]->type.dims[1];
}
