/* Measures which choices of the lowering are best for a network on this machine. */
#ifndef RIFFLE_DRIVER_TUNE_H
#define RIFFLE_DRIVER_TUNE_H

#include "backends/backends.h"
#include "backends/schedule/tuning.h"
#include "driver/model.h"

typedef struct TuneOptions {
    double seconds; /* of timing in each of the comparisons */
    int candidates; /* tiles to try for each shape of layer, the model's included */
} TuneOptions;

typedef struct TuneReport {
    Tuning *tuning;
    double model_seconds, tuned_seconds; /* of a run: the sum of its steps */
    int tried;                           /* forms of the network that were compiled */
    int changed_tiles;                   /* shapes of layers with another tile than the model's */
} TuneReport;

/* The model must have been compiled for this machine. False after reporting. */
bool tune(const ModelOptions *model, const CompiledModel *compiled, const TuneOptions *options,
    TuneReport *report);

#endif
