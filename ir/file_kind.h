/* What a file is, by its first bytes: so that a reader that is given a file of another kind can say
 * which, and which command takes it, rather than show what it makes of the bytes. */
#ifndef RIFFLE_IR_FILE_KIND_H
#define RIFFLE_IR_FILE_KIND_H

#include "ir/diagnostics.h"

typedef enum FileKind {
    FILE_KIND_UNKNOWN,
#define FILE_KIND(kind, ...) FILE_KIND_##kind,
#include "ir/file_kinds.def"
    FILE_KIND_COUNT
} FileKind;

/* UNKNOWN where nothing is sure. */
FileKind file_kind(const void *bytes, size_t length);

/* What a reader takes. */
typedef struct WantedFile {
    const char *what;  /* "a spec" */
    FileKind kinds[3]; /* those that it is told by, UNKNOWN behind them */
} WantedFile;

/* False after reporting that the bytes are of another kind than those wanted, and of which. Bytes
 * of no kind that is known are left to the reader. */
bool file_is_wanted(const char *path, const void *bytes, size_t length, const WantedFile *wanted,
    Diagnostics *diagnostics);

#endif
