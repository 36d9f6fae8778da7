/* The file as messages of protobuf. */
#ifndef RIFFLE_FRONTEND_ONNX_READ_H
#define RIFFLE_FRONTEND_ONNX_READ_H

#include "frontend/onnx/importer.h"

/* Unpacks the model into the importer's arena and checks what holds for all of it: names are UTF-8,
 * there is a graph, its version is one that is known. Sets the importer's model, state and opset.
 * False after reporting. */
bool onnx_model_read(Importer *importer);

#endif
