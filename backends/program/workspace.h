/* The memory that a program works in. */
#ifndef RIFFLE_BACKENDS_PROGRAM_WORKSPACE_H
#define RIFFLE_BACKENDS_PROGRAM_WORKSPACE_H

#include "backends/program/emission.h"

void plan_workspace(Emission *emission);

#endif
