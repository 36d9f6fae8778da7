/* Layers that only say which element is where. */
#include "frontend/ncnn/importer.h"

#include <inttypes.h>
#include <string.h>

bool ncnn_import_split(Importer *importer) {
    Symbol *symbol = input_symbol(importer, 0);
    for (size_t i = 0; i < importer->node->n_output; i++)
        set_result_at(importer, i, symbol);
    return true;
}

bool ncnn_import_concat(Importer *importer) {
    size_t count = importer->node->n_input;
    Symbol **items = ARENA_ARRAY(importer->arena, Symbol *, count);
    int64_t given;
    int axis;
    for (size_t i = 0; i < count; i++)
        if (!tensor_operand(importer, i, &items[i]))
            return false;
    return ncnn_integer(importer, 0, 0, &given) && ncnn_axis(importer, given, items[0], &axis) &&
           ncnn_set(importer, view_concat(importer, items, count, axis));
}

/* ---- parts ---- */

static Symbol *take_range(
    Importer *importer, const Symbol *symbol, int axis, int64_t begin, int64_t count) {
    int64_t *list = ARENA_ARRAY(importer->arena, int64_t, count);
    for (int64_t i = 0; i < count; i++)
        list[i] = begin + i;
    return view_take(importer, symbol, axis, list, count, false);
}

/* The size of part `index` of `parts`, which begins at `begin`. False after reporting. */
static bool part_size(Importer *importer, IntegerList sizes, IntegerList ends, size_t index,
    int64_t begin, int64_t whole, int64_t *size) {
    size_t parts = importer->node->n_output;
    bool last = index + 1 == parts;
    if (ends.count > 0) {
        int64_t end = last ? whole : ends.items[index];
        *size = (end < 0 ? end + whole : end) - begin;
    } else {
        *size = sizes.items[index];
        if (*size == NCNN_ABSENT) /* an equal share of what is left */
            *size = (whole - begin) / (int64_t)(parts - index);
    }
    return (*size > 0 && *size <= whole - begin) ||
           node_fault(importer, NULL,
               "part %zu of %zu, from %" PRId64 ", would have %" PRId64 " of %" PRId64, index + 1,
               parts, begin, *size, whole);
}

bool ncnn_import_slice(Importer *importer) {
    Symbol *symbol;
    IntegerList sizes, ends;
    int64_t given, begin = 0;
    int axis;
    size_t parts = importer->node->n_output;
    if (!tensor_operand(importer, 0, &symbol) || !ncnn_integers(importer, 0, &sizes) ||
        !ncnn_integer(importer, 1, 0, &given) || !ncnn_integers(importer, 2, &ends) ||
        !ncnn_axis(importer, given, symbol, &axis))
        return false;
    if (ends.count > 0 ? ends.count + 1 != parts : sizes.count != parts)
        return node_fault(importer, NULL, "it has %zu sizes for %zu results",
            ends.count > 0 ? ends.count + 1 : sizes.count, parts);
    for (size_t i = 0; i < parts; i++) {
        int64_t size;
        if (!part_size(importer, sizes, ends, i, begin, symbol->shape.dims[axis], &size))
            return false;
        Symbol *part = take_range(importer, symbol, axis, begin, size);
        if (part == NULL)
            return false;
        set_result_at(importer, i, part);
        begin += size;
    }
    return true;
}

/* A range of one axis. */
typedef struct CropRange {
    int64_t begin, end;
} CropRange;

/* starts, ends and axes, as slices in Python have them. */
static bool read_crop_lists(
    Importer *importer, const Symbol *symbol, IntegerList starts, CropRange *ranges) {
    IntegerList ends, axes;
    if (!ncnn_integers(importer, 10, &ends) || !ncnn_integers(importer, 11, &axes))
        return false;
    if (ends.count != starts.count || (axes.count != 0 && axes.count != starts.count))
        return node_fault(importer, NULL, "it has %zu starts, %zu ends and %zu axes", starts.count,
            ends.count, axes.count);
    for (size_t i = 0; i < starts.count; i++) {
        int axis;
        int64_t given = axes.count > 0 ? axes.items[i] : (int64_t)i;
        if (!ncnn_axis(importer, given, symbol, &axis))
            return false;
        int64_t size = symbol->shape.dims[axis], begin = starts.items[i], end = ends.items[i];
        begin = begin == NCNN_ABSENT ? 0 : begin;
        end = end == NCNN_ABSENT ? size : end;
        end = end > 0 ? end : end + size;
        ranges[axis] = (CropRange){begin < 0 ? begin + size : begin, end > size ? size : end};
    }
    return true;
}

