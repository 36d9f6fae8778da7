/* The schedule of a program as text: what `--emit schedule` writes (docs/kernels.md, "Reading a
 * schedule"). */
#ifndef RIFFLE_BACKENDS_SCHEDULE_SCHEDULE_TEXT_H
#define RIFFLE_BACKENDS_SCHEDULE_SCHEDULE_TEXT_H

#include "backends/program/summary.h"
#include "ir/text.h"

/* Of a program for a processor, while the graph lives that it was made from. */
void schedule_print(const Program *program, Text *out);

#endif
