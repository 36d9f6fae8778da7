/* What a call of a compiled network returns, by number: status.def. */
#ifndef RIFFLE_BACKENDS_PROGRAM_STATUS_H
#define RIFFLE_BACKENDS_PROGRAM_STATUS_H

#include "ir/text.h"
#include <stdbool.h>

typedef enum Status {
#define STATUS(identifier, name, number, ...) STATUS_##identifier = (number),
#include "backends/program/status.def"
} Status;

/* Which libraries return a status: all, or those with one of these. */
typedef enum StatusOf {
    STATUS_OF_ALL = 0,
    STATUS_OF_LEVELS = 1 << 0,        /* code for several processors */
    STATUS_OF_WEIGHTS_APART = 1 << 1, /* weights in a file of their own */
    STATUS_OF_FRAMES = 1 << 2,        /* NAME_prepare_... */
    STATUS_OF_BYTES = 1 << 3          /* inputs of bytes */
} StatusOf;

/* The enum NAME_status as C, of a library with what `of` has of STATUS_OF_. */
void status_write_enum(const char *name, const char *upper, unsigned of, Text *out);
/* The lines `case NAME_...:` of a switch, each of which returns what the status means. */
void status_write_cases(const char *upper, unsigned of, Text *out);

/* What the status in a row of the table means, and its number; NULL behind the last row. */
const char *status_meaning(int row, int *number);

#endif
