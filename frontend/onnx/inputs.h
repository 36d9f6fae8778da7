/* The constants and the inputs of the model. */
#ifndef RIFFLE_FRONTEND_ONNX_INPUTS_H
#define RIFFLE_FRONTEND_ONNX_INPUTS_H

#include "frontend/onnx/importer.h"

/* Symbols for the initializers and inputs that the nodes to be imported read. */
void add_initializers(Importer *importer);
void add_inputs(Importer *importer);

#endif
