/* What a call of a compiled network returns, by number: status.def. */
#ifndef RIFFLE_BACKENDS_PROGRAM_STATUS_H
#define RIFFLE_BACKENDS_PROGRAM_STATUS_H

#include "ir/text.h"
#include <stdbool.h>

typedef enum Status {
#define STATUS(identifier, name, number, ...) STATUS_##identifier = (number),
#include "backends/program/status.def"
} Status;

/* The enum NAME_status as C; `levels`: of a library with code for several processors. */
void status_write_enum(const char *name, const char *upper, bool levels, Text *out);
/* The lines `case NAME_...:` of a switch, each of which returns what the status means. */
void status_write_cases(const char *upper, bool levels, Text *out);

#endif
