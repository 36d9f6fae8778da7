/* Groups of a convolution whose kernels are alike. */
#ifndef RIFFLE_BACKENDS_KERNELS_CONVOLUTION_GROUPS_H
#define RIFFLE_BACKENDS_KERNELS_CONVOLUTION_GROUPS_H

#include "backends/program/placement.h"
#include <stdbool.h>
#include <stdint.h>

/* kernels/convolution/groups.c: whether all groups of a convolution read the same parts of runs,
 * each *shift numbers further on than the group before. Of a single run *shift is 0: a group is a
 * channel in it. */
bool groups_alike(const Placement *input, int64_t groups, int64_t *shift);

#endif
