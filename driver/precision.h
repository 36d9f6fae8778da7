/* Reduced precision: calibration, and what it costs in answers. */
#ifndef RIFFLE_DRIVER_PRECISION_H
#define RIFFLE_DRIVER_PRECISION_H

#include "driver/model.h"
#include "driver/tensors.h"
#include "ir/name_map.h"

/* Stores the precision of that name; false after reporting that there is none. */
bool precision_parse(Session *session, const char *name, Precision *precision);

const char *precision_name(Precision precision); /* "int8" */

/* Whether there is code of the precision for the target; reports that there is none. */
bool precision_has_target(const ModelOptions *options, const Target *target);

/* The same of each level. */
bool precision_has_levels(const ModelOptions *options, const TargetLevels *levels);

/* The pass that makes the precision, as text of a pipeline; NULL for fp32. The target must be known
 * to exist. */
const char *precision_pass(const ModelOptions *options);

/* What runs after that pass. */
#define PRECISION_CLEANUP "dead-code"

/* For int8, runs the graph on the calibration inputs and puts a `range` behind each value. The same
 * inputs give the same graph on every machine. False after reporting. */
bool precision_prepare(const ModelOptions *options, Graph *graph);
/* Lets the pass make a prepared graph one of the precision. Layers whose paths are in `kept` (NULL:
 * none) compute with floats. *rewrites is how many layers became others. False after reporting. */
bool precision_reduce(
    const ModelOptions *options, const NameMap *kept, Graph *graph, int64_t *rewrites);
/* Both; nothing for fp32. */
bool precision_apply(const ModelOptions *options, const NameMap *kept, Graph *graph);

/* Runs both graphs by the interpreter on each file and prints in how many the first class of the
 * first output is the same, and the largest difference. False after reporting, also where that is
 * more than `tolerance` of the largest |value|. */
bool precision_compare(Precision precision, const Graph *reference, const Graph *graph,
    const FileList *files, double tolerance, Session *session);

/* How far answers of the precision may be from those of fp32 when nothing else is asked for. */
double precision_tolerance(Precision precision);

#endif
