/* The order of the model's nodes. */
#ifndef RIFFLE_FRONTEND_IMPORT_ORDER_H
#define RIFFLE_FRONTEND_IMPORT_ORDER_H

#include "frontend/import/importer.h"

/* The importer's nodes, each after those whose results it reads. The map of symbols holds inputs
 * and initializers. NULL after reporting a circle or names that are taken. */
const ModelNode *const *node_order(Importer *importer);

#endif
