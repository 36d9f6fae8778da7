/* Layers over height and width without weights, and what they share with convolutions. */
#include "frontend/ncnn/window.h"
#include "ir/sampling.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- windows ---- */

enum { LARGEST_PARAMETER = 1 << 20 };

/* Parameters come in pairs, that of rows being like that of columns where it is absent. */
static bool read_parameter_pair(Importer *importer, int column_key, int row_key, int64_t standard,
    int64_t least, int64_t pair[2]) {
    if (!ncnn_integer(importer, column_key, standard, &pair[1]) ||
        !ncnn_integer(importer, row_key, pair[1], &pair[0]))
        return false;
    for (int i = 0; i < 2; i++)
        if (pair[i] < least || pair[i] > LARGEST_PARAMETER)
            return node_fault(
                importer, NULL, "its parameter %d or %d is %" PRId64, column_key, row_key, pair[i]);
    return true;
}

void ncnn_pad_same(const Value *value, bool lower, NcnnWindow *window) {
    for (int i = 0; i < 2; i++) {
        int64_t size = value->type.dims[2 + i], stride = window->stride[i];
        int64_t reach = (window->kernel[i] - 1) * window->dilation[i] + 1;
        int64_t total = reach + (size - 1) / stride * stride - size;
        total = total < 0 ? 0 : total;
        window->padding[i] = lower ? total - total / 2 : total / 2;
        window->padding[i + 2] = total - window->padding[i];
    }
}

bool ncnn_read_padding(Importer *importer, const int keys[4], int64_t padding[4], int64_t *same) {
    int64_t left, top, right, bottom;
    if (!ncnn_integer(importer, keys[0], 0, &left) ||
        !ncnn_integer(importer, keys[1], left, &top) ||
        !ncnn_integer(importer, keys[2], left, &right) ||
        !ncnn_integer(importer, keys[3], top, &bottom))
        return false;
    const int64_t sides[] = {top, left, bottom, right};
    *same = left == NCNN_SAME_UPPER || left == NCNN_SAME_LOWER ? left : 0;
    for (int i = 0; i < 4; i++) {
        if (*same == 0 ? sides[i] < 0 || sides[i] > LARGEST_PARAMETER : sides[i] != *same)
            return node_fault(importer, NULL, "a padding of %" PRId64 " is none", sides[i]);
        padding[i] = sides[i];
    }
    return true;
}

bool ncnn_read_steps(Importer *importer, NcnnWindow *window) {
    return read_parameter_pair(importer, 1, 11, 0, 1, window->kernel) &&
           read_parameter_pair(importer, 2, 12, 1, 1, window->dilation) &&
           read_parameter_pair(importer, 3, 13, 1, 1, window->stride);
}

bool ncnn_read_window(Importer *importer, const Value *value, NcnnWindow *window) {
    static const int keys[] = {4, 14, 15, 16};
    int64_t same;
    if (!ncnn_read_steps(importer, window) ||
        !ncnn_read_padding(importer, keys, window->padding, &same))
        return false;
    if (same != 0)
        ncnn_pad_same(value, same == NCNN_SAME_LOWER, window);
    return true;
}

/* ---- Pooling ---- */

enum { POOL_MAXIMUM, POOL_MEAN };
enum { PAD_FULL, PAD_VALID, PAD_SAME_UPPER, PAD_SAME_LOWER };

static Value *build_pool(
    Importer *importer, Value *value, int64_t kind, const NcnnWindow *window, bool count_padding) {
    OpKind op = kind == POOL_MAXIMUM ? OP_max_pool : OP_avg_pool;
    Node *node = begin_node(importer, op, "", &value, 1);
    node_set_list(importer->graph, node, "kernel", window->kernel, 2);
    node_set_list(importer->graph, node, "stride", window->stride, 2);
    node_set_list(importer->graph, node, "padding", window->padding, 4);
    if (op == OP_avg_pool)
        node_attribute(node, "count_padding")->flag = count_padding;
    return finish_node(importer, node) ? node->results[0] : NULL;
}

