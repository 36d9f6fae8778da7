/* An ncnn model to mutate: the text, a byte 0, and the weights. */
#ifndef RIFFLE_TESTS_FUZZ_NCNN_SEED_H
#define RIFFLE_TESTS_FUZZ_NCNN_SEED_H

#include "ir/text.h"

void ncnn_seed(Text *seed);

#endif