/* Offsets and sizes, of the last axis first. */
static bool read_crop_sizes(Importer *importer, const Symbol *symbol, CropRange *ranges) {
    int rank = symbol->shape.rank - 1;
    for (int i = 0; i < 3; i++) {
        int64_t before, size, after;
        if (!ncnn_integer(importer, i, 0, &before) || !ncnn_integer(importer, i + 3, 0, &size) ||
            !ncnn_integer(importer, i + 6, 0, &after))
            return false;
        if (i >= rank)
            continue;
        CropRange *range = &ranges[rank - i];
        int64_t whole = symbol->shape.dims[rank - i];
        *range = (CropRange){before, whole - after};
        if (size > 0 && before + size < range->end)
            range->end = before + size;
    }
    return true;
}

bool ncnn_import_crop(Importer *importer) {
    Symbol *symbol;
    IntegerList starts;
    CropRange ranges[MODEL_MAX_RANK];
    if (!tensor_operand(importer, 0, &symbol) || !ncnn_integers(importer, 9, &starts))
        return false;
    for (int i = 0; i < symbol->shape.rank; i++)
        ranges[i] = (CropRange){0, symbol->shape.dims[i]};
    if (!(starts.count > 0 ? read_crop_lists(importer, symbol, starts, ranges)
                           : read_crop_sizes(importer, symbol, ranges)))
        return false;
    for (int i = 1; i < symbol->shape.rank; i++) {
        CropRange range = ranges[i];
        if (range.begin < 0 || range.begin >= range.end || range.end > symbol->shape.dims[i])
            return node_fault(importer, NULL,
                "it takes %" PRId64 " to %" PRId64 " along the axis %d of a blob %s", range.begin,
                range.end, i - 1, shape_spelling(importer->arena, &symbol->shape));
    }
    for (int i = 1; i < symbol->shape.rank && symbol != NULL; i++)
        symbol = take_range(importer, symbol, i, ranges[i].begin, ranges[i].end - ranges[i].begin);
    return ncnn_set(importer, symbol);
}

/* ---- orders ---- */

/* The symbol seen as `shape`, its dimensions put in `order`, seen as `result`. */
static bool set_arranged(Importer *importer, const Symbol *symbol, const Shape *shape,
    const int *order, const Shape *result) {
    Symbol *seen = view_reshape(importer, symbol, shape);
    seen = seen == NULL ? NULL : view_transpose(importer, seen, order);
    seen = seen == NULL ? NULL : view_reshape(importer, seen, result);
    return ncnn_set(importer, seen);
}

/* [groups, n] channels seen as [n, groups]; reversed, the other way round. */
bool ncnn_import_shuffle_channel(Importer *importer) {
    static const int order[] = {0, 2, 1, 3, 4};
    Symbol *symbol;
    int64_t groups;
    bool reverse;
    if (!tensor_operand(importer, 0, &symbol) || !ncnn_integer(importer, 0, 1, &groups) ||
        !ncnn_flag(importer, 1, &reverse))
        return false;
    const int64_t *dims = symbol->shape.dims;
    if (symbol->shape.rank != 4 || groups < 1 || dims[1] % groups != 0)
        return node_fault(importer, NULL, "%" PRId64 " groups do not divide the channels of %s",
            groups, shape_spelling(importer->arena, &symbol->shape));
    int64_t outer = reverse ? dims[1] / groups : groups;
    Shape seen = {.rank = 5, .dims = {1, outer, dims[1] / outer, dims[2], dims[3]}};
    return set_arranged(importer, symbol, &seen, order, &symbol->shape);
}

