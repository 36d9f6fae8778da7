/* Resize and Upsample. By the nearest, each index along an axis is one of the operand's: what
 * repeats or steps regularly becomes rearrange or slice. All else over height and width is a
 * resize. */
#include "frontend/onnx/importer.h"
#include "ir/sampling.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct ResizeRule {
    ResizeMode mode;
    ResizeCoordinates coordinates;
    ResizeRounding rounding;
    bool antialias;
    const char *policy; /* of the aspect ratio */
} ResizeRule;

/* ---- attributes ---- */

/* The index of the word among those of the op's attribute; -1. */
static int find_word(const char *attribute, const char *word) {
    const char *const *words = choice_words(attribute);
    int index = 0;
    while (words[index] != NULL && strcmp(words[index], word) != 0)
        index++;
    return words[index] == NULL ? -1 : index;
}

static bool read_mode(Importer *importer, ResizeRule *rule) {
    const char *mode;
    bool exclude;
    if (!attribute_string(importer, "mode", &mode) ||
        !attribute_flag(importer, "antialias", false, &rule->antialias) ||
        !attribute_flag(importer, "exclude_outside", false, &exclude))
        return false;
    bool linear = strcmp(mode, "linear") == 0 || strcmp(mode, "bilinear") == 0;
    rule->mode = linear ? RESIZE_LINEAR : RESIZE_NEAREST;
    return linear || *mode == '\0' || strcmp(mode, "nearest") == 0 ||
           node_fault(importer, NULL, "the mode '%.40s' is not known to riffle", mode);
}

static bool read_rule(Importer *importer, ResizeRule *rule) {
    bool early = strcmp(importer->node->op_type, "Upsample") == 0 || importer->opset < 11;
    const char *coordinates, *rounding;
    if (!read_mode(importer, rule) ||
        !attribute_string(importer, "coordinate_transformation_mode", &coordinates) ||
        !attribute_string(importer, "nearest_mode", &rounding) ||
        !attribute_string(importer, "keep_aspect_ratio_policy", &rule->policy))
        return false;
    if (*rule->policy != '\0' && strcmp(rule->policy, "stretch") != 0 &&
        strcmp(rule->policy, "not_larger") != 0 && strcmp(rule->policy, "not_smaller") != 0)
        return node_fault(
            importer, NULL, "the aspect ratio policy '%.40s' is not known to riffle", rule->policy);
    if (*coordinates == '\0')
        coordinates = early ? "asymmetric" : "half_pixel";
    if (*rounding == '\0')
        rounding = early ? "floor" : "round_prefer_floor";
    int place = find_word("coordinates", coordinates), round = find_word("rounding", rounding);
    if (place < 0)
        return node_fault(
            importer, NULL, "the coordinates '%.40s' are not known to riffle", coordinates);
    if (round < 0)
        return node_fault(
            importer, NULL, "the nearest_mode '%.40s' is not known to riffle", rounding);
    rule->coordinates = (ResizeCoordinates)place;
    rule->rounding = (ResizeRounding)round;
    return true;
}

/* ---- sizes ---- */

/* Of each axis of the operand. */
typedef struct ResizeSizes {
    int64_t sizes[ONNX_MAX_RANK];
    float scales[ONNX_MAX_RANK];
} ResizeSizes;

/* Scales, or none. */
static bool read_scales(Importer *importer, const float **floats, int64_t *count) {
    bool upsample = strcmp(importer->node->op_type, "Upsample") == 0;
    size_t index = upsample || importer->opset < 11 ? 1 : 2;
    Symbol *symbol = NULL;
    *count = 0;
    *floats = NULL;
    if (!has_operand(importer, index))
        return true;
    if (!constant_operand(importer, index, "scales", &symbol))
        return false;
    *count = shape_elements(&symbol->shape);
    *floats = symbol->floats;
    return *count == 0 || symbol->floats != NULL ||
           node_fault(importer, NULL, "its scales are no numbers with a fraction");
}

static bool set_size(
    Importer *importer, const Shape *shape, int axis, double to, float scale, ResizeSizes *resize) {
    if (!(to >= 1 && to <= 1 << 20))
        return node_fault(importer, NULL, "dimension %d of %s would have a size of %g", axis,
            shape_spelling(importer->arena, shape), to);
    resize->sizes[axis] = (int64_t)to;
    resize->scales[axis] = scale;
    return true;
}

/* One scale for all axes, the smallest or largest that the sizes ask for; 0: each its own. */
static float common_scale(
    const ResizeRule *rule, const Shape *shape, IntegerList sizes, const int *axes) {
    if (*rule->policy == '\0' || strcmp(rule->policy, "stretch") == 0)
        return 0;
    bool smallest = strcmp(rule->policy, "not_larger") == 0;
    float common = 0;
    for (size_t i = 0; i < sizes.count; i++) {
        float scale = (float)sizes.items[i] / (float)shape->dims[axes[i]];
        if (i == 0 || (smallest ? scale < common : scale > common))
            common = scale;
    }
    return common;
}

