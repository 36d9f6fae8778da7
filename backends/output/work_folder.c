#include "backends/output/work_folder.h"
#include "ir/arena.h"
#include "ir/diagnostics.h"
#include "ir/progress.h"
#include "ir/signals.h"
#include "ir/text.h"
#include "ir/write_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { MOST_SHOWN_BYTES = 2000 };
static const char messages[] = "messages";

/* Not by opendir(), which takes memory: there may be none. */
static void remove_contents(void *context) {
    const WorkFolder *folder = context;
    _Alignas(struct dirent64) char entries[4096];
    int contents = open(folder->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (ssize_t length;
        contents >= 0 && (length = getdents64(contents, (void *)entries, sizeof entries)) > 0;)
        for (ssize_t at = 0; at < length;) {
            const struct dirent64 *entry = (const struct dirent64 *)(const void *)(entries + at);
            (void)unlinkat(contents, entry->d_name, 0);
            at += entry->d_reclen;
        }
    if (contents >= 0)
        close(contents);
    (void)rmdir(folder->path);
}

bool work_folder_make(WorkFolder *folder, Arena *arena, Diagnostics *diagnostics) {
    *folder = (WorkFolder){.arena = arena, .diagnostics = diagnostics};
    const char *parent = getenv("TMPDIR");
    char *path = arena_format(
        arena, "%s/riffle-XXXXXX", parent != NULL && *parent != '\0' ? parent : "/tmp");
    signals_hold(&folder->signals);
    if (mkdtemp(path) == NULL) {
        diagnostics_error(diagnostics, "the environment variable TMPDIR names a folder",
            "cannot make the folder '%s': %s", path, strerror(errno));
        signals_release(&folder->signals);
        return false;
    }
    folder->path = path;
    ending_expect(&folder->ending, remove_contents, folder);
    return true;
}

void work_folder_remove(WorkFolder *folder) {
    if (folder->path == NULL)
        return;
    ending_forget(&folder->ending);
    remove_contents(folder);
    folder->path = NULL;
    signals_release(&folder->signals);
}

const char *work_folder_path(const WorkFolder *folder, const char *name) {
    return arena_format(folder->arena, "%s/%s", folder->path, name);
}

static bool write_file(const WorkFolder *folder, FileToWrite file) {
    int error = write_files(&file, 1, NULL);
    if (error != 0)
        report_unwritten(folder->diagnostics, file.path, error);
    return error == 0;
}

bool work_folder_write(const WorkFolder *folder, const char *name, const Text *text) {
    return work_folder_write_spliced(folder, name, text, NULL);
}

bool work_folder_write_spliced(
    const WorkFolder *folder, const char *name, const Text *text, const Splice *splice) {
    return write_file(folder, (FileToWrite){.path = work_folder_path(folder, name),
                                  .contents = text,
                                  .splice = splice == NULL ? (Splice){0} : *splice});
}

bool work_folder_write_bytes(
    const WorkFolder *folder, const char *name, const RestingBytes *bytes) {
    return write_file(folder,
        (FileToWrite){.path = work_folder_path(folder, name),
            .contents = &(Text){0},
            .splice = {.bytes = bytes->data, .length = bytes->length, .rests = bytes->rests}});
}

static void report_unread(const WorkFolder *folder, const char *path) {
    if (errno == ENOMEM) /* of the stream's own buffer */
        out_of_memory();
    diagnostics_error(folder->diagnostics, NULL, "cannot read '%s': %s", path, strerror(errno));
}

bool work_folder_read(const WorkFolder *folder, const char *name, Text *out) {
    const char *path = work_folder_path(folder, name);
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        report_unread(folder, path);
        return false;
    }
    char bytes[65536];
    for (size_t count; (count = fread(bytes, 1, sizeof bytes, file)) > 0;)
        text_append_bytes(out, bytes, count);
    bool read = ferror(file) == 0;
    if (!read)
        report_unread(folder, path);
    fclose(file);
    return read;
}

bool work_folder_read_resting(
    const WorkFolder *folder, const char *name, Arena *arena, Splice *out) {
    enum { PIECE = 1 << 24 };
    const char *path = work_folder_path(folder, name);
    struct stat status = {0};
    FILE *file = fopen(path, "rb");
    bool read = file != NULL && fstat(fileno(file), &status) == 0;
    size_t size = (size_t)status.st_size;
    char *bytes = read ? arena_allocate_resting(arena, size, 1, &out->rests) : NULL;
    for (size_t at = 0; read && at < size; at += PIECE) {
        size_t left = size - at, piece = left < PIECE ? left : PIECE;
        read = fread(bytes + at, 1, piece, file) == piece;
        if (out->rests)
            memory_rest(bytes + at, piece);
    }
    if (!read)
        report_unread(folder, path);
    if (file != NULL)
        fclose(file);
    out->bytes = bytes;
    out->length = size;
    return read;
}

/* ---- running programs ---- */

/* The environment with another TMPDIR: a program that starts others through a shell, as nvcc does,
 * then gives it names of temporary files that hold nothing to expand. */
static char **make_environment(const WorkFolder *folder) {
    static const char variable[] = "TMPDIR=";
    size_t count = 0, kept = 0;
    while (environ[count] != NULL)
        count++;
    char **result = ARENA_ARRAY(folder->arena, char *, count + 2);
    for (size_t i = 0; i < count; i++)
        if (strncmp(environ[i], variable, sizeof variable - 1) != 0)
            result[kept++] = environ[i];
    result[kept] = arena_format(folder->arena, "%s.", variable);
    return result;
}

static int spawn(const WorkFolder *folder, const char *const *words, bool from_here, pid_t *child) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    if (posix_spawn_file_actions_init(&actions) != 0 ||
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0) != 0 ||
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO,
            work_folder_path(folder, messages), O_WRONLY | O_CREAT | O_TRUNC, 0600) != 0 ||
        (!from_here && posix_spawn_file_actions_addchdir_np(&actions, folder->path) != 0) ||
        posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO) != 0 ||
        posix_spawnattr_init(&attributes) != 0)
        out_of_memory();
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    posix_spawnattr_setsigmask(&attributes, &folder->signals.mask_before);
    int error = posix_spawnp(child, words[0], &actions, &attributes, (char *const *)(void *)words,
        from_here ? environ : make_environment(folder));
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

static int run(const WorkFolder *folder, const char *const *words, bool from_here) {
    pid_t child;
    int error = signals_came(&folder->signals) ? EINTR : spawn(folder, words, from_here, &child);
    if (error != 0) {
        errno = error;
        return -1;
    }
    int work = progress_begin("waiting for the program", 0);
    progress_detail(words[0]);
    int status = signals_wait(&folder->signals, child);
    progress_end(work);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

int work_folder_run(const WorkFolder *folder, const char *const *words) {
    return run(folder, words, false);
}

int work_folder_run_from_here(const WorkFolder *folder, const char *const *words) {
    return run(folder, words, true);
}

int work_folder_run_at_last(const WorkFolder *folder, const char *const *words) {
    pid_t child;
    int status = 0;
    errno = spawn(folder, words, true, &child);
    if (errno != 0)
        return -1;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

bool work_folder_read_messages(const WorkFolder *folder, Text *out) {
    return work_folder_read(folder, messages, out);
}

void work_folder_show_messages(const WorkFolder *folder) {
    Text said = {0};
    if (work_folder_read_messages(folder, &said))
        diagnostics_add_lines(folder->diagnostics, said.data,
            said.length < MOST_SHOWN_BYTES ? said.length : MOST_SHOWN_BYTES);
    text_free(&said);
}
