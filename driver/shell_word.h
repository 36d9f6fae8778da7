/* Commands that are shown to be copied, or given to a shell. */
#ifndef RIFFLE_DRIVER_SHELL_WORD_H
#define RIFFLE_DRIVER_SHELL_WORD_H

#include "ir/text.h"

/* A word as a shell takes it: in quotes where it needs them. */
void shell_word_append(Text *text, const char *word);

#endif