/* All of height and width become one number, and the blob a vector. */
static bool pool_all(Importer *importer, Value *value, int64_t kind) {
    NcnnWindow window = {
        .kernel = {value->type.dims[2], value->type.dims[3]}, .stride = {1, 1}, .dilation = {1, 1}};
    Value *result = kind == POOL_MEAN ? build_unary(importer, OP_global_avg_pool, value)
                                      : build_pool(importer, value, kind, &window, true);
    return ncnn_set_image(importer, result, true);
}

/* A result of the given sizes: windows that cover the blob once. */
static bool pool_to_size(Importer *importer, Value *value, int64_t kind) {
    NcnnWindow window = {.dilation = {1, 1}};
    int64_t size[2];
    if (!ncnn_integer(importer, 8, 0, &size[1]) || !ncnn_integer(importer, 18, size[1], &size[0]))
        return false;
    for (int i = 0; i < 2; i++) {
        int64_t from = value->type.dims[2 + i];
        size[i] = size[i] == NCNN_ABSENT ? from : size[i];
        if (size[i] < 1 || from % size[i] != 0)
            return node_fault(importer, NULL,
                "it pools %" PRId64 " to %" PRId64 ", which riffle knows where it divides it", from,
                size[i]);
        window.kernel[i] = window.stride[i] = from / size[i];
    }
    if (window.kernel[0] == value->type.dims[2] && window.kernel[1] == value->type.dims[3] &&
        kind == POOL_MEAN)
        return ncnn_set_image(importer, build_unary(importer, OP_global_avg_pool, value), false);
    return ncnn_set_image(importer, build_pool(importer, value, kind, &window, true), false);
}

/* Whatever is left over at the ends gets a window of its own. */
static void pad_to_full(const Value *value, NcnnWindow *window) {
    for (int i = 0; i < 2; i++) {
        int64_t size = value->type.dims[2 + i] + window->padding[i] + window->padding[i + 2];
        int64_t tail = (size - window->kernel[i]) % window->stride[i];
        if (size > window->kernel[i] && tail != 0)
            window->padding[i + 2] += window->stride[i] - tail;
    }
}

static bool pool_windows(Importer *importer, Value *value, int64_t kind) {
    static const int keys[] = {3, 13, 14, 15};
    NcnnWindow window = {.dilation = {1, 1}};
    int64_t mode, same;
    bool count_padding;
    if (!read_parameter_pair(importer, 1, 11, 0, 1, window.kernel) ||
        !read_parameter_pair(importer, 2, 12, 1, 1, window.stride) ||
        !ncnn_read_padding(importer, keys, window.padding, &same) ||
        !ncnn_integer(importer, 5, PAD_FULL, &mode) || !ncnn_flag(importer, 6, &count_padding))
        return false;
    if (mode < PAD_FULL || mode > PAD_SAME_LOWER || same != 0)
        return node_fault(importer, NULL, "its pad_mode %" PRId64 " is none", mode);
    if (mode == PAD_FULL)
        pad_to_full(value, &window);
    if (mode >= PAD_SAME_UPPER) {
        ncnn_pad_same(value, mode == PAD_SAME_LOWER, &window);
        count_padding = true; /* ncnn leaves out only what the parameters name as padding */
    }
    return ncnn_set_image(
        importer, build_pool(importer, value, kind, &window, count_padding), false);
}

bool ncnn_import_pooling(Importer *importer) {
    int64_t kind;
    bool all, to_size;
    Value *value = ncnn_image(importer);
    if (value == NULL || !ncnn_integer(importer, 0, POOL_MAXIMUM, &kind) ||
        !ncnn_flag(importer, 4, &all) || !ncnn_flag(importer, 7, &to_size))
        return false;
    if (kind != POOL_MAXIMUM && kind != POOL_MEAN)
        return node_fault(importer, NULL, "its pooling_type %" PRId64 " is none", kind);
    return all       ? pool_all(importer, value, kind)
           : to_size ? pool_to_size(importer, value, kind)
                     : pool_windows(importer, value, kind);
}

/* ---- Padding ---- */

Value *ncnn_pad_value(Importer *importer, Value *value, const int64_t padding[4], double number) {
    Node *node = begin_node(importer, OP_pad, "", &value, 1);
    node_set_list(importer->graph, node, "padding", padding, 4);
    Text text = {0};
    text_append_float(&text, (float)number);
    node_attribute(node, "value")->number = strtod(text.data, NULL);
    text_free(&text);
    return finish_node(importer, node) ? node->results[0] : NULL;
}

