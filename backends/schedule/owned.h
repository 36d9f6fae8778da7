/* The buffers of routes that own their sources. */
#ifndef RIFFLE_BACKENDS_SCHEDULE_OWNED_H
#define RIFFLE_BACKENDS_SCHEDULE_OWNED_H

#include "backends/program/lowering.h"

/* owned.c: makes the buffers of the routes that own their sources: in parts, where that takes less
 * memory.
 */
void lowering_make_owned(Lowering *lowering, const Liveness *liveness);

#endif
