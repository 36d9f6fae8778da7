/* Commands of other programs, as users give them: words with blanks in between, and no shell. */
#ifndef RIFFLE_BACKENDS_OUTPUT_COMMAND_H
#define RIFFLE_BACKENDS_OUTPUT_COMMAND_H

#include "ir/arena.h"
#include <stdbool.h>
#include <stddef.h>

/* Whether a folder of the PATH has a program of that name. */
bool program_is_in_path(Arena *arena, const char *program);

/* The same for one that may be there with a version behind its name: "clang", or the newest of
 * "clang-22" and the like. NULL without any. */
const char *program_find_version(Arena *arena, const char *program);

/* Appends the words of a text to the `count` in the list, which has room for them: half as many as
 * the text has bytes, and one. Returns how many there are then. */
size_t command_split(Arena *arena, const char *text, const char **words, size_t count);

#endif
