/* Where the result of a kernel goes. */
#ifndef RIFFLE_BACKENDS_KERNELS_PLACE_H
#define RIFFLE_BACKENDS_KERNELS_PLACE_H

#include "backends/program/emission.h"
#include "backends/program/placement.h"
#include "ir/graph.h"

/* A new dense channels-last buffer in the workspace for the value; or the place in the caller's
 * output buffer when the value is an output whose layout allows it. */
Placement *place_result(Emission *emission, Value *value);

/* Makes the buffers of all routes that own their sources. */
void place_owned(Emission *emission);

#endif
