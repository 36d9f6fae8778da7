/* Files that are read whole. */
#ifndef RIFFLE_IR_SOURCE_FILE_H
#define RIFFLE_IR_SOURCE_FILE_H

#include "ir/file_kind.h"

/* Reads a whole file, also from a pipe that a program has open to write. Reports an error and
 * returns NULL when it cannot be read, is of another kind than `wanted` (NULL: any will do) or
 * larger than `size_limit` bytes. "-" reads standard input. */
SourceFile *source_file_read(const char *path, size_t size_limit, const WantedFile *wanted,
    Arena *arena, Diagnostics *diagnostics);

/* The same, without the byte order mark that some editors put before UTF-8. */
SourceFile *source_file_read_text(const char *path, size_t size_limit, const WantedFile *wanted,
    Arena *arena, Diagnostics *diagnostics);

#endif
