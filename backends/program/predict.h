/* How long the steps of a program should take on a core: an estimate, from its counted kernels and
 * the core's row of cores.def. docs/predicted_time.md says how, and how far it is off. */
#ifndef RIFFLE_BACKENDS_PROGRAM_PREDICT_H
#define RIFFLE_BACKENDS_PROGRAM_PREDICT_H

#include "backends/program/summary.h"
#include "backends/target/core.h"

/* What a step does most, of what its core can do in a cycle. */
typedef enum Bound {
    BOUND_MULTIPLY_ADDS,
    BOUND_VECTORS,
    BOUND_LOADS,
    BOUND_STORES,
    BOUND_INTEGERS,
    BOUND_ISSUE,
    BOUND_LATENCY,
    BOUND_MEMORY,
    BOUND_COUNT
} Bound;

const char *bound_name(Bound bound); /* "multiply-adds" */

typedef struct StepTime {
    double computing; /* cycles, when all data are in the first-level cache */
    double cycles;    /* with waiting for data */
    Bound bound;      /* what took longest */
} StepTime;

/* One for each step of the program, in the arena. `hertz` is the clock of the core. */
StepTime *program_predict(const Program *program, const Core *core, double hertz, Arena *arena);

#endif
