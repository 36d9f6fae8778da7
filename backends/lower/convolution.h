/* Which form a convolution is lowered in. */
#ifndef RIFFLE_BACKENDS_LOWER_CONVOLUTION_H
#define RIFFLE_BACKENDS_LOWER_CONVOLUTION_H

#include "backends/program/emission.h"
#include "ir/graph.h"

bool lower_convolution(Emission *emission, const Node *node); /* conv, linear */

#endif
