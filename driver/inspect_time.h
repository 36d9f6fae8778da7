/* How long a network should take on a processor: an estimate, from the kernels that would be
 * compiled for it. */
#ifndef RIFFLE_DRIVER_INSPECT_TIME_H
#define RIFFLE_DRIVER_INSPECT_TIME_H

#include "backends/backends.h"
#include "backends/output/json_writer.h"
#include "driver/model.h"
#include "ir/graph.h"

typedef struct PredictedTime {
    const char *processor;
    double hertz;
    const Program *program;
    const StepTime *steps; /* as many as the program has */
} PredictedTime;

/* "1.8GHz" or "1800MHz". False after reporting. */
bool clock_parse(Session *session, const char *text, double *hertz);

/* The model of the target's processor. NULL after reporting that there is none. */
const Core *time_core(const Target *target, Session *session);
/* Lowers a copy of the network as it is written, after the passes that the options ask for. The
 * result lives until predicted_time_close. False after reporting. */
bool time_predict(
    const Graph *graph, const ModelOptions *options, double hertz, PredictedTime *predicted);
void predicted_time_print(const PredictedTime *predicted, Text *text);
void predicted_time_write_json(const PredictedTime *predicted, JsonWriter *writer);
void predicted_time_close(PredictedTime *predicted); /* a zeroed one is allowed */

#endif
