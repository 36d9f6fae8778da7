/* Resize and Upsample, by the nearest: each index along an axis is one of the operand's. */
#include "frontend/onnx/importer.h"

#include <math.h>
#include <string.h>

typedef struct ResizeRule {
    const char *coordinates, *rounding;
} ResizeRule;

/* Where index `at` of the result lies in the operand: the formulas of the standard, in float as
 * ONNX Runtime computes them. */
static float source_coordinate(
    const char *coordinates, int64_t at, int64_t from, int64_t to, float scale) {
    float x = (float)at;
    if (strcmp(coordinates, "asymmetric") == 0)
        return x / scale;
    if (strcmp(coordinates, "align_corners") == 0)
        return to == 1 ? 0 : x * (float)(from - 1) / (float)(to - 1);
    if (strcmp(coordinates, "tf_half_pixel_for_nn") == 0)
        return (x + 0.5f) / scale;
    if (strcmp(coordinates, "pytorch_half_pixel") == 0 && to == 1)
        return 0;
    float middle = 0;
    if (strcmp(coordinates, "half_pixel_symmetric") == 0)
        middle = (float)from / 2 * (1 - (float)to / (scale * (float)from));
    return middle + (x + 0.5f) / scale - 0.5f;
}

static float round_coordinate(const char *rounding, float x) {
    if (strcmp(rounding, "floor") == 0)
        return floorf(x);
    if (strcmp(rounding, "ceil") == 0)
        return ceilf(x);
    if (strcmp(rounding, "round_prefer_ceil") == 0)
        return floorf(x + 0.5f);
    return ceilf(x - 0.5f); /* round_prefer_floor */
}

/* The index of the operand that each of the result is; NULL after reporting that they are too many.
 */
static int64_t *source_indices(
    Importer *importer, const ResizeRule *rule, int64_t from, int64_t to, float scale) {
    if (!spend_elements(importer, &(Shape){.rank = 1, .dims = {to}}))
        return NULL;
    int64_t *list = ARENA_ARRAY(importer->arena, int64_t, to);
    for (int64_t i = 0; i < to; i++) {
        float x = source_coordinate(rule->coordinates, i, from, to, scale);
        x = round_coordinate(rule->rounding, x);
        list[i] = x<0 ? 0 : x>(float)(from - 1) ? from - 1 : (int64_t)x;
    }
    return list;
}

/* Sizes or scales for each axis of the operand; 0 and 1 where the other is given. */
typedef struct ResizeSizes {
    int64_t sizes[ONNX_MAX_RANK];
    float scales[ONNX_MAX_RANK];
} ResizeSizes;

static bool read_floats(Importer *importer, size_t index, const float **floats, int64_t *count) {
    Symbol *symbol = NULL;
    *count = 0;
    if (!has_operand(importer, index))
        return true;
    if (!constant_operand(importer, index, "scales", &symbol))
        return false;
    *count = shape_elements(&symbol->shape);
    *floats = symbol->floats;
    if (*count > 0 && symbol->floats == NULL)
        return node_fault(importer, NULL, "its scales are no numbers with a fraction");
    return true;
}

static bool read_sizes(Importer *importer, const Symbol *symbol, ResizeSizes *resize) {
    bool upsample = strcmp(importer->node->op_type, "Upsample") == 0;
    int rank = symbol->shape.rank;
    const float *scales = NULL;
    int64_t scale_count;
    IntegerList sizes = {0}, axes;
    size_t at = upsample || importer->opset < 11 ? 1 : 2;
    if (!read_floats(importer, at, &scales, &scale_count) ||
        !attribute_integers(importer, "axes", &axes))
        return false;
    if (!upsample && has_operand(importer, 3) && !integers_operand(importer, 3, "sizes", &sizes))
        return false;
    int64_t count = axes.count > 0 ? (int64_t)axes.count : rank;
    if ((scale_count == 0) == (sizes.count == 0) ||
        (scale_count != 0 ? scale_count : (int64_t)sizes.count) != count)
        return node_fault(importer, NULL, "it has %lld scales and %zu sizes for %lld dimensions",
            (long long)scale_count, sizes.count, (long long)count);
    for (int i = 0; i < rank; i++) {
        resize->sizes[i] = symbol->shape.dims[i];
        resize->scales[i] = 1;
    }
    for (int64_t i = 0; i < count; i++) {
        int axis = (int)i;
        if (axes.count > 0 && !resolve_axis(importer, axes.items[i], rank, &axis))
            return false;
        double from = (double)symbol->shape.dims[axis];
        double to = scales != NULL ? floor(from * (double)scales[i]) : (double)sizes.items[i];
        if (!(to >= 1 && to <= 1 << 20))
            return node_fault(importer, NULL, "dimension %d of %s would have a size of %g", axis,
                shape_spelling(importer->arena, &symbol->shape), to);
        resize->sizes[axis] = (int64_t)to;
        resize->scales[axis] = scales != NULL ? scales[i] : (float)(to / from);
    }
    return true;
}

static bool is_one_of(const char *word, const char *const *words) {
    while (*words != NULL && strcmp(*words, word) != 0)
        words++;
    return *words != NULL;
}

