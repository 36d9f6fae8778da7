/* The parts of `riffle reduce`. */
#ifndef RIFFLE_DRIVER_REDUCE_H
#define RIFFLE_DRIVER_REDUCE_H

#include "driver/model.h"
#include "ir/signals.h"

typedef struct ReduceOptions {
    ModelOptions model;
    const char *test;   /* what the shell runs, or a file */
    const char *output; /* NULL: standard output */
    int64_t seconds;    /* that the test may take; 0: any number */
    int64_t attempts;   /* at most, after the first, which is of the graph as it is */
} ReduceOptions;

/* Makes the network small and writes what is left, also when one of the signals that the caller
 * holds came: *came, to be raised again. False after reporting. */
bool reduce_model(
    const ReduceOptions *options, const Model *model, const HeldSignals *signals, int *came);

#endif
