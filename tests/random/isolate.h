/* Running code that may crash or never end. */
#ifndef RIFFLE_TESTS_RANDOM_ISOLATE_H
#define RIFFLE_TESTS_RANDOM_ISOLATE_H

#include "ir/arena.h"

/* Allocates what it returns from the arena; NULL for success. */
typedef const char *IsolatedFunction(void *context, Arena *arena);

/* Calls the function in a process of its own and returns what it returns, copied; or "crash: ..."
 * (with what it wrote to standard error) or "endless: ..." when it ends by a signal or takes more
 * than so many seconds of a processor. What the function changes in memory is lost. */
const char *isolated(IsolatedFunction *function, void *context, unsigned seconds, Arena *arena);

#endif