static bool read_rule(Importer *importer, ResizeRule *rule) {
    static const char *const coordinates[] = {"half_pixel", "half_pixel_symmetric",
        "pytorch_half_pixel", "align_corners", "asymmetric", "tf_half_pixel_for_nn", NULL};
    static const char *const roundings[] = {
        "round_prefer_floor", "round_prefer_ceil", "floor", "ceil", NULL};
    bool early = strcmp(importer->node->op_type, "Upsample") == 0 || importer->opset < 11;
    const char *mode, *policy;
    if (!attribute_string(importer, "mode", &mode) ||
        !attribute_string(importer, "coordinate_transformation_mode", &rule->coordinates) ||
        !attribute_string(importer, "nearest_mode", &rule->rounding) ||
        !attribute_string(importer, "keep_aspect_ratio_policy", &policy))
        return false;
    if (*mode != '\0' && strcmp(mode, "nearest") != 0)
        return node_fault(importer, NULL, "the mode '%.40s' is not known to riffle", mode);
    if (*policy != '\0' && strcmp(policy, "stretch") != 0)
        return node_fault(importer, NULL, "it keeps the aspect ratio: '%.40s'", policy);
    if (*rule->coordinates == '\0')
        rule->coordinates = early ? "asymmetric" : "half_pixel";
    if (*rule->rounding == '\0')
        rule->rounding = early ? "floor" : "round_prefer_floor";
    if (!is_one_of(rule->coordinates, coordinates))
        return node_fault(
            importer, NULL, "the coordinates '%.40s' are not known to riffle", rule->coordinates);
    return is_one_of(rule->rounding, roundings) ||
           node_fault(
               importer, NULL, "the nearest_mode '%.40s' is not known to riffle", rule->rounding);
}

bool import_resize(Importer *importer) {
    Symbol *symbol;
    ResizeRule rule;
    ResizeSizes resize;
    if (!tensor_operand(importer, 0, &symbol) || !read_rule(importer, &rule) ||
        !read_sizes(importer, symbol, &resize))
        return false;
    int64_t *lists[ONNX_MAX_RANK];
    for (int i = 0; i < symbol->shape.rank; i++) {
        lists[i] = source_indices(
            importer, &rule, symbol->shape.dims[i], resize.sizes[i], resize.scales[i]);
        if (lists[i] == NULL)
            return false;
    }
    symbol = arrange_pick(importer, symbol, lists, resize.sizes);
    return symbol != NULL && set_result(importer, symbol);
}

/* ---- depth and space ---- */

/* [n,c,h,w] as six dimensions, in another order, as [n,c,h,w] again. */
static bool set_arranged(Importer *importer, const Symbol *symbol, const int64_t *six,
    const int *order, const int64_t *four) {
    Shape shape = {.rank = 6}, result = {.rank = 4};
    memcpy(shape.dims, six, 6 * sizeof *six);
    memcpy(result.dims, four, 4 * sizeof *four);
    Symbol *seen = view_reshape(importer, symbol, &shape);
    seen = seen == NULL ? NULL : view_transpose(importer, seen, order);
    seen = seen == NULL ? NULL : view_reshape(importer, seen, &result);
    return seen != NULL && set_result(importer, seen);
}

static bool read_block(Importer *importer, Symbol **symbol, int64_t *block) {
    if (!tensor_operand(importer, 0, symbol) || !attribute_integer(importer, "blocksize", 0, block))
        return false;
    if ((*symbol)->shape.rank != 4 || *block < 1 || *block > 1 << 10)
        return node_fault(importer, NULL, "blocks of %lld in %s are none", (long long)*block,
            shape_spelling(importer->arena, &(*symbol)->shape));
    return true;
}

bool import_depth_to_space(Importer *importer) {
    Symbol *symbol;
    int64_t block;
    const char *mode;
    if (!read_block(importer, &symbol, &block) || !attribute_string(importer, "mode", &mode))
        return false;
    const int64_t *d = symbol->shape.dims;
    bool columns_first = strcmp(mode, "CRD") == 0;
    if (d[1] % (block * block) != 0 ||
        (!columns_first && *mode != '\0' && strcmp(mode, "DCR") != 0))
        return node_fault(importer, NULL, "blocks of %lld, mode '%.20s', in %s are none",
            (long long)block, mode, shape_spelling(importer->arena, &symbol->shape));
    int64_t channels = d[1] / block / block;
    const int64_t result[] = {d[0], channels, d[2] * block, d[3] * block};
    return columns_first ? set_arranged(importer, symbol,
                               (int64_t[]){d[0], channels, block, block, d[2], d[3]},
                               (int[]){0, 1, 4, 2, 5, 3}, result)
                         : set_arranged(importer, symbol,
                               (int64_t[]){d[0], block, block, channels, d[2], d[3]},
                               (int[]){0, 3, 4, 1, 5, 2}, result);
}

bool import_space_to_depth(Importer *importer) {
    Symbol *symbol;
    int64_t block;
    if (!read_block(importer, &symbol, &block))
        return false;
    const int64_t *d = symbol->shape.dims;
    if (d[2] % block != 0 || d[3] % block != 0)
        return node_fault(importer, NULL, "blocks of %lld do not cover %s", (long long)block,
            shape_spelling(importer->arena, &symbol->shape));
    return set_arranged(importer, symbol,
        (int64_t[]){d[0], d[1], d[2] / block, block, d[3] / block, block},
        (int[]){0, 3, 5, 1, 2, 4},
        (int64_t[]){d[0], d[1] * block * block, d[2] / block, d[3] / block});
}
