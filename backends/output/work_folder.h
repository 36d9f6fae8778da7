/* A folder for temporary files, in which other programs run: without a shell, and gone afterwards,
 * also when a signal or a lack of memory ends riffle meanwhile. */
#ifndef RIFFLE_BACKENDS_OUTPUT_WORK_FOLDER_H
#define RIFFLE_BACKENDS_OUTPUT_WORK_FOLDER_H

#include "ir/arena.h"
#include "ir/diagnostics.h"
#include "ir/ending.h"
#include "ir/resting.h"
#include "ir/signals.h"
#include "ir/text.h"

typedef struct WorkFolder {
    Arena *arena; /* of the caller; it outlives the folder */
    Diagnostics *diagnostics;
    const char *path; /* NULL: there is none */
    HeldSignals signals;
    Ending ending;
} WorkFolder;

/* Makes one in the folder that the environment variable TMPDIR names, else in /tmp. False after
 * reporting; remove it in any case. */
bool work_folder_make(WorkFolder *folder, Arena *arena, Diagnostics *diagnostics);
void work_folder_remove(WorkFolder *folder);

const char *work_folder_path(const WorkFolder *folder, const char *name);
/* Each reports what fails. work_folder_read appends. `splice` may be NULL. */
bool work_folder_write(const WorkFolder *folder, const char *name, const Text *text);
bool work_folder_write_spliced(
    const WorkFolder *folder, const char *name, const Text *text, const Splice *splice);
bool work_folder_write_bytes(const WorkFolder *folder, const char *name, const RestingBytes *bytes);
bool work_folder_read(const WorkFolder *folder, const char *name, Text *out);
/* For large ones: the bytes lie in the arena. */
bool work_folder_read_resting(
    const WorkFolder *folder, const char *name, Arena *arena, Splice *out);

/* Runs a program in the folder, which is its TMPDIR, too. Returns its exit status, 128 if a signal
 * ended it, or -1 with errno when it could not be started. */
int work_folder_run(const WorkFolder *folder, const char *const *words);
/* The same in the folder that riffle runs in, for commands whose words may name files there. */
int work_folder_run_from_here(const WorkFolder *folder, const char *const *words);
/* The same when a signal came, too: to take away what must not stay. */
int work_folder_run_at_last(const WorkFolder *folder, const char *const *words);
/* What it said on both streams: appends it; shows the first lines below the last message. */
bool work_folder_read_messages(const WorkFolder *folder, Text *out);
void work_folder_show_messages(const WorkFolder *folder);

#endif
