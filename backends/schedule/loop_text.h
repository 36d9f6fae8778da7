/* The order of a loop's instructions as text. */
#ifndef RIFFLE_BACKENDS_SCHEDULE_LOOP_TEXT_H
#define RIFFLE_BACKENDS_SCHEDULE_LOOP_TEXT_H

#include "backends/program/loop_schedule.h"
#include "ir/text.h"

/* A line for each cycle: of before the first round, which begin with a minus, and of a round.
 * Registers are sN (sums), vN (other vectors), iN (integers), pN (pointers) and n (rounds left). */
void loop_schedule_print(const LoopSchedule *schedule, Text *out);

#endif
