/* Pooling, as PyTorch defines it. */
#include "ir/interpret.h"

#include <math.h>

typedef struct Pooling {
    int64_t kernel[2], stride[2], padding[4];
    int64_t size[2], result_size[2]; /* height and width */
    bool count_padding;
} Pooling;

/* The part of a window inside the input, and its length when the padding counts too. */
typedef struct WindowSpan {
    int64_t begin, end, padded_length;
} WindowSpan;

static WindowSpan window_span(const Pooling *pooling, int axis, int64_t position) {
    int64_t size = pooling->size[axis];
    int64_t begin = position * pooling->stride[axis] - pooling->padding[axis];
    int64_t end = begin + pooling->kernel[axis];
    /* With ceil a window can reach beyond the padding; what is there never counts. */
    if (end > size + pooling->padding[2 + axis])
        end = size + pooling->padding[2 + axis];
    WindowSpan span = {.begin = begin, .end = end, .padded_length = end - begin};
    if (span.begin < 0)
        span.begin = 0;
    if (span.end > size)
        span.end = size;
    return span;
}

static Pooling describe(const Node *node) {
    Pooling pooling = {0};
    for (int axis = 0; axis < 2; axis++) {
        pooling.kernel[axis] = node_list(node, "kernel").items[axis];
        pooling.stride[axis] = node_list(node, "stride").items[axis];
        pooling.size[axis] = node->operands[0]->type.dims[2 + axis];
        pooling.result_size[axis] = node->results[0]->type.dims[2 + axis];
    }
    for (int i = 0; i < 4; i++)
        pooling.padding[i] = node_list(node, "padding").items[i];
    return pooling;
}

typedef Number PoolWindow(
    const Pooling *pooling, const Stored *plane, WindowSpan rows, WindowSpan columns);

static Number largest_in_window(
    const Pooling *pooling, const Stored *plane, WindowSpan rows, WindowSpan columns) {
    Number largest = number_constant(-INFINITY);
    for (int64_t y = rows.begin; y < rows.end; y++) {
        for (int64_t x = columns.begin; x < columns.end; x++)
            largest = number_larger(number_read(plane[y * pooling->size[1] + x]), largest);
    }
    return largest;
}

static Number mean_of_window(
    const Pooling *pooling, const Stored *plane, WindowSpan rows, WindowSpan columns) {
    Number sum = number_integer(0);
    for (int64_t y = rows.begin; y < rows.end; y++) {
        for (int64_t x = columns.begin; x < columns.end; x++)
            sum = number_add(sum, number_read(plane[y * pooling->size[1] + x]));
    }
    int64_t cells = pooling->count_padding
                        ? rows.padded_length * columns.padded_length
                        : (rows.end - rows.begin) * (columns.end - columns.begin);
    return number_divide(sum, number_integer(cells));
}

static void pool(const Node *node, const Pooling *pooling, PoolWindow *pool_window,
    const Stored *source, Stored *target) {
    const TensorType *type = &node->results[0]->type;
    int64_t planes = type->dims[0] * type->dims[1];
    for (int64_t plane = 0; plane < planes; plane++) {
        for (int64_t row = 0; row < pooling->result_size[0]; row++) {
            WindowSpan rows = window_span(pooling, 0, row);
            for (int64_t column = 0; column < pooling->result_size[1]; column++)
                *target++ =
                    stored_of(pool_window(pooling, source, rows, window_span(pooling, 1, column)));
        }
        source += pooling->size[0] * pooling->size[1];
    }
}

void interpret_max_pool(
    const Node *node, const Stored *const *operands, Stored *const *results, Arena *scratch) {
    (void)scratch;
    Pooling pooling = describe(node);
    pool(node, &pooling, largest_in_window, operands[0], results[0]);
}

void interpret_avg_pool(
    const Node *node, const Stored *const *operands, Stored *const *results, Arena *scratch) {
    (void)scratch;
    Pooling pooling = describe(node);
    pooling.count_padding = node_flag(node, "count_padding");
    pool(node, &pooling, mean_of_window, operands[0], results[0]);
}

void interpret_global_avg_pool(
    const Node *node, const Stored *const *operands, Stored *const *results, Arena *scratch) {
    (void)scratch;
    const TensorType *type = &node->operands[0]->type;
    int64_t plane = plane_size(type);
    for (int64_t i = 0; i < type->dims[0] * type->dims[1]; i++) {
        Number sum = number_integer(0);
        for (int64_t j = 0; j < plane; j++)
            sum = number_add(sum, number_read(operands[0][i * plane + j]));
        results[0][i] = stored_of(number_divide(sum, number_integer(plane)));
    }
}
