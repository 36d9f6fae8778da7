/* Files from outside that lie in memory as they lie on the disk. */
#ifndef RIFFLE_IR_MAPPED_FILE_H
#define RIFFLE_IR_MAPPED_FILE_H

#include "ir/diagnostics.h"
#include <sys/stat.h>

typedef struct MappedFile {
    const char *path;           /* as given; must live as long as the mapping */
    const unsigned char *bytes; /* read-only; never NULL while it is open */
    size_t size;
    int descriptor;
    struct stat status; /* as it was when it was mapped */
    struct MappedFile *next;
} MappedFile;

/* Maps a regular file (nothing else has a size to go by, and a pipe would wait for a writer). False
 * after reporting. The struct may not move while it is open.
 *
 * If the file is cut short, what was behind its new end is no memory any more. The read that finds
 * that ends the process with a message that names the file, and EXIT_FAILURE: nothing that was
 * made of it so far can be trusted, so no file is written. */
bool mapped_file_open(MappedFile *file, const char *path, Diagnostics *diagnostics);
void mapped_file_close(MappedFile *file);

/* Whether the file is as it was when it was mapped; reports when it was written meanwhile, which
 * not every cut shows otherwise: a page's bytes behind the end of a file read as zeros. */
bool mapped_file_check(const MappedFile *file, Diagnostics *diagnostics);

#endif
