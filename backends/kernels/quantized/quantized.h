/* From floats to bytes, and what code for bytes needs. */
#ifndef RIFFLE_BACKENDS_KERNELS_QUANTIZED_QUANTIZED_H
#define RIFFLE_BACKENDS_KERNELS_QUANTIZED_QUANTIZED_H

#include "backends/program/emission.h"
#include "ir/graph.h"

/* check.c: false after reporting that there is no code for a node of bytes; true for all others. */
bool check_bytes(Emission *emission, const Node *node);

bool lower_quantize(Emission *emission, const Node *node); /* quantize.c */

#endif
