/* Where the time of a compiled network goes, step by step. */
#ifndef RIFFLE_DRIVER_PROFILE_H
#define RIFFLE_DRIVER_PROFILE_H

#include "driver/model.h"
#include "driver/samples.h"
#include "driver/tensors.h"

typedef struct ProfileOptions {
    double seconds; /* to measure for */
    int64_t runs;   /* not 0: so many profiled runs instead */
    int threads;
    const Runner *runner; /* or NULL */
    bool json;
} ProfileOptions;

/* Measures with the tensors' inputs and prints tables, or JSON. `pool` is NULL for one thread.
 * False after reporting. */
bool profile(const CompiledModel *compiled, const LoadedModel *loaded, Tensors *tensors,
    riffle_pool *pool, const ProfileOptions *options, Session *session);

/* ---- inside: profile.c measures, profile_report.c prints ---- */

/* What a step does, as figure 2 of the ShuffleNet V2 paper sorts it. */
typedef enum StepKind {
    STEP_POINTWISE,
    STEP_DEPTHWISE,
    STEP_CONVOLUTION, /* any other */
    STEP_CHAIN,       /* several layers, row by row */
    STEP_POOLING,
    STEP_LINEAR,
    STEP_ELEMENTWISE,
    STEP_LAYOUT, /* a copy */
    STEP_KIND_COUNT
} StepKind;

typedef struct ProfiledStep {
    StepSummary step;
    StepKind kind;
    double median_seconds, p5_seconds;
} ProfiledStep;

typedef struct Profile {
    const char *network, *target, *runner; /* runner: its command, or NULL */
    int threads;
    int64_t runs;
    double peak_gflops, memory_gbytes;
    double run_median_seconds; /* of whole runs that nobody looked into */
    ProfiledStep *steps;
    int step_count;
} Profile;

void profile_print(const Profile *profile, Text *text);
void profile_print_json(const Profile *profile, Text *text);

#endif
