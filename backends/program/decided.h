/* What was decided of a network, and of each of its steps. This room carries it for those who look
 * into it. */
#ifndef RIFFLE_BACKENDS_PROGRAM_DECIDED_H
#define RIFFLE_BACKENDS_PROGRAM_DECIDED_H

typedef struct Decisions Decisions;       /* schedule/decisions.h */
typedef struct StepSchedule StepSchedule; /* schedule/step_schedule.h */

#endif
