/* The most probable classes of a classifier, for riffle run, machine code and NAME.c, as prepare.h
 * has it. */
#ifndef RIFFLE_SUPPORT_TOP_H
#define RIFFLE_SUPPORT_TOP_H

#include "runtime/support/prepare.h"

#include "runtime/support/top_numbers.h"

int riffle_support_top(const float *scores, int *classes, float *probabilities, int most,
    const int32_t *numbers, const float *values);

#endif
