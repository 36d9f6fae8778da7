/* An ONNX model to mutate. */
#ifndef RIFFLE_TESTS_FUZZ_ONNX_SEED_H
#define RIFFLE_TESTS_FUZZ_ONNX_SEED_H

#include "ir/text.h"

/* Appends a small model that can be imported. */
void onnx_seed(Text *seed);

#endif
