/* Packed weights that several programs of one library share. */
#ifndef RIFFLE_BACKENDS_LOWER_SHARED_WEIGHTS_H
#define RIFFLE_BACKENDS_LOWER_SHARED_WEIGHTS_H

#include "backends/program/program.h"
#include "ir/arena.h"

/* Keeps equal blocks of weights once, and lets the programs' steps read them there; those of the
 * last program stay in the order in which they are read. The first program owns the bytes from then
 * on, of the others' weights only the length is left. */
void weights_share(Program *const *programs, int count, Arena *arena);

#endif
