/* The memory that a program works in. */
#ifndef RIFFLE_BACKENDS_PROGRAM_WORKSPACE_H
#define RIFFLE_BACKENDS_PROGRAM_WORKSPACE_H

#include "backends/program/lowering.h"

void plan_workspace(Lowering *lowering);

#endif
