/* Which form a convolution is lowered in. */
#ifndef RIFFLE_BACKENDS_LOWER_CONVOLUTION_H
#define RIFFLE_BACKENDS_LOWER_CONVOLUTION_H

#include "backends/program/lowering.h"
#include "ir/graph.h"

bool lower_convolution(Lowering *lowering, const Node *node); /* conv, linear */

#endif
