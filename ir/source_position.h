/* Texts that were read, and places in them. */
#ifndef RIFFLE_IR_SOURCE_POSITION_H
#define RIFFLE_IR_SOURCE_POSITION_H

#include <stddef.h>
#include <stdint.h>

/* A text that was read: lives as long as the arena it was allocated from. */
typedef struct SourceFile {
    const char *name; /* as the user gave it */
    const char *text; /* NUL-terminated; may hold further NULs, see length. NULL for a file that is
                         no text: diagnostics then name the file and no line */
    size_t length;
} SourceFile;

/* A byte range of a source file; file == NULL when the place is unknown. */
typedef struct SourceRange {
    const SourceFile *file;
    uint32_t begin, end;
} SourceRange;

/* One place, as people and editors count. */
typedef struct SourcePosition {
    uint32_t line;        /* from 1 */
    uint32_t column;      /* in bytes, from 1 (as in gcc) */
    uint32_t utf16_units; /* of UTF-16 before it on its line: what editors count in, from 0 */
} SourcePosition;

/* Of a byte of a text; one behind the end is the end. A byte that is no UTF-8 counts as one unit.
 */
SourcePosition source_position(const SourceFile *file, uint32_t offset);

/* The byte at so many units of UTF-16 on a line, which counts from 0. What is behind the end of the
 * line is its end, what is behind the last line the end of the text, and what is inside a character
 * its beginning. */
uint32_t source_offset(const SourceFile *file, uint64_t line, uint64_t utf16_units);

#endif
