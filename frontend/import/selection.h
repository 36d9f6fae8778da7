/* The part of the model that is imported. */
#ifndef RIFFLE_FRONTEND_IMPORT_SELECTION_H
#define RIFFLE_FRONTEND_IMPORT_SELECTION_H

#include "frontend/import/importer.h"

/* Sets the importer's outputs, its nodes in the file's order, and who uses what of them. False
 * after reporting names that are not there. */
bool select_nodes(Importer *importer);

#endif
