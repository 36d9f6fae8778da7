/* The forms in which concat, split, shuffle and gather can be carried out, for comparison. */
#ifndef RIFFLE_DRIVER_LAYOUT_FORM_H
#define RIFFLE_DRIVER_LAYOUT_FORM_H

#include "driver/driver.h"
#include "passes/passes.h"

typedef enum LayoutForm {
    LAYOUT_FORM_ROUTED, /* the default */
    LAYOUT_FORM_MERGED,
    LAYOUT_FORM_AS_WRITTEN,
    LAYOUT_FORM_COUNT
} LayoutForm;

typedef struct LayoutFormInfo {
    const char *name;        /* "as-written" */
    const char *left_out[4]; /* passes, closed by NULL */
    bool copies;             /* LowerOptions.copy_layout */
} LayoutFormInfo;

const LayoutFormInfo *layout_form_info(LayoutForm form);
/* Of the value of --layout; false after reporting that there is no form of this name. */
bool layout_form_parse(Session *session, const char *name, LayoutForm *form);
/* The pipeline without the passes that the form leaves out; the pipeline itself when it has
 * mistakes. The result lives in the arena. */
const char *layout_form_pipeline(
    LayoutForm form, const char *pipeline, const PassRegistry *registry, Arena *arena);

#endif