/* Which axes sizes or scales are for. */
static bool read_axes(Importer *importer, int rank, int axes[ONNX_MAX_RANK], int64_t *count) {
    IntegerList list;
    if (!attribute_integers(importer, "axes", &list))
        return false;
    *count = list.count > 0 ? (int64_t)list.count : rank;
    if (*count > rank)
        return node_fault(
            importer, NULL, "it has %lld axes for %d dimensions", (long long)*count, rank);
    for (int64_t i = 0; i < *count; i++) {
        axes[i] = (int)i;
        if (list.count > 0 && !resolve_axis(importer, list.items[i], rank, &axes[i]))
            return false;
    }
    return true;
}

static bool read_sizes(
    Importer *importer, const ResizeRule *rule, const Shape *shape, ResizeSizes *resize) {
    const float *scales;
    int64_t scale_count, count;
    int axes[ONNX_MAX_RANK];
    IntegerList sizes = {0};
    bool upsample = strcmp(importer->node->op_type, "Upsample") == 0;
    if (!read_scales(importer, &scales, &scale_count) ||
        !read_axes(importer, shape->rank, axes, &count))
        return false;
    if (!upsample && has_operand(importer, 3) && !integers_operand(importer, 3, "sizes", &sizes))
        return false;
    if ((scale_count == 0) == (sizes.count == 0) ||
        (scale_count != 0 ? scale_count : (int64_t)sizes.count) != count)
        return node_fault(importer, NULL, "it has %lld scales and %zu sizes for %lld dimensions",
            (long long)scale_count, sizes.count, (long long)count);
    for (int i = 0; i < shape->rank; i++) {
        resize->sizes[i] = shape->dims[i];
        resize->scales[i] = 1;
    }
    float common = common_scale(rule, shape, sizes, axes);
    for (int64_t i = 0; i < count; i++) {
        float from = (float)shape->dims[axes[i]];
        float scale = scale_count != 0 ? scales[i]
                      : common > 0     ? common
                                       : (float)sizes.items[i] / from;
        double to = scale_count != 0 ? (double)floorf(from * scale) /* in float, as others do */
                    : common > 0     ? (double)roundf(common * from)
                                     : (double)sizes.items[i];
        if (!set_size(importer, shape, axes[i], to, scale, resize))
            return false;
    }
    return true;
}

/* ---- what becomes of it ---- */

/* A sample for each index of the axis; NULL after reporting that they are too many. */
static Sample *axis_samples(Importer *importer, const ResizeRule *rule, const Shape *shape,
    const ResizeSizes *resize, int axis) {
    int64_t to = resize->sizes[axis];
    const SampleRule sampling = {rule->mode, rule->coordinates, rule->rounding, shape->dims[axis],
        to, (double)resize->scales[axis]};
    if (!spend_elements(importer, &(Shape){.rank = 1, .dims = {to}}))
        return NULL;
    Sample *samples = ARENA_ARRAY(importer->arena, Sample, to);
    for (int64_t i = 0; i < to; i++)
        samples[i] = resize_sample(&sampling, i);
    return samples;
}

/* Whether the indices are at equal distances, forwards. */
static bool are_steps(const int64_t *list, int64_t count) {
    for (int64_t i = 1; i < count; i++)
        if (list[i] <= list[i - 1] || list[i] - list[i - 1] != list[1] - list[0])
            return false;
    return true;
}

static Symbol *take_all(
    Importer *importer, Symbol *symbol, int64_t *const *lists, const ResizeSizes *resize) {
    int rank = symbol->shape.rank;
    for (int i = 0; symbol != NULL && i < rank; i++)
        symbol = view_take(importer, symbol, i, lists[i], resize->sizes[i], false);
    return symbol;
}

/* By the nearest, where each axis only repeats, or only steps. Sets *done where it is so. */
static Symbol *move_indices(Importer *importer, Symbol *symbol, Sample *const *samples,
    const ResizeSizes *resize, bool any, bool *done) {
    int64_t *lists[ONNX_MAX_RANK], times[ONNX_MAX_RANK];
    bool repeats = true, steps = true;
    for (int i = 0; i < symbol->shape.rank; i++) {
        int64_t count = resize->sizes[i];
        lists[i] = ARENA_ARRAY(importer->arena, int64_t, count);
        for (int64_t k = 0; k < count; k++)
            lists[i][k] = samples[i][k].first;
        times[i] = times_of(lists[i], count, symbol->shape.dims[i]);
        repeats = repeats && times[i] > 0;
        steps = steps && are_steps(lists[i], count);
    }
    *done = repeats || steps || any;
    if (repeats)
        return arrange_repeat(importer, symbol, times);
    return *done ? take_all(importer, symbol, lists, resize) : NULL;
}

