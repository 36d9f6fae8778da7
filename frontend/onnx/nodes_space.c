/* DepthToSpace and SpaceToDepth. */
#include "frontend/onnx/importer.h"

#include <string.h>

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
