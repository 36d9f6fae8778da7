/* Pictures of programs, in Graphviz's language. */
#ifndef RIFFLE_BACKENDS_OUTPUT_PROGRAM_DRAW_H
#define RIFFLE_BACKENDS_OUTPUT_PROGRAM_DRAW_H

#include "backends/program/summary.h"
#include "ir/text.h"

/* A drawing of the steps and the buffers between them. A buffer shows where in it each step begins
 * to write, in the step's colour: a route whose sources are written in place is several steps that
 * write to one buffer. `only` is NULL, or what the paths of the steps to draw begin with. Returns
 * how many were drawn. */
int program_draw(const Program *program, const char *only, Text *text);

#endif