static void set_scale(Node *node, const char *name, float scale, int64_t from, int64_t to) {
    if (scale == (float)to / (float)from)
        return;
    Text text = {0};
    text_append_float(&text, scale);
    node_attribute(node, name)->number = strtod(text.data, NULL);
    text_free(&text);
}

/* Dimensions `first` and the one behind it, of a symbol of four dimensions, are height and width.
 */
static Symbol *resize_space(Importer *importer, Symbol *symbol, const ResizeRule *rule,
    const ResizeSizes *resize, int first) {
    Value *value = symbol_value(importer, symbol);
    if (value == NULL)
        return NULL;
    Node *node = begin_node(importer, OP_resize, "", &value, 1);
    const int64_t *size = &resize->sizes[first], *from = value->type.dims + 2;
    node_set_list(importer->graph, node, "size", size, 2);
    node_set_integer(node, "mode", rule->mode);
    node_set_integer(node, "coordinates", rule->coordinates);
    if (rule->mode == RESIZE_NEAREST)
        node_set_integer(node, "rounding", rule->rounding);
    set_scale(node, "row_scale", resize->scales[first], from[0], size[0]);
    set_scale(node, "column_scale", resize->scales[first + 1], from[1], size[1]);
    return finish_node(importer, node) ? symbol_of_value(importer, node->results[0]) : NULL;
}

/* Two dimensions beside each other that hold all that change; -1 where there are none. */
static int find_space(Sample *const *samples, const Shape *shape, const ResizeSizes *resize) {
    int first = -1, last = -1;
    for (int i = 0; i < shape->rank; i++)
        if (!samples_are_identity(samples[i], resize->sizes[i], shape->dims[i])) {
            first = first < 0 ? i : first;
            last = i;
        }
    if (first < 0 || last > first + 1)
        return -1;
    return last == shape->rank - 1 && first > 0 ? last - 1 : first;
}

/* As [n,c,h,w] and back: dimensions before become one, and what stands behind goes before. */
static Symbol *resize_anywhere(Importer *importer, Symbol *symbol, const ResizeRule *rule,
    const ResizeSizes *resize, int first) {
    Shape shape = symbol->shape, four = {.rank = 4, .dims = {1, 1, 1, 1}};
    bool alone = first + 1 == shape.rank; /* there is no other: as columns */
    for (int i = 0; i < shape.rank; i++) {
        int place = i < first ? 0 : i > first + 1 ? 3 : i - first + 1 + alone;
        four.dims[place] *= shape.dims[i];
    }
    bool behind = first + 2 < shape.rank; /* [before,h,w,behind] */
    if (!behind)
        four = (Shape){.rank = 4, .dims = {1, four.dims[0], four.dims[1], four.dims[2]}};
    if (shape.rank == 4 && first == 2)
        four = shape;
    symbol = view_reshape(importer, symbol, &four);
    if (symbol != NULL && behind)
        symbol = view_transpose(importer, symbol, (int[]){0, 3, 1, 2});
    symbol = symbol == NULL ? NULL : resize_space(importer, symbol, rule, resize, first);
    if (symbol != NULL && behind)
        symbol = view_transpose(importer, symbol, (int[]){0, 2, 3, 1});
    for (int i = 0; i < shape.rank; i++)
        shape.dims[i] = resize->sizes[i];
    return symbol == NULL ? NULL : view_reshape(importer, symbol, &shape);
}

/* An axis that shrinks would be smoothed. */
static bool check_antialias(
    Importer *importer, const ResizeRule *rule, const Shape *shape, const ResizeSizes *resize) {
    bool shrinks = false;
    for (int i = 0; i < shape->rank; i++)
        shrinks = shrinks || resize->scales[i] < 1;
    return !rule->antialias || !shrinks ||
           node_fault(importer, NULL, "antialias is not known to riffle");
}

bool import_resize(Importer *importer) {
    Symbol *symbol;
    ResizeRule rule;
    ResizeSizes resize;
    if (!tensor_operand(importer, 0, &symbol) || !read_rule(importer, &rule) ||
        !read_sizes(importer, &rule, &symbol->shape, &resize) ||
        !check_antialias(importer, &rule, &symbol->shape, &resize))
        return false;
    Sample *samples[ONNX_MAX_RANK];
    bool single = true, done = false;
    for (int i = 0; i < symbol->shape.rank; i++) {
        samples[i] = axis_samples(importer, &rule, &symbol->shape, &resize, i);
        if (samples[i] == NULL)
            return false;
        single = single && samples_are_single(samples[i], resize.sizes[i]);
    }
    int first = find_space(samples, &symbol->shape, &resize);
    Symbol *result = NULL;
    if (single)
        result = move_indices(importer, symbol, samples, &resize, first < 0, &done);
    if (!done && first < 0)
        return node_fault(importer, NULL,
            "it interpolates along dimensions of %s that are not beside each other",
            shape_spelling(importer->arena, &symbol->shape));
    if (!done)
        result = resize_anywhere(importer, symbol, &rule, &resize, first);
    return result != NULL && set_result(importer, result);
}
