/* Finds races: two accesses of different threads to one word, at least one of which writes, that
 * neither a barrier nor a chain of atomics and fences orders.
 *
 * The accesses are seen by the calls that -fsanitize=thread makes; that sanitizer's own runtime,
 * which knows nothing of these threads, is not linked. Blocks have clocks: the number of barriers
 * they have passed. A thread that fences and then does an atomic publishes what its block did
 * before its last barrier (and what it did itself); who reads the same word as volatile or by an
 * atomic, and then fences, may see that, and after the next barrier its whole block may. */
#ifndef RIFFLE_SHIM_RACES_H
#define RIFFLE_SHIM_RACES_H

#include "threads.h"

namespace shim {

void races_launch_begin(unsigned blocks);
void races_block_begin(Block &block);
void races_block_barrier(Block &block);
void races_fence();
void races_atomic(const void *address);
/* A load that may see what an atomic published; a fence must follow. */
void races_load(const void *address);
/* A load that sees no write of the same launch, whatever is between them. */
void races_read_only(const void *address, std::size_t bytes);

} // namespace shim

#endif
