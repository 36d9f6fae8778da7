/* The names of classes, for machine code and NAME.c, as prepare.h has it. */
#ifndef RIFFLE_SUPPORT_LABEL_H
#define RIFFLE_SUPPORT_LABEL_H

#include "runtime/support/prepare.h"

/* Numbers: how many there are, and where the text of each begins. */
const char *riffle_support_label(
    int class_index, const int32_t *numbers, const unsigned char *text);

#endif