/* By rows and columns of the value itself. */
static Value *pad_by_own(
    Importer *importer, Value *value, const int64_t padding[4], BorderMode mode) {
    int64_t *lists[2], counts[2];
    for (int i = 0; i < 2; i++) {
        int64_t size = value->type.dims[2 + i];
        counts[i] = padding[i] + size + padding[i + 2];
        if (!spend_elements(importer, &(Shape){.rank = 1, .dims = {counts[i]}}))
            return NULL;
        lists[i] = ARENA_ARRAY(importer->arena, int64_t, counts[i]);
        for (int64_t k = 0; k < counts[i]; k++)
            lists[i][k] = border_index(mode, k - padding[i], size);
    }
    Node *node = begin_node(importer, OP_take, "", &value, 1);
    node_set_list(importer->graph, node, "rows", lists[0], (size_t)counts[0]);
    node_set_list(importer->graph, node, "columns", lists[1], (size_t)counts[1]);
    return finish_node(importer, node) ? node->results[0] : NULL;
}

bool ncnn_import_padding(Importer *importer) {
    enum { BY_NUMBER, BY_EDGE, BY_REFLECTION };
    static const int keys[] = {0, 2, 1, 3}; /* top, left, bottom, right */
    int64_t padding[4], kind, depth;
    double number;
    Value *value = ncnn_image(importer);
    if (value == NULL || !ncnn_integer(importer, 4, 0, &kind) ||
        !ncnn_number(importer, 5, 0, &number))
        return false;
    for (int i = 0; i < 4; i++)
        if (!ncnn_integer(importer, keys[i], 0, &padding[i]))
            return false;
        else if (padding[i] < 0 || padding[i] > LARGEST_PARAMETER)
            return node_fault(importer, NULL, "a padding of %" PRId64 " is none", padding[i]);
    for (int key = 6; key <= 8; key++)
        if (!ncnn_integer(importer, key, 0, &depth))
            return false;
        else if (depth != 0)
            return node_fault(
                importer, NULL, "it pads channels, or with a number for each (parameter %d)", key);
    if (kind < BY_NUMBER || kind > BY_REFLECTION)
        return node_fault(importer, NULL, "its type %" PRId64 " is none", kind);
    for (int i = 0; kind == BY_REFLECTION && i < 4; i++)
        if (padding[i] >= value->type.dims[2 + i % 2])
            return node_fault(importer, NULL, "it reflects more than there is");
    return ncnn_set_image(importer,
        kind == BY_NUMBER
            ? ncnn_pad_value(importer, value, padding, number)
            : pad_by_own(importer, value, padding, kind == BY_EDGE ? BORDER_EDGE : BORDER_REFLECT),
        false);
}

/* ---- LRN ---- */

bool ncnn_import_lrn(Importer *importer) {
    int64_t kind, size;
    double alpha, beta, bias;
    Value *value = ncnn_image(importer);
    if (value == NULL || !ncnn_integer(importer, 0, 0, &kind) ||
        !ncnn_integer(importer, 1, 5, &size) || !ncnn_number(importer, 2, 1, &alpha) ||
        !ncnn_number(importer, 3, 0.75, &beta) || !ncnn_number(importer, 4, 1, &bias))
        return false;
    if (kind != 0 || size < 1 || size % 2 == 0)
        return node_fault(importer, NULL,
            "riffle knows it across an odd number of channels, not in region %" PRId64
            " of %" PRId64,
            kind, size);
    Node *node = begin_node(importer, OP_local_response_norm, "", &value, 1);
    node_set_integer(node, "size", size);
    node_attribute(node, "alpha")->number = alpha;
    node_attribute(node, "beta")->number = beta;
    node_attribute(node, "k")->number = bias;
    return finish_node(importer, node) && ncnn_set_image(importer, node->results[0], false);
}

/* ---- Interp ---- */

typedef struct Interp {
    int64_t kind, size[2];
    double step[2]; /* from one index of the result to the next, in the operand */
} Interp;

