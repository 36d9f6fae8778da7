/* What torch.save writes, to mutate. */
#ifndef RIFFLE_TESTS_FUZZ_TORCH_SEEDS_H
#define RIFFLE_TESTS_FUZZ_TORCH_SEEDS_H

#include "ir/text.h"

/* The weights of weighted_graph in both formats of PyTorch, of all types that are read. Returns
 * how many. */
int torch_seeds(Text *seeds, int most);

#endif
