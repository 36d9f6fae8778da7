/* Files that are made in memory first, and then written all or not at all. */
#ifndef RIFFLE_DRIVER_OUTPUT_FILES_H
#define RIFFLE_DRIVER_OUTPUT_FILES_H

#include "driver/driver.h"
#include "ir/text.h"

typedef struct OutputFile {
    const char *path;
    bool
        outside; /* the path is where it goes; otherwise it is below the directory that all go to */
    Text contents;
    Splice splice;
} OutputFile;

typedef struct OutputFiles {
    Session *session;
    OutputFile *items;
    size_t count, capacity;
} OutputFiles;

/* A new file, to be filled. The pointer is good until the next call; path must live as long as the
 * session. */
Text *output_files_add(OutputFiles *files, const char *path);
/* The same for one whose path is not below the directory, and whose own directory is there. */
Text *output_files_add_outside(OutputFiles *files, const char *path);
/* The same for ones that have a splice. */
Text *output_files_add_spliced(OutputFiles *files, const char *path, Splice splice);
Text *output_files_add_spliced_outside(OutputFiles *files, const char *path, Splice splice);
/* Makes the directories and writes the files (see ir/write_files.h). False after reporting; then
 * the files that were there before are there still, and no others. `directory` may be NULL if all
 * are outside. */
bool output_files_write(const OutputFiles *files, const char *directory);
/* Where a file of those comes to lie. */
char *output_file_path(const OutputFile *file, const char *directory, Arena *arena);
void output_files_free(OutputFiles *files);

/* Makes a directory and those above it, as far as they are absent. */
bool make_directories(const char *path, Session *session);

#endif
