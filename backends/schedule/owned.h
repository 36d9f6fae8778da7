/* The buffers of routes that own their sources. */
#ifndef RIFFLE_BACKENDS_SCHEDULE_OWNED_H
#define RIFFLE_BACKENDS_SCHEDULE_OWNED_H

#include "backends/schedule/liveness.h"

/* Cuts the results of routes that own their sources, where that takes less memory: sets `cuts`.
 * What is alive when is known then: sets `room`. */
void cut_owned_tensors(Decisions *decisions, const Liveness *liveness);

#endif
