/* A tuning as text. */
#ifndef RIFFLE_BACKENDS_SCHEDULE_TUNING_TEXT_H
#define RIFFLE_BACKENDS_SCHEDULE_TUNING_TEXT_H

#include "backends/schedule/tuning.h"
#include "backends/target/target.h"
#include "ir/arena.h"
#include "ir/diagnostics.h"
#include "ir/text.h"

/* Reads what tuning_print writes; NULL after reporting every fault with its place. */
Tuning *tuning_read(const char *path, const Target *target, Arena *arena, Diagnostics *diagnostics);
void tuning_print(const Tuning *tuning, Text *text);
/* Warns, once, of entries that no layer has asked for. */
void tuning_report_unused(const Tuning *tuning, Diagnostics *diagnostics);

#endif
