/* The lines in which two texts differ, as diff -u shows them. */
#ifndef RIFFLE_DRIVER_LINE_DIFF_H
#define RIFFLE_DRIVER_LINE_DIFF_H

#include "ir/text.h"

/* Appends the hunks, with three lines round each change; nothing where the texts are equal. */
void line_diff_print(const char *before, const char *after, Text *text);

#endif
