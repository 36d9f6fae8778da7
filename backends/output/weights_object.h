/* The object file of the weights. LLVM would copy them several times, so it sees only a few zeros.
 */
#ifndef RIFFLE_BACKENDS_OUTPUT_WEIGHTS_OBJECT_H
#define RIFFLE_BACKENDS_OUTPUT_WEIGHTS_OBJECT_H

#include "backends/program/summary.h"
#include "ir/diagnostics.h"
#include "ir/text.h"

/* Appends to the empty `out` what LLVM would write for an array of the packed weights, in a
 * read-only section; they themselves belong where the splice says, and live as long as the program.
 */
bool weights_object_write(
    const Program *program, Text *out, Splice *weights, Diagnostics *diagnostics);

#endif
