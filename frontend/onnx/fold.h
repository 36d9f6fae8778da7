/* What the files that compute constants share. */
#ifndef RIFFLE_FRONTEND_ONNX_FOLD_H
#define RIFFLE_FRONTEND_ONNX_FOLD_H

#include "frontend/onnx/importer.h"

/* A result of which element i is element from[i] of the constant. */
Symbol *fold_pick(
    Importer *importer, const Symbol *symbol, const Shape *shape, const int64_t *from);
/* The steps of a tensor that lies densely. */
void fold_steps(const Shape *shape, int64_t *steps);

/* Each computes the current node, whose operands are constants (fold_arithmetic.c). False after
 * reporting. */
bool fold_elements(Importer *importer); /* two operands, element by element */
bool fold_where(Importer *importer);
bool fold_range(Importer *importer);
bool fold_rounded(Importer *importer);
bool fold_product(Importer *importer); /* of all elements */

#endif
