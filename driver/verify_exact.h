/* riffle verify --exact: kernels against the graph, on residues. */
#ifndef RIFFLE_DRIVER_VERIFY_EXACT_H
#define RIFFLE_DRIVER_VERIFY_EXACT_H

#include "driver/model.h"

/* Proves that the program computes what the graph that it was lowered from does: draws so many
 * times, from seeds that follow each other, and prints what was proved. False after reporting. */
bool verify_exact(const ModelOptions *options, const Graph *graph, const CompiledModel *compiled,
    int64_t count, int64_t seed);

#endif
