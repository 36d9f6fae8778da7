/* What each pass of a pipeline is good for: the network is compiled with each of them left out in
 * turn, and timed side by side with the whole pipeline. */
#ifndef RIFFLE_DRIVER_ABLATE_H
#define RIFFLE_DRIVER_ABLATE_H

#include "driver/model.h"
#include "driver/samples.h"

/* What is left out at a time: all runs of a pass, or one step of the pipeline. */
typedef enum AblationUnit { ABLATE_NOTHING, ABLATE_PASSES, ABLATE_STEPS } AblationUnit;

/* "passes" (also NULL) or "steps". False after reporting. */
bool ablation_unit_parse(Session *session, const char *text, AblationUnit *unit);

typedef struct AblateOptions {
    AblationUnit unit;
    double seconds; /* of timing, for each variant with the whole pipeline beside it */
    int64_t runs;   /* not 0: so many runs of both instead */
    int threads;
    bool json;
} AblateOptions;

/* Measures and prints a table, or JSON. The model needs weights of some kind. False after
 * reporting. */
bool ablate(const ModelOptions *model, const AblateOptions *options);

/* ---- inside: ablate.c measures, ablate_report.c prints ---- */

typedef enum VariantState {
    VARIANT_MEASURED,
    VARIANT_SAME,    /* the very same code: nothing to measure */
    VARIANT_REQUIRED /* there is no code without the pass */
} VariantState;

/* The network without a pass. */
typedef struct Variant {
    const char *without; /* name of the pass or the step */
    VariantState state;
    const char *reason; /* REQUIRED: the first error */
    int64_t bytes_moved, workspace_bytes, code_bytes;
    int kernel_count, step_count;
    double median_ms, p5_ms;           /* of this variant */
    double full_median_ms, full_p5_ms; /* of the whole pipeline, in the same minutes */
    double difference; /* largest, of the outputs, relative to the largest magnitude */
} Variant;

typedef struct Ablation {
    const char *network, *target, *pipeline;
    Variant full; /* `without` is NULL; the times are of all rounds together */
    Variant *variants;
    int variant_count;
} Ablation;

void ablation_print(const Ablation *ablation, const AblateOptions *options);

#endif
