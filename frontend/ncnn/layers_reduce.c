/* Layers that make one number of many: Reduction, and normalisations. */
#include "frontend/ncnn/window.h"
#include "ir/reduction.h"

#include <inttypes.h>
#include <string.h>

/* ---- Reduction ---- */

/* By ncnn's numbers; of a kind that is none, it is not known. */
static const ReduceOp reductions[] = {
    {OP_reduce, .kind = REDUCTION_sum},
    {OP_reduce, .kind = REDUCTION_l1},
    {OP_reduce, .kind = REDUCTION_sum_square},
    {OP_reduce, .kind = REDUCTION_mean},
    {OP_reduce, .kind = REDUCTION_max},
    {OP_reduce, .kind = REDUCTION_min},
    {OP_reduce, .kind = REDUCTION_COUNT}, /* a product */
    {OP_reduce, .kind = REDUCTION_l1},
    {OP_reduce, .kind = REDUCTION_l2},
    {OP_reduce, .kind = REDUCTION_sum, .logarithm = true},
    {OP_reduce, .kind = REDUCTION_sum, .logarithm = true, .exponentials = true},
};

/* The dimensions that become one. False after reporting. */
static bool read_reduced(Importer *importer, const Symbol *symbol, bool reduced[MODEL_MAX_RANK]) {
    int64_t all;
    IntegerList axes;
    if (!ncnn_integer(importer, 1, 1, &all) || !ncnn_integers(importer, 3, &axes))
        return false;
    for (int i = 1; i < symbol->shape.rank; i++)
        reduced[i] = all != 0 || axes.count == 0;
    for (size_t i = 0; all == 0 && i < axes.count; i++) {
        int axis;
        if (!ncnn_axis(importer, axes.items[i], symbol, &axis))
            return false;
        reduced[axis] = true;
    }
    return true;
}

/* Without the dimensions that were reduced; of all, one number. */
static Symbol *leave_out(Importer *importer, const Symbol *symbol, const bool *reduced) {
    Shape shape = {.rank = 1, .dims = {1}};
    for (int i = 1; i < symbol->shape.rank; i++)
        if (!reduced[i])
            shape.dims[shape.rank++] = symbol->shape.dims[i];
    if (shape.rank == 1)
        shape.dims[shape.rank++] = 1;
    return view_reshape(importer, symbol, &shape);
}

bool ncnn_import_reduction(Importer *importer) {
    Symbol *symbol;
    int64_t kind;
    double factor;
    bool keep, mended, reduced[MODEL_MAX_RANK] = {0};
    if (!tensor_operand(importer, 0, &symbol) || !ncnn_integer(importer, 0, 0, &kind) ||
        !ncnn_number(importer, 2, 1, &factor) || !ncnn_flag(importer, 4, &keep) ||
        !ncnn_flag(importer, 5, &mended) || !read_reduced(importer, symbol, reduced))
        return false;
    if (kind < 0 || kind >= (int64_t)(sizeof reductions / sizeof *reductions) ||
        reductions[kind].kind == REDUCTION_COUNT)
        return node_fault(importer, NULL, "riffle does not know its operation %" PRId64, kind);
    symbol = symbol_reduced(importer, symbol, reduced, &reductions[kind]);
    if (symbol != NULL)
        symbol = ncnn_scaled(importer, symbol, factor);
    if (symbol != NULL && !keep)
        symbol = leave_out(importer, symbol, reduced);
    return ncnn_set(importer, symbol);
}

/* ---- normalisations ---- */

/* Numbers of its own for each channel behind a normalisation, if `given`. */
static bool finish_normalised(Importer *importer, Value *value, int64_t channels, bool given) {
    const float *scale = NULL, *shift = NULL;
    if (value != NULL && given) {
        scale = ncnn_weight(importer, 0, channels);
        shift = scale == NULL ? NULL : ncnn_weight(importer, 1, channels);
        value = shift == NULL ? NULL : build_affine(importer, value, scale, shift);
    }
    return ncnn_set_image(importer, value, false);
}

static bool import_normalised(Importer *importer, int channels_key, int64_t groups) {
    int64_t channels, affine;
    double epsilon;
    Value *value = ncnn_image(importer);
    if (value == NULL || !ncnn_integer(importer, channels_key, 0, &channels) ||
        !ncnn_number(importer, channels_key + 1, (double)0.001f, &epsilon) ||
        !ncnn_integer(importer, channels_key + 2, 1, &affine))
        return false;
    int64_t own = value->type.dims[1];
    if ((affine != 0 && channels != own) || groups < 0 || (groups > 0 && own % groups != 0))
        return node_fault(importer, NULL,
            "it has numbers for %" PRId64 " channels, and its input has %" PRId64, channels, own);
    bool reduced[4] = {false, groups == 1, true, true};
    value = normalise_value(importer, value, reduced, groups > 1 ? groups : 0, epsilon);
    return finish_normalised(importer, value, channels, affine != 0);
}

bool ncnn_import_instance_norm(Importer *importer) {
    return import_normalised(importer, 0, 0);
}

bool ncnn_import_group_norm(Importer *importer) {
    int64_t groups;
    if (!ncnn_integer(importer, 0, 1, &groups))
        return false;
    if (groups < 1)
        return node_fault(importer, NULL, "it has %" PRId64 " groups", groups);
    return import_normalised(importer, 1, groups);
}

/* What the sum of squares becomes before it divides, by eps_mode. */
static const char *const eps_modes[] = {
    "x / sqrt(y + %s)", "x / maximum(sqrt(y), %s)", "x / sqrt(maximum(y, %s))"};

/* By the length of the vector of each pixel, each channel, or all; times numbers of its own. */
bool ncnn_import_normalize(Importer *importer) {
    bool space, shared, channels;
    int64_t count, mode;
    double epsilon;
    Value *value = ncnn_image(importer);
    if (value == NULL || !ncnn_flag(importer, 0, &space) || !ncnn_flag(importer, 1, &shared) ||
        !ncnn_number(importer, 2, 0.0001, &epsilon) || !ncnn_integer(importer, 3, 0, &count) ||
        !ncnn_flag(importer, 4, &channels) || !ncnn_integer(importer, 9, 0, &mode))
        return false;
    if (mode < 0 || mode > 2 || (!space && !channels))
        return node_fault(
            importer, NULL, "it is over nothing, or its eps_mode %" PRId64 " is none", mode);
    int64_t own = value->type.dims[1];
    if (count != (shared ? 1 : own))
        return node_fault(
            importer, NULL, "it has %" PRId64 " numbers for %" PRId64 " channels", count, own);
    bool reduced[4] = {false, channels, space, space};
    Value *squares = reduce_value(importer, value, REDUCTION_sum_square, reduced);
    Text number = {0};
    text_append_float(&number, (float)epsilon);
    const char *formula = arena_format(importer->arena, eps_modes[mode], number.data);
    text_free(&number);
    value = squares == NULL ? NULL : map_values(importer, value, squares, formula);
    const float *scale = value == NULL ? NULL : ncnn_weight(importer, 0, count);
    if (scale != NULL && shared)
        scale = repeat_number(importer, (double)*scale, own);
    return scale != NULL &&
           ncnn_set_image(importer, build_affine(importer, value, scale, NULL), false);
}
