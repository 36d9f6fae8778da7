/* The one way in which files are written. */
#ifndef RIFFLE_IR_WRITE_FILES_H
#define RIFFLE_IR_WRITE_FILES_H

#include "ir/diagnostics.h"
#include "ir/text.h"

typedef struct FileToWrite {
    const char *path;
    const Text *contents;
    Splice splice; /* in the contents; zeros for none */
} FileToWrite;

/* Writes all the files or none: each to a temporary file beside its path, and when all of them are
 * whole, they are renamed. If that fails, what stood at the paths stands there still. Pipes and
 * devices have nothing to rename; they are written after the temporary files and before the first
 * rename, and what went there cannot be taken back. A pipe that nobody reads is an error (ENXIO).
 * A signal that would end the process does so when the temporary files are gone.
 * Returns 0, or an errno value and in `failed` (which may be NULL) the index of the file. */
int write_files(const FileToWrite *files, size_t count, size_t *failed);

/* Reports that. */
void report_unwritten(Diagnostics *diagnostics, const char *path, int error);

#endif
