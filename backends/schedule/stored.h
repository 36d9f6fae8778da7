/* Which sources of an arrangement are written in place by whoever computes them. */
#ifndef RIFFLE_BACKENDS_SCHEDULE_STORED_H
#define RIFFLE_BACKENDS_SCHEDULE_STORED_H

#include "backends/schedule/arrangements.h"
#include "backends/schedule/decisions.h"

/* By value id: the part that the value is stored as; NULL where it has a place of its own. Marks
 * these parts, and gives the others the reason why they are copied. Outputs and claims are known.
 */
const ArrangedPart **store_arrangements(const Decisions *decisions);

/* Whether the value has no memory of its own: it is written to an output or into an arrangement, or
 * lies between ops that only say which number is where. */
bool lies_elsewhere(const Decisions *decisions, const Value *value);

#endif
