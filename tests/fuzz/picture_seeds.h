/* Pictures to mutate. */
#ifndef RIFFLE_TESTS_FUZZ_PICTURE_SEEDS_H
#define RIFFLE_TESTS_FUZZ_PICTURE_SEEDS_H

#include "ir/text.h"

/* Small pictures as PNG and JPEG, of colours, gray and with alpha. Returns how many. */
int picture_seeds(Text *seeds, int most);

#endif