static bool read_sizes(Importer *importer, const Shape *from, Interp *interp) {
    double scale[2];
    bool dynamic;
    if (!ncnn_number(importer, 1, 1, &scale[0]) || !ncnn_number(importer, 2, 1, &scale[1]) ||
        !ncnn_integer(importer, 3, 0, &interp->size[0]) ||
        !ncnn_integer(importer, 4, 0, &interp->size[1]) || !ncnn_flag(importer, 5, &dynamic))
        return false;
    const Symbol *other = importer->node->n_input == 2 ? input_symbol(importer, 1) : NULL;
    for (int i = 0; i < 2; i++) {
        int64_t size = from->dims[2 + i];
        bool given = interp->size[i] != 0;
        if (other != NULL && other->shape.rank == 4) {
            interp->size[i] = other->shape.dims[2 + i];
            given = true;
        }
        if (!given && scale[i] > 0 && scale[i] < 1 << 20)
            interp->size[i] = (int64_t)((float)size * (float)scale[i]);
        if (interp->size[i] < 1 || interp->size[i] > 1 << 20)
            return node_fault(
                importer, NULL, "its result would have a size of %" PRId64, interp->size[i]);
        interp->step[i] = given ? (double)((float)size / (float)interp->size[i])
                                : (double)(1.0f / (float)scale[i]);
    }
    return true;
}

static Symbol *nearest(Importer *importer, const Symbol *symbol, const Interp *interp) {
    int64_t sizes[MODEL_MAX_RANK] = {1, symbol->shape.dims[1], interp->size[0], interp->size[1]};
    int64_t *lists[MODEL_MAX_RANK];
    for (int i = 0; i < 4; i++) {
        if (!spend_elements(importer, &(Shape){.rank = 1, .dims = {sizes[i]}}))
            return NULL;
        lists[i] = ARENA_ARRAY(importer->arena, int64_t, sizes[i]);
        float step = i < 2 ? 1 : (float)interp->step[i - 2];
        for (int64_t k = 0; k < sizes[i]; k++) {
            int64_t at = (int64_t)((float)k * step);
            lists[i][k] = at < symbol->shape.dims[i] ? at : symbol->shape.dims[i] - 1;
        }
    }
    return arrange_pick(importer, symbol, lists, sizes);
}

/* Between the two beside each place. */
static Symbol *bilinear(Importer *importer, Symbol *symbol, const Interp *interp, bool aligned) {
    Value *value = symbol_value(importer, symbol);
    if (value == NULL)
        return NULL;
    Node *node = begin_node(importer, OP_resize, "", &value, 1);
    node_set_list(importer->graph, node, "size", interp->size, 2);
    node_set_integer(node, "mode", RESIZE_LINEAR);
    node_set_integer(node, "coordinates", aligned ? RESIZE_ALIGN_CORNERS : RESIZE_HALF_PIXEL);
    return finish_node(importer, node) ? symbol_of_value(importer, node->results[0]) : NULL;
}

bool ncnn_import_interp(Importer *importer) {
    Symbol *symbol;
    Interp interp;
    bool aligned;
    if (!tensor_operand(importer, 0, &symbol) || !ncnn_integer(importer, 0, 0, &interp.kind) ||
        !ncnn_flag(importer, 6, &aligned))
        return false;
    if (symbol->shape.rank == 2) /* a vector is an image of one pixel */
        symbol = view_reshape(
            importer, symbol, &(Shape){.rank = 4, .dims = {1, symbol->shape.dims[1], 1, 1}});
    if (symbol == NULL)
        return false;
    if (symbol->shape.rank != 4)
        return node_fault(importer, NULL, "its input %s is not [1, channels, height, width]",
            shape_spelling(importer->arena, &symbol->shape));
    if (!read_sizes(importer, &symbol->shape, &interp))
        return false;
    if (interp.size[0] == symbol->shape.dims[2] && interp.size[1] == symbol->shape.dims[3])
        return set_result(importer, symbol);
    if (interp.kind == 1)
        return ncnn_set(importer, nearest(importer, symbol, &interp));
    if (interp.kind == 2)
        return ncnn_set(importer, bilinear(importer, symbol, &interp, aligned));
    return node_fault(importer, NULL, "%s; riffle knows the nearest and bilinear",
        interp.kind == 3 ? "it is bicubic" : "its resize_type is none");
}