bool ncnn_import_permute(Importer *importer) {
    /* of dimensions without the batch, the last of which is the width */
    static const int flat[][2] = {{0, 1}, {1, 0}};
    static const int images[][3] = {
        {0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    Symbol *symbol;
    int64_t kind;
    if (!tensor_operand(importer, 0, &symbol) || !ncnn_integer(importer, 0, 0, &kind))
        return false;
    int rank = symbol->shape.rank - 1, order[MODEL_MAX_RANK] = {0};
    int64_t kinds = rank == 3 ? 6 : rank == 2 ? 2 : 1;
    if (rank > 3 || kind < 0 || kind >= kinds)
        return node_fault(importer, NULL, "its order %" PRId64 " is none of a blob %s", kind,
            shape_spelling(importer->arena, &symbol->shape));
    for (int i = 0; i < rank; i++)
        order[i + 1] = 1 + (rank == 3 ? images[kind][i] : rank == 2 ? flat[kind][i] : 0);
    return ncnn_set(importer, view_transpose(importer, symbol, order));
}

/* ---- the same order, other dimensions ---- */

/* The sizes that Reshape asks for: 0 is the blob's own, -1 what is left. */
static bool read_reshape(Importer *importer, const Symbol *symbol, Shape *shape) {
    static const int keys[] = {2, 11, 1, 0}; /* channels, depth, height, width */
    int from = symbol->shape.rank - 1, open = -1;
    int64_t known = 1, elements = shape_elements(&symbol->shape);
    *shape = (Shape){.rank = 1, .dims = {1}};
    for (int i = 0; i < 4; i++) {
        int64_t size;
        if (!ncnn_integer(importer, keys[i], NCNN_ABSENT, &size))
            return false;
        if (size == NCNN_ABSENT)
            continue;
        int at = keys[i] == 2 ? (from == 3 ? 1 : 0) : keys[i] == 11 ? 0 : from - keys[i];
        if (size == 0)
            size = at > 0 ? symbol->shape.dims[at] : 1;
        if (size < -1 || (size == -1 && open >= 0) ||
            __builtin_mul_overflow(known, size == -1 ? 1 : size, &known))
            return node_fault(importer, NULL, "its sizes are none to reshape to");
        if (size == -1)
            open = shape->rank;
        shape->dims[shape->rank++] = size;
    }
    if (open >= 0)
        shape->dims[open] = elements / known;
    return shape_elements(shape) == elements ||
           node_fault(importer, NULL, "%s cannot be reshaped to %s",
               shape_spelling(importer->arena, &symbol->shape),
               shape_spelling(importer->arena, shape));
}

/* The sizes as an expression, the width first; with a batch, which is 1, if parameter 13 is there.
 */
static bool read_expression(Importer *importer, const Symbol *symbol, Shape *shape) {
    const NcnnParameter *text = ncnn_parameter(ncnn_layer(importer), 6);
    IntegerList sizes;
    int64_t from, to;
    if (text->string == NULL)
        return node_fault(importer, NULL, "its parameter 6 is no expression");
    if (!ncnn_expression(importer, text->string, &sizes) || !ncnn_integer(importer, 12, 0, &from) ||
        !ncnn_integer(importer, 13, 0, &to))
        return false;
    if (from != 0 || to != 0)
        return node_fault(importer, NULL, "its batch is not in front (parameter 12 or 13)");
    size_t count = sizes.count;
    if (ncnn_parameter(ncnn_layer(importer), 13) != NULL && count > 1 &&
        sizes.items[count - 1] == 1)
        count--;
    *shape = (Shape){.rank = 1, .dims = {1}};
    int64_t known = 1;
    int open = -1;
    for (size_t i = count; i-- > 0;) {
        if (sizes.items[i] == -1)
            open = shape->rank;
        else if (sizes.items[i] < 1 || __builtin_mul_overflow(known, sizes.items[i], &known))
            return node_fault(importer, NULL, "its sizes are none to reshape to");
        shape->dims[shape->rank++] = sizes.items[i];
    }
    if (open > 0)
        shape->dims[open] = shape_elements(&symbol->shape) / known;
    return shape_elements(shape) == shape_elements(&symbol->shape) ||
           node_fault(importer, NULL, "%s cannot be reshaped to %s",
               shape_spelling(importer->arena, &symbol->shape),
               shape_spelling(importer->arena, shape));
}

bool ncnn_import_reshape(Importer *importer) {
    Symbol *symbol;
    Shape shape;
    bool permute;
    if (!tensor_operand(importer, 0, &symbol) || !ncnn_flag(importer, 3, &permute))
        return false;
    bool computed = ncnn_parameter(ncnn_layer(importer), 6) != NULL;
    if (!(computed ? read_expression(importer, symbol, &shape)
                   : read_reshape(importer, symbol, &shape)))
        return false;
    if (permute && symbol->shape.rank == 4) { /* through [h,w,c] */
        if (shape.rank != 2)
            return node_fault(
                importer, NULL, "riffle knows its parameter 3 where the result is a vector");
        symbol = view_transpose(importer, symbol, (int[]){0, 2, 3, 1});
    }
    return symbol != NULL && ncnn_set(importer, view_reshape(importer, symbol, &shape));
}

bool ncnn_import_flatten(Importer *importer) {
    Symbol *symbol;
    if (!tensor_operand(importer, 0, &symbol))
        return false;
    Shape shape = {.rank = 2, .dims = {1, shape_elements(&symbol->shape)}};
    return ncnn_set(importer, view_reshape(importer, symbol, &shape));
}

/* Which axes of a blob of `rank` dimensions are named, by flags of width, height and channels or as
 * a list. */
static bool read_axes(Importer *importer, int rank, bool axes[MODEL_MAX_RANK]) {
    IntegerList list;
    bool deep;
    memset(axes, 0, MODEL_MAX_RANK * sizeof *axes);
    if (!ncnn_integers(importer, 3, &list) || !ncnn_flag(importer, 11, &deep))
        return false;
    for (int key = 0; key < 3; key++) {
        bool named;
        if (!ncnn_flag(importer, key, &named))
            return false;
        if (named && key < rank)
            axes[key == 2 ? 0 : rank - 1 - key] = true;
    }
    for (size_t i = 0; i < list.count; i++) {
        int64_t axis = list.items[i] < 0 ? list.items[i] + rank : list.items[i];
        if (axis < 0 || axis >= rank)
            return node_fault(importer, NULL,
                "the axis %" PRId64 " lies outside of a blob of %d dimensions", list.items[i],
                rank);
        axes[axis] = true;
    }
    return true;
}

bool ncnn_import_squeeze(Importer *importer) {
    Symbol *symbol;
    bool axes[MODEL_MAX_RANK];
    if (!tensor_operand(importer, 0, &symbol) || !read_axes(importer, symbol->shape.rank - 1, axes))
        return false;
    Shape shape = {.rank = 1, .dims = {1}};
    for (int i = 1; i < symbol->shape.rank; i++)
        if (!axes[i - 1] || symbol->shape.dims[i] != 1)
            shape.dims[shape.rank++] = symbol->shape.dims[i];
    if (shape.rank == 1)
        shape.dims[shape.rank++] = 1;
    return ncnn_set(importer, view_reshape(importer, symbol, &shape));
}

bool ncnn_import_expand_dims(Importer *importer) {
    Symbol *symbol;
    bool axes[MODEL_MAX_RANK];
    IntegerList list;
    if (!tensor_operand(importer, 0, &symbol) || !ncnn_integers(importer, 3, &list))
        return false;
    int added = (int)(list.count < 3 ? list.count : 3);
    for (int key = 0; key < 3; key++) {
        bool named;
        if (!ncnn_flag(importer, key, &named))
            return false;
        added += named;
    }
    int rank = symbol->shape.rank - 1 + added;
    if (rank > 3)
        return node_fault(importer, NULL, "its result would have %d dimensions", rank);
    if (!read_axes(importer, rank, axes))
        return false;
    Shape shape = {.rank = rank + 1, .dims = {1}};
    int at = 1;
    for (int i = 0; i < rank; i++) {
        bool taken = !axes[i] && at < symbol->shape.rank;
        shape.dims[i + 1] = taken ? symbol->shape.dims[at++] : 1;
    }
    return ncnn_set(importer, view_reshape(importer, symbol, &shape));
}

/* ---- depth and space ---- */

static bool read_block(Importer *importer, Symbol **symbol, int64_t *block, bool *outer) {
    if (!tensor_operand(importer, 0, symbol) || !ncnn_integer(importer, 0, 1, block) ||
        !ncnn_flag(importer, 1, outer))
        return false;
    return ((*symbol)->shape.rank == 4 && *block >= 1 && *block <= 1 << 10) ||
           node_fault(importer, NULL, "blocks of %" PRId64 " in %s are none", *block,
               shape_spelling(importer->arena, &(*symbol)->shape));
}

bool ncnn_import_pixel_shuffle(Importer *importer) {
    Symbol *symbol;
    int64_t block;
    bool outer; /* the place in the block is the slower of the two in the channels */
    if (!read_block(importer, &symbol, &block, &outer))
        return false;
    const int64_t *d = symbol->shape.dims;
    int64_t channels = d[1] / block / block;
    if (channels * block * block != d[1])
        return node_fault(importer, NULL, "blocks of %" PRId64 " do not divide the channels of %s",
            block, shape_spelling(importer->arena, &symbol->shape));
    Shape result = {.rank = 4, .dims = {1, channels, d[2] * block, d[3] * block}};
    Shape seen = {.rank = 6, .dims = {1, channels, block, block, d[2], d[3]}};
    if (outer)
        seen = (Shape){.rank = 6, .dims = {1, block, block, channels, d[2], d[3]}};
    return set_arranged(importer, symbol, &seen,
        outer ? (int[]){0, 3, 4, 1, 5, 2} : (int[]){0, 1, 4, 2, 5, 3}, &result);
}

bool ncnn_import_reorg(Importer *importer) {
    Symbol *symbol;
    int64_t block;
    bool outer;
    if (!read_block(importer, &symbol, &block, &outer))
        return false;
    const int64_t *d = symbol->shape.dims;
    if (d[2] % block != 0 || d[3] % block != 0)
        return node_fault(importer, NULL, "blocks of %" PRId64 " do not cover %s", block,
            shape_spelling(importer->arena, &symbol->shape));
    Shape seen = {.rank = 6, .dims = {1, d[1], d[2] / block, block, d[3] / block, block}};
    Shape result = {.rank = 4, .dims = {1, d[1] * block * block, d[2] / block, d[3] / block}};
    return set_arranged(importer, symbol, &seen,
        outer ? (int[]){0, 3, 5, 1, 2, 4} : (int[]){0, 1, 3, 5, 2, 4}, &result);
}
