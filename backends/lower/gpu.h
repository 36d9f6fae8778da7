/* From graph to program, for a GPU. */
#ifndef RIFFLE_BACKENDS_LOWER_GPU_H
#define RIFFLE_BACKENDS_LOWER_GPU_H

#include "backends/program/emission.h"
#include <stdbool.h>

/* All of it, for a target that is a GPU. False after reporting an error. */
bool gpu_lower(Emission *emission);

#endif
