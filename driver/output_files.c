#include "driver/output_files.h"

#include "ir/write_files.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

Text *output_files_add(OutputFiles *files, const char *path) {
    ARENA_GROW(files->session->arena, files->items, files->count, files->capacity, 16);
    OutputFile *file = &files->items[files->count++];
    *file = (OutputFile){.path = path};
    return &file->contents;
}

Text *output_files_add_outside(OutputFiles *files, const char *path) {
    Text *contents = output_files_add(files, path);
    files->items[files->count - 1].outside = true;
    return contents;
}

Text *output_files_add_spliced(OutputFiles *files, const char *path, Splice splice) {
    Text *contents = output_files_add(files, path);
    files->items[files->count - 1].splice = splice;
    return contents;
}

Text *output_files_add_spliced_outside(OutputFiles *files, const char *path, Splice splice) {
    Text *contents = output_files_add_spliced(files, path, splice);
    files->items[files->count - 1].outside = true;
    return contents;
}

void output_files_free(OutputFiles *files) {
    for (size_t i = 0; i < files->count; i++)
        text_free(&files->items[i].contents);
    files->count = 0;
}

bool make_directories(const char *path, Session *session) {
    char *partial = arena_copy_string(session->arena, path);
    for (char *at = partial + 1; at[-1] != '\0'; at++) {
        if (*at != '/' && *at != '\0')
            continue;
        char end = *at;
        *at = '\0';
        if (mkdir(partial, 0777) != 0 && errno != EEXIST) {
            diagnostics_error(session->diagnostics, NULL, "cannot make the directory '%s': %s",
                partial, strerror(errno));
            return false;
        }
        *at = end;
    }
    return true;
}

char *output_file_path(const OutputFile *file, const char *directory, Arena *arena) {
    if (file->outside)
        return arena_copy_string(arena, file->path);
    const char *slash = ends_with(directory, "/") ? "" : "/";
    return arena_format(arena, "%s%s%s", directory, slash, file->path);
}

static bool make_parent(const char *path, Session *session) {
    const char *slash = strrchr(path, '/');
    if (slash == NULL || slash == path)
        return true;
    return make_directories(
        arena_copy_bytes(session->arena, path, (size_t)(slash - path)), session);
}

/* Whether each directory is there and none stands where a file goes. */
static bool places_are_free(const OutputFiles *files, const FileToWrite *writes) {
    bool good = true;
    for (size_t i = 0; i < files->count; i++) {
        struct stat status;
        if (!files->items[i].outside && !make_parent(writes[i].path, files->session))
            return false;
        if (stat(writes[i].path, &status) != 0 || !S_ISDIR(status.st_mode))
            continue;
        report_unwritten(files->session->diagnostics, writes[i].path, EISDIR);
        good = false;
    }
    return good;
}

bool output_files_write(const OutputFiles *files, const char *directory) {
    Arena *arena = files->session->arena;
    FileToWrite *writes = ARENA_ARRAY(arena, FileToWrite, files->count);
    for (size_t i = 0; i < files->count; i++)
        writes[i] = (FileToWrite){output_file_path(&files->items[i], directory, arena),
            &files->items[i].contents, files->items[i].splice};
    if (!places_are_free(files, writes))
        return false;
    size_t failed = 0;
    int error = write_files(writes, files->count, &failed);
    if (error != 0)
        report_unwritten(files->session->diagnostics, writes[failed].path, error);
    return error == 0;
}
