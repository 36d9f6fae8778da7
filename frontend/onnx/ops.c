/* The table of ONNX ops, for those who look one up. */
#include "frontend/onnx/importer.h"

#include <string.h>

static const OnnxOp table[] = {
#define ONNX_OP(name, function, operands, folds, attributes)                                       \
    {#name, import_##function, operands, attributes, folds},
#include "frontend/onnx/ops.def"
};

enum { OP_ROWS = sizeof table / sizeof *table };

const OnnxOp *onnx_op_find(const char *name) {
    for (size_t i = 0; i < OP_ROWS; i++)
        if (strcmp(table[i].name, name) == 0)
            return &table[i];
    return NULL;
}

const char *onnx_op_closest(const char *name) {
    const char *names[OP_ROWS];
    for (size_t i = 0; i < OP_ROWS; i++)
        names[i] = table[i].name;
    const char *closest = closest_word(name, names, OP_ROWS);
    return closest != NULL && *closest == *name ? closest
                                                : NULL; /* no Transpose for ConvTranspose */
}
