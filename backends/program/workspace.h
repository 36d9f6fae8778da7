/* The memory that a program works in. */
#ifndef RIFFLE_BACKENDS_PROGRAM_WORKSPACE_H
#define RIFFLE_BACKENDS_PROGRAM_WORKSPACE_H

#include "backends/program/emission.h"

/* Of the workspace that a caller gives, and of each buffer in it; behind the last one is room for a
 * vector that reads too far. */
enum { WORKSPACE_ALIGNMENT = 64, SLACK_BYTES = 64 };

/* Gives the buffers that live in the workspace their places, and the program its size. */
void plan_workspace(Emission *emission);

#endif
