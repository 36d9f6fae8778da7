/* Whether a file of weights is whole, for machine code and NAME.c, as prepare.h has it. */
#ifndef RIFFLE_SUPPORT_CHECK_WEIGHTS_H
#define RIFFLE_SUPPORT_CHECK_WEIGHTS_H

#include "runtime/support/prepare.h"

#include "runtime/support/check_weights_numbers.h"

int riffle_support_check_weights(
    const void *weights, size_t bytes, const int32_t *numbers, const float *values);

#endif
